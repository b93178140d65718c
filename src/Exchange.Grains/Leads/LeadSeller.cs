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
using Exchange.Grains.Intake;
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

    private readonly SemaphoreSlim gate = new(1, 1);
    private PostCommand? first;
    private Task<PostReply>? running;
    private LeadSale? sale;
    private CatalogModel? modelAtPing;
    private LeadRow? row;
    private FieldValue[]? values;
    private Subject? subject;
    private string[] namedSellers = [];
    private IReadOnlyList<InputError> warnings = [];
    private long callDeadlineMs;
    private int calls;
    private TaskCompletionSource? callsDone;

    /// <summary>No post is running and no buyer is being called.</summary>
    public bool IsIdle => calls == 0 && running is not { IsCompleted: false };

    public async Task<PostReply> PostAsync(PostCommand command)
    {
        var replay = running is not null;
        if (running is not null && !SameRequest(command))
        {
            var reply = await running;
            if (reply.Problem is null) return AlreadyPosted(reply.Answer);
        }
        if (running is null)
        {
            first = command;
            running = RunAsync(command);
        }
        var mine = running;
        var deadline = DeadlineOf(command);
        var left = command.ReceivedAt + deadline - services.Time.GetUtcNow();
        try
        {
            var reply = await mine.WaitAsync(left > TimeSpan.Zero ? left : TimeSpan.Zero, services.Time);
            if (reply.Problem is not null)
            {
                // Refused before anything was held: it may be corrected and come again.
                if (ReferenceEquals(running, mine)) running = null;
                return reply;
            }
            return replay ? reply with { Replayed = true } : reply;
        }
        catch (TimeoutException)
        {
            if (replay && command.IdempotencyKey is not null)
                return PostReply.Refused(Problem.Of(409, "idempotency_in_progress", "The first request with this key is still running.", 1));
            if (sale is { First: null }) return Reply(sale);
        }
        try
        {
            // Nothing durable yet: neither yes nor no may be said.
            await mine.WaitAsync(StorageGrace, services.Time);
            return await mine;
        }
        catch (TimeoutException)
        {
            return sale is { First: null } ? Reply(sale) : PostReply.Refused(Problem.Of(503, "storage_unavailable", "The outcome is not recorded yet; the same request gets it.", 1));
        }
    }

    /// <summary>The pump's way in: a copy that is held or in doubt, whose lease this process has just taken.</summary>
    public async Task ResumeAsync(ResumeCommand command)
    {
        if (sale is null && !await RestoreAsync()) return;
        if (sale!.SlotOfCopy(command.CopyNo) is not { State: SlotState.Held or SlotState.InDoubt } slot)
        {
            await services.Store.Deliveries.RecordAsync(new(id, command.CopyNo), command.Endpoint, command.Fence,
                new(DeliveryStatus.Failed, null, "copy_ended"), Now(), CancellationToken.None);
            return;
        }
        // A lease that ran out without a result: the process that called died or hangs. The buyer may have the lead.
        if (slot.State == SlotState.Held && command.LastError is null)
            await DriveAsync(new LeadEvent.Answered(command.CopyNo, BuyerAnswer.Unknown, Reason.InDoubt, null, null));
        callDeadlineMs = Now() + (long)services.Pump.CallTimeout.TotalMilliseconds;
        await CallAsync(command.CopyNo, command.Fence, command.Attempts, command.CreatedAtMs, command.LastError);
    }

    private async Task<PostReply> RunAsync(PostCommand command)
    {
        var prepared = await PrepareAsync(command);
        if (prepared.Reply is not null) return prepared.Reply;
        callDeadlineMs = command.ReceivedAt.ToUnixTimeMilliseconds() + (long)DeadlineOf(command).TotalMilliseconds;
        LeadStep end;
        try
        {
            end = await DriveAsync(new LeadEvent.Posted(prepared.Refused));
        }
        catch (StorageBusyException)
        {
            running = null;
            return PostReply.Refused(Problem.Of(503, "storage_unavailable", "Nothing was recorded; come again.", 1));
        }
        if (end.Conflict is { } conflict) return await ConflictAsync(command, conflict);
        services.Rates.Posted(command.Publisher);
        services.SoftHolds.Release(id);
        if (calls > 0) await callsDone!.Task;
        return Reply(sale!);
    }

    private readonly record struct Prepared(PostReply? Reply, Reason Refused);

    /// <summary>Everything that can refuse a post before it is held, all errors at once; else the lead as the machine wants it.</summary>
    private async Task<Prepared> PrepareAsync(PostCommand command)
    {
        if (!services.Book.TryFind(id, out var record))
        {
            record = await services.Store.Pings.FindAsync(id, CancellationToken.None);
            // Not in the book: after a restart, or late. It may have been posted before.
            if (record is not null && record.Publisher == command.Publisher && await RecordedAsync(command) is { } recorded) return new(recorded, default);
        }
        if (record is null || record.Publisher != command.Publisher || command.TestKey && !id.IsTest)
            return new(PostReply.Refused(Problem.Of(404, "ping_not_found", "There is no such ping.")), default);

        var current = services.Catalog.Current;
        modelAtPing = record.CatalogVersion == current.Version ? current : await services.Catalog.ModelAsync(record.CatalogVersion, CancellationToken.None);
        var vertical = modelAtPing.Verticals[record.Vertical];
        if (record.Outcome != Reason.None && !command.Direct) return await RefuseAsync(command, Problem.Of(409, "no_offer", "This ping got no offer."));
        if (command.ReceivedAt.ToUnixTimeMilliseconds() > record.ExpiresAtMs) return await RefuseAsync(command, Problem.Of(410, "ping_expired", "The offer's time is over; ping again."));
        if (!current.Publishers.TryGetValue(command.Publisher, out var publisher) || publisher.Status == EntryStatus.Paused)
            return await RefuseAsync(command, Problem.Of(403, "publisher_paused", "The publisher is paused."));
        if (!publisher.Verticals.ContainsKey(record.Vertical))
            return await RefuseAsync(command, Problem.Of(403, "forbidden", "The publisher may not send this vertical."));

        var raw = Array.ConvertAll(command.Fields, field => new RawField(field.Name, field.Kind, field.Text));
        var today = PostRules.Today(services.Time.GetUtcNow(), modelAtPing.Zone);
        var reading = FieldsReader.ReadPost(vertical.Fields, raw, record.Values, vertical.PostChanges, services.Parsers, today);
        var offers = PostRules.Choose(record, command.OfferIds, out var offerErrors);
        List<InputError> errors = [.. command.MemberErrors.Select(error => new InputError(error.Pointer, error.Code, error.Message)), .. offerErrors, .. reading.Errors];
        errors.AddRange(PostRules.Consent(modelAtPing, vertical, record, offers, command.Consent));
        if (errors.Count > 0) return await RefuseAsync(command, Problem.Invalid(errors));

        values = reading.Values;
        warnings = reading.Warnings;
        namedSellers = command.Consent?.Sellers ?? [];
        subject = new Subject
        {
            Vertical = record.Vertical, Publisher = record.Publisher, SubId = record.SubId, Channel = record.Channel,
            Values = reading.Values, Now = command.ReceivedAt,
        };
        var payload = new LeadPayload(
            vertical.Fields.All.Where(field => values[field.Ordinal].IsGiven).ToDictionary(field => field.Name, field => values[field.Ordinal].Text!, StringComparer.Ordinal),
            command.Consent);
        var sealedBytes = services.Store.Vault.Seal(id, payload.ToJson());
        var maxCopies = Math.Max(1, offers.Count);
        var lead = new NewLead(record.Publisher, record.Vertical, record.SubId, id.IsTest, maxCopies, command.BodyHash, sealedBytes, record.CatalogVersion);
        var slots = offers.Select(offer => new Slot(offer.OfferId, offer.Sharing, offer.Payout, offer.BidIndex, offer.Price, 0, SlotState.Proposed)).ToImmutableArray();
        sale = new LeadSale
        {
            Record = record,
            Slots = slots,
            Out = PostRules.PostFiltered(modelAtPing, record, subject),
            First = new FirstWrite(lead,
                command.IdempotencyKey is { } key ? new RequestClaim(command.Publisher, key, command.BodyHash) : null,
                PostRules.Persons(services.Store.Vault, vertical, record, values, Now())),
            KeepPersonsWhenUnsold = vertical.Duplicate is { AmongReceived: true },
        };
        sale = PostRules.PassOver(sale, Context());
        row = new LeadRow(id, record.Publisher, record.Vertical, record.SubId, id.IsTest, LeadState.Open, Reason.None, maxCopies, command.BodyHash,
            sealedBytes, null, record.CatalogVersion, Now(), []);

        var refused = record.Outcome != Reason.None ? record.Outcome
            : PostRules.Suppressed(vertical, values) ? Reason.Suppressed
            : slots.Aggregate(Money.Zero, (sum, slot) => sum + slot.Payout).Micros < command.MinPayoutMicros ? Reason.MinPayout
            : services.Book.TestResultOf(id) == "unsold" ? Reason.AllRejected
            : Reason.None;
        return new(null, refused);
    }

    /// <summary>A refusal, unless this very post was answered before: then its recorded answer.</summary>
    private async Task<Prepared> RefuseAsync(PostCommand command, Problem problem) =>
        new(await RecordedAsync(command) ?? PostReply.Refused(problem), default);

    private async Task<PostReply?> RecordedAsync(PostCommand command)
    {
        var found = await services.Store.Leads.FindAsync(id, CancellationToken.None);
        if (found is null) return null;
        var answer = await services.Answers.OfRowAsync(found, CancellationToken.None);
        if (!found.PostHash.AsSpan().SequenceEqual(command.BodyHash) || await UnderAnotherKeyAsync(command)) return AlreadyPosted(answer.ToJson());
        return new PostReply(answer.HttpStatus, found.Answer is { } recorded && answer.HttpStatus == 200 ? recorded : answer.ToJson(), null, true);
    }

    /// <summary>One step after another until the machine has nothing to make durable; then the calls it allows.</summary>
    private async Task<LeadStep> DriveAsync(LeadEvent happened)
    {
        await gate.WaitAsync();
        try
        {
            var step = LeadMachine.Step(sale!, happened, Context());
            while (true)
            {
                sale = step.Sale;
                if (step.Submit is null || step.Conflict is not null) break;
                var done = step.Sale.InFlight!.IfDone;
                // Recorded with the outcome: what is said is what is stored.
                var item = done.State == LeadState.Pending ? step.Submit : step.Submit with { Answer = AnswerOf(done).ToJson() };
                var verdict = await services.Store.Journal.SubmitAsync(item, CancellationToken.None);
                if (verdict.IsSuccess) services.Pump.Started(id, step.Submit);
                step = IsGate(step.Submit, verdict) && await services.Catalog.RefreshAsync(CancellationToken.None)
                    ? LeadMachine.Step(sale, new LeadEvent.Stale(), Context())
                    : LeadMachine.Step(sale, new LeadEvent.Settled(verdict), Context());
            }
            if (step.Conflict is not null && sale.First is null) await RestoreAsync();
            foreach (var copyNo in step.Calls) StartCall(copyNo);
            return step;
        }
        finally
        {
            gate.Release();
        }
    }

    private void StartCall(int copyNo)
    {
        if (calls++ == 0) callsDone = new(TaskCreationOptions.RunContinuationsAsynchronously);
        _ = CallFirstAsync(copyNo);
    }

    private async Task CallFirstAsync(int copyNo)
    {
        try
        {
            await CallAsync(copyNo, IDeliveryStore.FirstFence, 1, Now(), null);
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
    private async Task CallAsync(int copyNo, long fence, int attempts, long createdAtMs, string? lastError)
    {
        var slot = sale!.SlotOfCopy(copyNo)!;
        var copy = CopyOf(slot);
        if (!services.Catalog.Current.Campaigns.TryGetValue(copy.Campaign, out var campaign)) return;
        var endpoint = campaign.Delivery.To[0];
        var message = CopyMessages.Create(services.Catalog.Current, row!, copy, LeadPayload.Read(services.Store.Vault.Open(id, row!.Sealed)), services.Store.Vault);
        var result = await services.Calls.SendAsync(endpoint, message, callDeadlineMs);
        var step = DeliveryDecision.After(new FinishedAttempt(
            copy.Id, slot.State == SlotState.InDoubt ? CopyState.InDoubt : CopyState.Held, result.Kind, result.Refusal, attempts, createdAtMs, Now(),
            campaign.Delivery.RetryFor, result.RetryAfter, result.Error, lastError));
        LeadEvent.Answered? answer = step.Move switch
        {
            CopyMove.Capture => new(copyNo, BuyerAnswer.Accepted, Reason.None, result.Ref, result.RedirectUrl),
            CopyMove.Void => new(copyNo, BuyerAnswer.Refused, step.Reason, null, null),
            CopyMove.Doubt => new(copyNo, BuyerAnswer.Unknown, Reason.InDoubt, null, null),
            _ => null,
        };
        if (answer is not null) await DriveAsync(answer);
        if (step.Next is DeliveryNext.Wait or DeliveryNext.Dead)
        {
            await services.Store.Deliveries.RecordAsync(copy.Id, endpoint.Name, fence,
                new(step.Next == DeliveryNext.Wait ? DeliveryStatus.Waiting : DeliveryStatus.Dead, step.DueAtMs, step.Error), Now(), CancellationToken.None);
            services.Pump.Nudge();
        }
    }

    private CopyRow CopyOf(Slot slot)
    {
        var bid = sale!.Record.Bids[slot.BidIndex];
        return new(new(id, slot.CopyNo), slot.OfferId, bid.Campaign, bid.Buyer, bid.Company, slot.Sharing == Sharing.Exclusive,
            slot.State == SlotState.InDoubt ? CopyState.InDoubt : CopyState.Held, slot.Price, slot.Payout, row!.AtMs, Reason.None, null, null);
    }

    /// <summary>The lead as its rows tell it. False: there is none.</summary>
    private async Task<bool> RestoreAsync()
    {
        row = await services.Store.Leads.FindAsync(id, CancellationToken.None);
        if (row is null) return false;
        var record = await services.Store.Pings.FindAsync(id, CancellationToken.None) ?? LostRecord.From(row);
        modelAtPing = await services.Catalog.ModelAsync(row.CatalogVersion, CancellationToken.None);
        var vertical = modelAtPing.Verticals[row.Vertical];
        var payload = LeadPayload.Read(services.Store.Vault.Open(id, row.Sealed));
        namedSellers = payload.Consent?.Sellers ?? [];
        values = PostRules.ValuesOf(vertical, payload, services.Parsers, PostRules.Today(services.Time.GetUtcNow(), modelAtPing.Zone));
        subject = new Subject
        {
            Vertical = row.Vertical, Publisher = row.Publisher, SubId = row.SubId, Channel = record.Channel, Values = values,
            Now = DateTimeOffset.FromUnixTimeMilliseconds(row.AtMs),
        };
        var restored = RestoredSale.From(row, record, vertical.Duplicate is { AmongReceived: true });
        sale = restored with { Out = restored.Out.Union(PostRules.PostFiltered(modelAtPing, record, subject)) };
        return true;
    }

    private SaleContext Context() => new()
    {
        Current = services.Catalog.Current,
        NowMs = Now(),
        CallDeadlineMs = callDeadlineMs,
        Next = (slot, unavailable) => FallThrough.Next(modelAtPing!, sale!.Record, unavailable, PostRules.OfferOf(sale.Record, slot), subject!, namedSellers),
    };

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
        var longest = modelAtPing is not null && sale is not null ? modelAtPing.Verticals[sale.Record.Vertical].PostDeadline : TimeSpan.FromSeconds(20);
        var asked = command.DeadlineMs > 0 ? TimeSpan.FromMilliseconds(command.DeadlineMs) : longest;
        return asked < longest ? asked : longest;
    }

    private PostReply Reply(LeadSale state)
    {
        var answer = AnswerOf(state);
        return new(answer.HttpStatus, answer.ToJson(), null);
    }

    private LeadAnswer AnswerOf(LeadSale state) => LeadAnswers.Of(state, services.Catalog.Current.Currency, warnings);

    private long Now() => services.Time.GetUtcNow().ToUnixTimeMilliseconds();
}
