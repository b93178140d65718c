using System.Collections.Immutable;
using Exchange.Delivery;
using Exchange.Engine;
using Exchange.Engine.Catalog;
using Exchange.Engine.Deliveries;
using Exchange.Engine.Fields;
using Exchange.Engine.Filters;
using Exchange.Engine.Leads;
using Exchange.Engine.Ledger;
using Exchange.Engine.PingTrees;
using Exchange.Engine.Values;
using Exchange.Grains.Deliveries;
using Exchange.Grains.Feed;
using Exchange.Grains.Intake;
using Exchange.Grains.Returns;
using Exchange.Storage;
using Microsoft.Extensions.Logging;

namespace Exchange.Grains.Leads;

/// <summary>
/// Performs what <see cref="LeadMachine"/> decides for one lead: submits its items, calls its buyers, answers its callers. No business rule
/// lives here. Runs on one grain's scheduler; the gate keeps one step in flight at a time.
/// </summary>
public sealed class LeadSeller(LeadServices services, LeadId id)
{
    /// <summary>How long past its deadline a post may wait for its first item to become durable before it answers 503.</summary>
    private static readonly TimeSpan StorageGrace = TimeSpan.FromSeconds(5);

    /// <summary>How often an operator's word is tried on top of what other activations do to the lead meanwhile.</summary>
    private const int MostLooks = 3;

    /// <summary>Between two tries to make a buyer's answer durable while the store is busy.</summary>
    private static readonly TimeSpan AgainAfter = TimeSpan.FromMilliseconds(100);

    private readonly SemaphoreSlim gate = new(1, 1);
    private PostCommand? first;
    private Task<PostReply>? running;
    /// <summary>Changed only behind the gate. Null, or with a first write that is not done: not known here, the rows tell it.</summary>
    private LeadSale? sale;
    private SaleWorld? world;
    private LeadRow? row;
    private IReadOnlyList<InputError> warnings = [];
    private int calls;
    private int resumes;
    private TaskCompletionSource? callsDone;

    /// <summary>No post is running and no buyer is being called.</summary>
    public bool IsIdle => calls == 0 && resumes == 0 && running is not { IsCompleted: false };

    private bool IsKnown => sale is { First: null };

    /// <summary>What is known here was made by this body: the pump may have brought back a lead that another body made.</summary>
    private bool IsKnownAs(PostCommand command) => IsKnown && row!.PostHash.AsSpan().SequenceEqual(command.BodyHash);

    public async Task<PostReply> PostAsync(PostCommand command)
    {
        // Another body or key: what it is told depends on how the first one ends.
        while (running is { } other && !SameRequest(command))
        {
            var end = await other;
            if (end.Problem is null) return await RecordedAsync(command) ?? AlreadyPosted(end.Answer);
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
            return (reply.Status == 202 ? await RecordedAsync(command) : null) ?? reply with { Replayed = true };
        }
        catch (TimeoutException) when (!mine.IsCompleted)
        {
            if (replay && command.IdempotencyKey is not null && LeftOf(first!) > TimeSpan.Zero)
                return PostReply.Refused(Problem.Of(409, "idempotency_in_progress", "The first request with this key is still running.", 1));
            if (IsKnownAs(command)) return Reply(sale!) with { Replayed = replay };
        }
        finally
        {
            // A bug or the store failed it: the next one begins with the rows.
            if (mine.IsFaulted && ReferenceEquals(running, mine)) running = null;
        }
        try
        {
            // Nothing durable yet: neither yes nor no may be said.
            return await mine.WaitAsync(StorageGrace, services.Time);
        }
        catch (TimeoutException) when (!mine.IsCompleted)
        {
            return IsKnownAs(command) ? Reply(sale!) : PostReply.Refused(Problem.Of(503, "storage_unavailable", "The outcome is not recorded yet; the same request gets it.", 1));
        }
    }

    private bool IsOpen(int copyNo) => sale?.SlotOfCopy(copyNo) is { State: SlotState.Held or SlotState.InDoubt };

