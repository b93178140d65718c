using Exchange.Engine;
using Exchange.Engine.Leads;
using Exchange.Engine.Ledger;
using Exchange.Grains.Cluster;
using Exchange.Grains.Intake;
using Exchange.Storage;

namespace Exchange.Grains.Leads;

/// <summary>
/// The posts of one lead: the first sells it, the others wait for its outcome or get what is recorded; each caller no longer than its own deadline, while the
/// sale goes on.
/// </summary>
internal sealed class LeadPosts(LeadServices services, LeadMemory lead, CopyCalls calls)
{
    /// <summary>How long past its deadline a post may wait for its first item to become durable before it answers 503.</summary>
    private static readonly TimeSpan StorageGrace = TimeSpan.FromSeconds(5);

    private readonly RecordedPosts recorded = new(services, lead.Id);
    private PostCommand? first;
    private Task<PostReply>? running;

    public bool IsRunning => running is { IsCompleted: false };

    /// <summary>The next post is answered from the rows; one that still runs answers its own caller.</summary>
    public void ForgetAnswered()
    {
        if (running is { IsCompleted: true }) running = null;
    }

    public async Task<PostReply> PostAsync(PostCommand command)
    {
        // Another body or key: what it is told depends on how the first one ends.
        while (running is { } other && !IsSameRequest(command))
        {
            var otherFirst = first!;
            PostReply end;
            try
            {
                end = await other.WaitAsync(LeftOf(command), services.Time);
            }
            catch (TimeoutException) when (!other.IsCompleted)
            {
                // It is not told what the first one may not be told yet: only that it is there. To another publisher not even that.
                if (!lead.IsKnown)
                    return otherFirst.Publisher != command.Publisher && (await new PostedPing(services, lead.Id, recorded).FindAsync(command)).Reply is { } no ? no
                        : PostReply.Refused(Problem.Of(503, "storage_unavailable", "Another post of this ping is not decided yet; come again.", 1));
                return lead.Row!.Publisher == command.Publisher ? RecordedPosts.AlreadyPosted(lead.Reply().Answer) : RecordedPosts.NoSuchPing;
            }
            catch (TimeoutException)
            {
                // It ended just now.
                end = await other;
            }
            if (end.Problem is null)
                return otherFirst.Publisher != command.Publisher ? RecordedPosts.NoSuchPing : await recorded.FindAsync(command) ?? RecordedPosts.AlreadyPosted(end.Answer);
            if (ReferenceEquals(running, other)) running = null;
        }
        var replay = running is not null;
        if (running is null)
        {
            first = command;
            running = RunAsync(command);
        }
        var mine = running;
        try
        {
            var reply = await mine.WaitAsync(LeftOf(command), services.Time);
            // Refused before anything was held: it may be corrected and come again.
            if (reply.Problem is not null && ReferenceEquals(running, mine)) running = null;
            if (reply.Problem is not null || !replay) return reply;
            // What was open then may have ended since.
            return (reply.Status == 202 ? await recorded.FindAsync(command) : null) ?? reply with { Replayed = true };
        }
        catch (TimeoutException) when (!mine.IsCompleted)
        {
            if (replay && command.IdempotencyKey is not null && LeftOf(first!) > TimeSpan.Zero)
                return PostReply.Refused(Problem.Of(409, "idempotency_in_progress", "The first request with this key is still running.", 1));
            if (lead.IsKnownAs(command)) return lead.Reply() with { Replayed = replay };
        }
        catch (TimeoutException) when (mine.IsCompletedSuccessfully)
        {
            // It ended just now, and is told below.
        }
        finally
        {
            // A bug or the store failed it: the next one begins with the rows.
            if (mine.IsFaulted && ReferenceEquals(running, mine)) running = null;
        }
        try
        {
            // Nothing durable yet: neither yes nor no may be said.
            return Ended(await mine.WaitAsync(StorageGrace, services.Time));
        }
        catch (TimeoutException) when (mine.IsCompletedSuccessfully)
        {
            return Ended(await mine);
        }
        catch (TimeoutException) when (!mine.IsCompleted)
        {
            return lead.IsKnownAs(command) ? lead.Reply() : PostReply.Refused(Problem.Of(503, "storage_unavailable", "The outcome is not recorded yet; the same request gets it.", 1));
        }

        // Refused before anything was held: it may be corrected and come again.
        PostReply Ended(PostReply reply)
        {
            if (reply.Problem is null) return replay ? reply with { Replayed = true } : reply;
            if (ReferenceEquals(running, mine)) running = null;
            return reply;
        }
    }