    /// <summary>The pump's way in: a copy that is held or in doubt, whose lease this process has just taken.</summary>
    public async Task ResumeAsync(ResumeCommand command)
    {
        resumes++;
        try
        {
            await gate.WaitAsync();
            try
            {
                // By the rows, whatever is remembered here: another activation may have moved it since, fields may have come, and its person may be erased.
                if (!await RestoreAsync()) return;
                // A lease that ran out without a result: the process that called died or hangs. The buyer may have the lead.
                if (sale!.SlotOfCopy(command.CopyNo) is { State: SlotState.Held } && command is { LastError: null, Attempts: > 1, Drop: false })
                {
                    await StepAsync(new LeadEvent.Answered(command.CopyNo, BuyerAnswer.Unknown, Reason.InDoubt, null, null));
                    FaultPoints.AfterDoubt.Pass();
                }
            }
            finally
            {
                gate.Release();
            }
            if (IsOpen(command.CopyNo) && command.Drop) await CancelAsync(CopyOf(sale!.SlotOfCopy(command.CopyNo)!), command.Endpoint, command.Fence, command.Attempts, command.DeadlineMs);
            else if (IsOpen(command.CopyNo))
                await CallAsync(command.CopyNo, command.Endpoint, command.Fence, command.Attempts, command.CreatedAtMs, command.LastError, command.DeadlineMs);
            else if (IsKnown)
                await services.Store.Deliveries.RecordAsync(new(id, command.CopyNo), command.Endpoint, command.Fence,
                    new(DeliveryStatus.Failed, null, "copy_ended"), Now(), CancellationToken.None);
        }
        finally
        {
            resumes--;
        }
    }

    /// <summary>The pump's way in: the lead waited before a tree was asked, and that may be over.</summary>
    public async Task WaitOverAsync(long fence)
    {
        resumes++;
        try
        {
            await gate.WaitAsync();
            try
            {
                // As the rows are now: fields may have come, a catalog, an erasure.
                if (!await RestoreAsync() || row!.Wait is not { IsOver: false } wait || wait.Fence != fence) return;
                var resealed = row.IsErased || LeadWaits.Asked(wait.Wait, Context) is not { } tree ? null : await new WaitedAuction(services).AskLiveAsync(world!, row, sale!, tree, fence);
                await StepAsync(new LeadEvent.WaitOver(new(fence, resealed), Cancelled: row.IsErased));
            }
            finally
            {
                gate.Release();
            }
        }
        finally
        {
            resumes--;
        }
    }

    /// <summary>
    /// Forgets the person of this lead, in order with whatever else happens to it. A call that is under way cannot be called back; what it comes to is
    /// recorded.
    /// </summary>
    public async Task EraseAsync(EraseCommand command)
    {
        await gate.WaitAsync();
        try
        {
            await new LeadEraser(services).EraseAsync(id, command.Who);
            // Read anew, without what it held.
            sale = null;
            row = null;
            world = null;
            // What was answered is told again from the rows, without its redirects; a post that still runs answers its own caller.
            if (running is { IsCompleted: true }) running = null;
            services.Book.Forget(id);
        }
        finally
        {
            gate.Release();
        }
    }

    /// <summary>Fields were added to the rows: whatever is decided or sent next is decided and sent with them.</summary>
    public async Task ForgetFieldsAsync()
    {
        await gate.WaitAsync();
        try
        {
            // With a first item on its way there are no rows to go by yet, and nothing to forget.
            if (IsKnown) await RestoreAsync();
        }
        finally
        {
            gate.Release();
        }
    }

    /// <summary>The operator says what became of a copy in doubt; the lead goes on as if its buyer had said it.</summary>
    public async Task<ResolveReply> ResolveAsync(ResolveCommand command)
    {
        await gate.WaitAsync();
        try
        {
            var isNoted = false;
            for (var looks = 0; looks < MostLooks; looks++)
            {
                // By the rows: what is remembered here may be older than what another activation did.
                if (!await RestoreAsync() || row!.Copies.FirstOrDefault(copy => copy.Id.No == command.CopyNo) is not { } copy) return ResolveReply.Unknown;
                if (copy.State != CopyState.InDoubt)
                    return (command.Accepted ? copy.State is CopyState.Captured or CopyState.Reversed : copy.State == CopyState.Voided) ? isNoted ? ResolveReply.Done : ResolveReply.AlreadySo : ResolveReply.NotInDoubt;
                // Who is being asked may take the copy yet: the next in rank must not have it too. From here on nobody asks again.
                if (!command.Accepted && !await services.Store.Deliveries.GiveUpAsync(copy.Id, Now(), CancellationToken.None)) return ResolveReply.CallUnderWay;
                // Before anything changes: no line in the audit, no resolution.
                if (!isNoted) await services.Store.Access.AuditAsync(command.Who, "copy.resolve", copy.Id.ToString(), (command.Accepted ? "accepted" : "rejected") + (command.Note is { } note ? ": " + note : ""), Now(), CancellationToken.None);
                var step = await StepAsync(new LeadEvent.Answered(
                    command.CopyNo, command.Accepted ? BuyerAnswer.Accepted : BuyerAnswer.Refused, command.Accepted ? Reason.None : Reason.BuyerRejected, null, null));
                if (step.Conflict is null) return ResolveReply.Done;
                isNoted = true;
            }
            return ResolveReply.NotInDoubt;
        }
        finally
        {
            gate.Release();
        }
    }

    private async Task<PostReply> RunAsync(PostCommand command)
    {
        LeadStep end;
        await gate.WaitAsync();
        try
        {
            // The pump had brought the lead back: it was posted before, and its state here is not to be overwritten.
            if (IsKnown && await RecordedAsync(command) is { } known) return known;
            var prepared = await PrepareAsync(command);
            if (prepared.Reply is not null) return prepared.Reply;
            end = await StepAsync(new LeadEvent.Posted(prepared.Refused));
            // A test that wants a doubt has no buyer to be in doubt about: every held copy is.
            if (end.Conflict is null && sale?.Unfinished == LeadState.InDoubt)
                foreach (var slot in sale.Slots.Where(slot => slot.State == SlotState.Held).ToArray())
                    await StepAsync(new LeadEvent.Answered(slot.CopyNo, BuyerAnswer.Unknown, Reason.InDoubt, null, null));
        }
        catch (StorageBusyException)
        {
            return PostReply.Refused(Problem.Of(503, "storage_unavailable", "Nothing was recorded; come again.", 1));
        }
        finally
        {
            gate.Release();
        }
        if (end.Conflict is { } conflict) return await ConflictAsync(command, conflict);
        if (id.IsTest && sale is { IsForced: false }) await TestAsync();
        services.Homes.Posted(id, command.Publisher);
        if (calls > 0) await callsDone!.Task;
        return IsKnown ? Reply(sale!) : (await RecordedAsync(command))! with { Replayed = false };
    }

    /// <summary>
    /// A test goes once to where tests may go: a buyer whose answer makes the sale is waited for, whoever is only told is told aside. Nothing of it is leased or
    /// comes again; what is not answered stays as it is.
    /// </summary>
    private async Task TestAsync()
    {
        var tests = new TestCalls(services);
        // One that is refused goes to the next in rank, who may be asked too.
        for (var asked = new HashSet<int>(); IsKnown && sale!.Slots.FirstOrDefault(slot => slot.State == SlotState.Held && !asked.Contains(slot.CopyNo)) is { CopyNo: > 0 } slot;)
        {
            asked.Add(slot.CopyNo);
            if (await tests.AskAsync(row!, CopyOf(slot), Context.Subject, sale!.BidAt(slot.BidIndex).Bid) is { } answer)
                await RecordAnswerAsync(answer, SlotState.Held, Now() + (long)StorageGrace.TotalMilliseconds);
        }
        if (!IsKnown) return;
        foreach (var slot in sale!.Slots.Where(slot => slot.State == SlotState.Captured))
            _ = tests.TellAsync(row!, CopyOf(slot), Context.Subject, sale.BidAt(slot.BidIndex).Bid);
    }

    private readonly record struct Prepared(PostReply? Reply, Reason Refused);