    private async Task<PostReply> RunAsync(PostCommand command)
    {
        LeadStep end;
        using (await lead.EnterAsync())
        {
            try
            {
                // The pump had brought the lead back: it was posted before, and its state here is not to be overwritten.
                if (lead.IsKnown && await recorded.FindAsync(command) is { } known) return known;
                var (reply, refused) = await PrepareAsync(command);
                if (reply is not null) return reply;
                end = await calls.Steps.StepAsync(new LeadEvent.Posted(refused), command.ReceivedAt.ToUnixTimeMilliseconds() + (command.Direct ? OfferHomes.DirectPostHoldsMs : OfferHomes.PostHoldsMs));
                // A test that wants a doubt has no buyer to be in doubt about: every held copy is.
                if (end.Conflict is null && lead.Sale?.Unfinished == LeadState.InDoubt)
                    foreach (var slot in lead.Sale.Slots.Where(slot => slot.State == SlotState.Held).ToArray())
                        await calls.Steps.StepAsync(new LeadEvent.Answered(slot.CopyNo, BuyerAnswer.Unknown, Reason.InDoubt, null, null));
            }
            catch (StorageBusyException)
            {
                return PostReply.Refused(Problem.Of(503, "storage_unavailable", "This call recorded nothing; the same request gets the outcome.", 1));
            }
        }
        if (end.Conflict is { } conflict)
        {
            // Posted, by another activation or by an item whose reply was lost: its offer is out no more.
            if (conflict.Code == VerdictCode.AlreadyThere) services.Homes.Posted(lead.Id, command.Direct ? null : command.Publisher);
            return await recorded.OfConflictAsync(command, conflict);
        }
        if (lead.Id.IsTest && lead.Sale is { IsForced: false }) await TestAsync();
        services.Homes.Posted(lead.Id, command.Direct ? null : command.Publisher);
        await calls.WhenDoneAsync();
        return lead.IsKnown ? lead.Reply() : (await recorded.FindAsync(command))! with { Replayed = false };
    }

    /// <summary>The post read against its ping; what refuses it, or the lead as the machine wants it, with a no that is known already.</summary>
    private async Task<(PostReply? Reply, Reason Refused)> PrepareAsync(PostCommand command)
    {
        var (reply, record) = await new PostedPing(services, lead.Id, recorded).FindAsync(command);
        if (reply is not null) return (reply, default);
        // The offer may be of a campaign, a tree or a right that this silo has not heard of yet.
        if (record!.CatalogVersion > services.Catalog.Current.Version)
        {
            await services.Catalog.RefreshAsync(CancellationToken.None);
            if (record.CatalogVersion > services.Catalog.Current.Version)
                return (PostReply.Refused(Problem.Of(503, "storage_unavailable", "The catalog of this offer is not read here yet; come again.", 1)), default);
        }
        var (problem, post) = new PostPreparation(services).Prepare(command, record, await services.Catalog.ModelAsync(record.CatalogVersion, CancellationToken.None));
        // A refusal, unless this very post was answered before: then its recorded answer.
        if (problem is not null) return (await recorded.FindAsync(command) ?? PostReply.Refused(problem), default);
        lead.Begin(post!);
        // Asked at once: neither waits for the other.
        var taken = lead.Id.IsTest || post!.Refused != Reason.None ? new(false) : services.Persons.MayBeTakenAsync(post.Sale.First!.Persons);
        // The earlier of several reasons is told.
        var isEarlier = post!.Refused is > Reason.None and < Reason.Suppressed;
        var refused = !isEarlier && await services.Store.Suppressions.AnyAsync(post.Suppressible, CancellationToken.None) ? Reason.Suppressed : post.Refused;
        lead.Sale = lead.Sale! with { MayBeTaken = await taken };
        return (null, refused);
    }

    /// <summary>
    /// A test goes once to where tests may go: a buyer whose answer makes the sale is waited for, whoever is only told is told aside. Nothing of it is leased or
    /// comes again; what is not answered stays as it is.
    /// </summary>
    private async Task TestAsync()
    {
        var tests = new TestCalls(services);
        // One that is refused goes to the next in rank, who may be asked too.
        for (var asked = new HashSet<int>(); lead.IsKnown && lead.Sale!.Slots.FirstOrDefault(slot => slot.State == SlotState.Held && !asked.Contains(slot.CopyNo)) is { CopyNo: > 0 } slot;)
        {
            asked.Add(slot.CopyNo);
            if (await tests.AskAsync(lead.Row!, lead.CopyOf(slot), lead.Context.Subject, lead.Sale!.BidAt(slot.BidIndex).Bid) is { } answer)
                await calls.RecordAsync(answer, SlotState.Held, services.Time.GetUtcNow().ToUnixTimeMilliseconds() + (long)StorageGrace.TotalMilliseconds);
        }
        if (!lead.IsKnown) return;
        foreach (var slot in lead.Sale!.Slots.Where(slot => slot.State == SlotState.Captured))
            _ = tests.TellAsync(lead.Row!, lead.CopyOf(slot), lead.Context.Subject, lead.Sale.BidAt(slot.BidIndex).Bid);
    }

    private bool IsSameRequest(PostCommand command) =>
        first!.Publisher == command.Publisher && first.BodyHash.AsSpan().SequenceEqual(command.BodyHash) && (command.IdempotencyKey is null || command.IdempotencyKey == first.IdempotencyKey);

    private TimeSpan DeadlineOf(PostCommand command)
    {
        var longest = lead.LongestPost ?? TimeSpan.FromSeconds(20);
        var asked = command.DeadlineMs > 0 ? TimeSpan.FromMilliseconds(command.DeadlineMs) : longest;
        return asked < longest ? asked : longest;
    }

    private TimeSpan LeftOf(PostCommand command)
    {
        var left = command.ReceivedAt + DeadlineOf(command) - services.Time.GetUtcNow();
        return left > TimeSpan.Zero ? left : TimeSpan.Zero;
    }
}