    /// <summary>The post read against its ping; what refuses it, or the lead as the machine wants it.</summary>
    private async Task<Prepared> PrepareAsync(PostCommand command)
    {
        var (record, isUnsure) = await services.Homes.LookAsync(id);
        if (record is null)
        {
            record = await services.Store.Pings.FindAsync(id, services.Catalog.ModelAsync, CancellationToken.None);
            // Held at its ping: the offer stands whatever became of its record.
            record ??= await FirmRecordAsync();
            // In no book: after a restart, or late. It may have been posted before; a crash or time may have taken the ping's record, never the lead's rows.
            if ((!command.TestKey || id.IsTest) && await RecordedAsync(command) is { } recorded) return new(recorded, default);
        }
        // Unknown is not no: its silo may yet write it or say it.
        if (record is null && isUnsure) return new(PostReply.Refused(Problem.Of(503, "storage_unavailable", "The server that made the offer does not answer yet; come again.", 1)), default);
        if (record is null) services.Homes.NotFound(id);
        if (record is null || record.Publisher != command.Publisher || command.TestKey && !id.IsTest)
            return new(PostReply.Refused(Problem.Of(404, "ping_not_found", "There is no such ping.")), default);

        var (problem, post) = new PostPreparation(services).Prepare(command, record, await services.Catalog.ModelAsync(record.CatalogVersion, CancellationToken.None));
        // A refusal, unless this very post was answered before: then its recorded answer.
        if (problem is not null) return new(await RecordedAsync(command) ?? PostReply.Refused(problem), default);
        (sale, world, row, warnings) = (post!.Sale, post.World, post.Row, post.Warnings);
        // Asked at once: neither waits for the other.
        var taken = id.IsTest || post.Refused != Reason.None ? new(false) : services.Persons.MayBeTakenAsync(sale.First!.Persons);
        // The earlier of several reasons is told.
        var isEarlier = post.Refused is > Reason.None and < Reason.Suppressed;
        var refused = !isEarlier && await services.Store.Suppressions.AnyAsync(post.Suppressible, CancellationToken.None) ? Reason.Suppressed : post.Refused;
        sale = sale with { MayBeTaken = await taken };
        return new(null, refused);
    }

    /// <summary>An offer whose copies were held at the ping, as its rows tell it. Null: there is none that waits for its post.</summary>
    private async Task<PingRecord?> FirmRecordAsync()
    {
        if (await services.Store.Leads.FindAsync(id, CancellationToken.None) is not { IsPosted: false } held) return null;
        var atPing = await services.Catalog.ModelAsync(held.CatalogVersion, CancellationToken.None);
        var payload = LeadPayload.Of(services.Store.Vault, held);
        var today = PostRules.Today(DateTimeOffset.FromUnixTimeMilliseconds(held.AtMs), atPing.Zone);
        return LostRecord.From(held, atPing, PostRules.ValuesOf(atPing.Verticals[held.Vertical], payload, services.Parsers, today));
    }

    private async Task<PostReply?> RecordedAsync(PostCommand command)
    {
        var found = await services.Store.Leads.FindAsync(id, CancellationToken.None);
        if (found is not { IsPosted: true } || found.Publisher != command.Publisher) return null;
        var answer = await services.Answers.OfRowAsync(found, CancellationToken.None);
        if (!found.PostHash.AsSpan().SequenceEqual(command.BodyHash) || await UnderAnotherKeyAsync(command)) return AlreadyPosted(answer.ToJson());
        return new PostReply(answer.HttpStatus, found.Answer is { } recorded && answer.HttpStatus == 200 ? recorded : answer.ToJson(), null, true);
    }

    private SaleContext Context => world!.Context(services.Time.GetUtcNow());

    /// <summary>One step after another until the machine has nothing to make durable; then the calls it allows. The gate is held.</summary>
    private async Task<LeadStep> StepAsync(LeadEvent happened)
    {
        try
        {
            var wasSettled = sale is { First: null, IsSettled: true };
            var step = services.Decide(sale!, happened, Context);
            JournalItem? submitted = null;
            var written = false;
            while (true)
            {
                sale = step.Sale;
                if (step.Submit is null || step.Conflict is not null) break;
                submitted = step.Submit;
                var done = step.Sale.InFlight!.IfDone;
                // Recorded with the outcome: what is said is what is stored.
                var item = done.State == LeadState.Pending ? submitted : submitted with { Answer = AnswerOf(done).ToJson() };
                var verdict = await services.Store.Journal.SubmitAsync(item, CancellationToken.None);
                written = verdict.Code == VerdictCode.Done;
                // The row as it is stored: whoever sends this lead again says the same of it.
                if (verdict.Code == VerdictCode.Done && (submitted.New is not null || submitted.Post is not null)) row = row! with { AtMs = submitted.AtMs };
                // Only what this very item wrote: what was there already is on its way, or comes when its lease runs out.
                if (verdict.Code == VerdictCode.Done)
                {
                    services.Pump.Started(done, submitted);
                    services.Postbacks.Started(submitted);
                }
                if (done.Waits is not null) services.Waits.Nudge();
                step = IsGate(submitted, verdict) && await services.Catalog.RefreshAsync(CancellationToken.None)
                    ? services.Decide(sale, new LeadEvent.Stale(), Context)
                    : services.Decide(sale, new LeadEvent.Settled(verdict), Context);
            }
            // Somebody else's plan is in the rows, not ours. Or ours, and whoever wrote it calls: another activation, or the pump when its lease runs out.
            if (step.Conflict is not null || step.Calls.Count > 0 && !written) sale = null;
            else if (!wasSettled && sale is { First: null, IsSettled: true })
            {
                if (sale.Promised is not null) services.Promises.Settled(sale.PromiseKept);
                services.Standing.Sold(sale);
                services.Feed.Settled(sale);
            }
            if (written) foreach (var copyNo in step.Calls) StartCall(copyNo, DeliveryOf(submitted!, copyNo));
            return step;
        }
        catch
        {
            // An item may be on its way and a step half done: begin again with the rows.
            sale = null;
            throw;
        }
    }

    /// <summary>
    /// A buyer's answer is made durable however busy the store is, and on top of what another activation of this lead did meanwhile, as long as the lease
    /// under which it came.
    /// </summary>
    /// <param name="asked">The copy as it was when its buyer was asked. A no was weighed against that: whoever asked again since weighs it anew.</param>
    private async Task RecordAnswerAsync(LeadEvent.Answered answer, SlotState asked, long leaseUntilMs)
    {
        while (true)
        {
            await gate.WaitAsync();
            try
            {
                if (!IsKnown && !await RestoreAsync()) return;
                if (answer.Answer == BuyerAnswer.Refused && sale!.SlotOfCopy(answer.CopyNo)?.State != asked) return;
                var step = await StepAsync(answer);
                if (answer.Answer == BuyerAnswer.Unknown) FaultPoints.AfterDoubt.Pass();
                if (step.Conflict is null || Now() >= leaseUntilMs) return;
            }
            // A definite no: nothing was written.
            catch (StorageBusyException) when (Now() < leaseUntilMs) { }
            finally
            {
                gate.Release();
            }
            await Task.Delay(AgainAfter, services.Time);
        }
    }

    private static NewDelivery DeliveryOf(JournalItem item, int copyNo) =>
        (item.Starts.FirstOrDefault(copy => copy.No == copyNo)?.Deliveries ?? item.Ends.First(end => end.No == copyNo).Deliveries)[0];

    private void StartCall(int copyNo, NewDelivery delivery)
    {
        FaultPoints.AfterHold.Pass();
        if (calls++ == 0) callsDone = new(TaskCreationOptions.RunContinuationsAsynchronously);
        _ = CallFirstAsync(copyNo, delivery);
    }

    private async Task CallFirstAsync(int copyNo, NewDelivery delivery)
    {
        try
        {
            await CallAsync(copyNo, delivery.Endpoint, IDeliveryStore.FirstFence, 1, Now(), null, delivery.LeaseUntilMs - LeadMachine.LeaseGraceMs);
        }
        catch (Exception fault) when (fault is not OutOfMemoryException)
        {
            // The hold and its lease stand; the pump goes on when the lease runs out.
            services.Log.LogError(fault, "A call for copy {Copy} broke off; its lease will be taken over", new CopyId(id, copyNo));
        }
        finally
        {
            if (--calls == 0) callsDone!.TrySetResult();
        }
    }

    /// <summary>Calls the buyer of one held copy under a durable lease and makes durable what it said.</summary>
    private async Task CallAsync(int copyNo, string endpointName, long fence, int attempts, long createdAtMs, string? lastError, long deadlineMs)
    {
        if (sale?.SlotOfCopy(copyNo) is not { } slot) return;
        var copy = CopyOf(slot);
        if (row!.IsErased)
        {
            await CancelAsync(copy, endpointName, fence, attempts, deadlineMs);
            return;
        }
        var model = services.Catalog.Current;
        // The endpoint of the delivery, whatever the campaign names by now: whoever may have the lead is asked, nobody else.
        var campaign = model.Campaigns.GetValueOrDefault(copy.Campaign);
        AttemptResult result;
        EndpointModel? endpoint = null;
        if (campaign?.Buyer.Endpoints.TryGetValue(endpointName, out endpoint) == true)
        {
            if (!DeliveryDecision.MayCall(endpoint!, attempts, lastError))
            {
                await services.Store.Deliveries.RecordAsync(copy.Id, endpointName, fence, new(DeliveryStatus.Dead, null, "not_repeatable"), Now(), CancellationToken.None);
                return;
            }
            var message = CopyMessages.Create(model, await SaleTerms.ModelOfAsync(services.Catalog, row!, copy.Campaign, CancellationToken.None), row!, copy, LeadPayload.Of(services.Store.Vault, row), services.Store.Vault,
                sale.BidAt(slot.BidIndex).Bid);
            result = await services.Calls.SendAsync(endpoint!, message with { AfterDoubt = copy.State == CopyState.InDoubt || DeliveryDecision.MayHaveArrived(attempts, lastError) }, deadlineMs);
            FaultPoints.AfterAnswer.Pass();
        }
        else result = new(AttemptKind.NotSent, "endpoint_gone");
        var step = DeliveryDecision.After(new FinishedAttempt(
            copy.Id, copy.State, result.Kind, result.Refusal, attempts, createdAtMs, Now(),
            campaign?.Delivery.RetryFor ?? TimeSpan.FromHours(24), result.RetryAfter, result.Error, lastError)
        {
            Repeatable = endpoint?.CanComeAgain ?? true, DuplicateAfterDoubt = endpoint?.DuplicateAfterDoubt ?? default,
        });
        LeadEvent.Answered? answer = step.Move switch
        {
            CopyMove.Capture => new(copyNo, BuyerAnswer.Accepted, Reason.None, result.Ref, result.RedirectUrl) { Price = endpoint?.PriceAtPost == PriceAtPost.Lower ? result.Price : null },
            CopyMove.Void => new(copyNo, BuyerAnswer.Refused, step.Reason, null, null),
            CopyMove.Doubt => new(copyNo, BuyerAnswer.Unknown, Reason.InDoubt, null, null),
            _ => null,
        };
        if (answer is not null) await RecordAnswerAsync(answer, slot.State, deadlineMs + LeadMachine.LeaseGraceMs);
        if (step.Next is DeliveryNext.Wait or DeliveryNext.Dead)
        {
            await services.Store.Deliveries.RecordAsync(copy.Id, endpointName, fence,
                new(step.Next == DeliveryNext.Wait ? DeliveryStatus.Waiting : DeliveryStatus.Dead, step.DueAtMs, step.Error), Now(), CancellationToken.None);
            services.Pump.Nudge();
        }
    }

    /// <summary>
    /// There is nothing left to send. What its buyer may have stays in doubt, for the operator; what it cannot have yet is a certain no.
    /// </summary>
    private async Task CancelAsync(CopyRow copy, string endpoint, long fence, int attempts, long deadlineMs)
    {
        LeadEvent.Answered? answer = copy.State == CopyState.InDoubt ? null
            : attempts > 1 ? new(copy.Id.No, BuyerAnswer.Unknown, Reason.InDoubt, null, null)
            : new(copy.Id.No, BuyerAnswer.Refused, Reason.Cancelled, null, null);
        if (answer is not null) await RecordAnswerAsync(answer, SlotState.Held, deadlineMs + LeadMachine.LeaseGraceMs);
        await services.Store.Deliveries.RecordAsync(copy.Id, endpoint, fence, new(DeliveryStatus.Cancelled, null, "cancelled"), Now(), CancellationToken.None);
    }

    private CopyRow CopyOf(Slot slot)
    {
        var bid = sale!.BidAt(slot.BidIndex);
        return new(new(id, slot.CopyNo), slot.OfferId, bid.Campaign, bid.Buyer, bid.Company, slot.Sharing == Sharing.Exclusive,
            slot.State == SlotState.InDoubt ? CopyState.InDoubt : CopyState.Held, slot.Price, slot.Payout, row!.AtMs, Reason.None, null, null);
    }

    /// <summary>The lead as its rows tell it. False: there is none.</summary>
    private async Task<bool> RestoreAsync()
    {
        row = await services.Store.Leads.FindAsync(id, CancellationToken.None);
        if (row is null) return false;
        var atPing = await services.Catalog.ModelAsync(row.CatalogVersion, CancellationToken.None);
        var record = await services.Store.Pings.FindAsync(id, services.Catalog.ModelAsync, CancellationToken.None) ?? LostRecord.From(row, atPing, []);
        (sale, world) = await RestoredSale.FromAsync(services, row, record, atPing);
        return true;
    }

    private async Task<PostReply> ConflictAsync(PostCommand command, Verdict conflict)
    {
        if (conflict.Code == VerdictCode.KeyReused)
            return PostReply.Refused(Problem.Of(422, "idempotency_key_reused", "The idempotency key came before with another body."));
        var existing = conflict.Existing?.Lead ?? id;
        var found = await services.Store.Leads.FindAsync(existing, CancellationToken.None);
        Invariant.Require(found is not null);
        var answer = (await services.Answers.OfRowAsync(found, CancellationToken.None)).ToJson();
        if (conflict.Code == VerdictCode.AlreadyPosted || existing == id && await UnderAnotherKeyAsync(command)) return AlreadyPosted(answer);
        var status = LeadAnswer.FromJson(answer).HttpStatus;
        return new PostReply(status, status == 200 && found.Answer is { } recorded ? recorded : answer, null, true);
    }

    /// <summary>"Another body or key": the same body under a key that did not make this lead.</summary>
    private async Task<bool> UnderAnotherKeyAsync(PostCommand command) =>
        command.IdempotencyKey is { } key
        && (await services.Store.Leads.FindRequestAsync(command.Publisher, key, CancellationToken.None))?.Lead != id;

    private static PostReply AlreadyPosted(byte[]? answer) =>
        PostReply.Refused(Problem.Of(409, "already_posted", "This ping was posted before with another body or key.") with { Lead = answer });

    private bool SameRequest(PostCommand command) =>
        first!.BodyHash.AsSpan().SequenceEqual(command.BodyHash) && (command.IdempotencyKey is null || command.IdempotencyKey == first.IdempotencyKey);

    private static bool IsGate(JournalItem item, Verdict verdict) =>
        verdict.Code == VerdictCode.Refused && item.Starts[verdict.CopyIndex].Takes[verdict.TakeIndex].LimitId.StartsWith("open:", StringComparison.Ordinal);

    private TimeSpan DeadlineOf(PostCommand command)
    {
        var longest = world is not null && sale is not null ? world.AtPing.Verticals[sale.Record.Vertical].PostDeadline : TimeSpan.FromSeconds(20);
        var asked = command.DeadlineMs > 0 ? TimeSpan.FromMilliseconds(command.DeadlineMs) : longest;
        return asked < longest ? asked : longest;
    }

    private TimeSpan LeftOf(PostCommand command)
    {
        var left = command.ReceivedAt + DeadlineOf(command) - services.Time.GetUtcNow();
        return left > TimeSpan.Zero ? left : TimeSpan.Zero;
    }

    private PostReply Reply(LeadSale state)
    {
        var answer = AnswerOf(state);
        return new(answer.HttpStatus, answer.ToJson(), null);
    }

    private LeadAnswer AnswerOf(LeadSale state) => LeadAnswers.Of(state, services.Catalog.Current.Currency, warnings);

    private long Now() => services.Time.GetUtcNow().ToUnixTimeMilliseconds();
}
