using System.Text.Json;
using Exchange.Engine;
using Exchange.Engine.Fields;
using Exchange.Engine.Ledger;
using Exchange.Engine.Postbacks;
using Exchange.Engine.Returns;
using Exchange.Engine.Values;
using Exchange.Grains.Catalog;
using Exchange.Grains.Intake;
using Exchange.Grains.Postbacks;
using Exchange.Storage;
using Microsoft.Extensions.Logging;

namespace Exchange.Grains.Returns;

/// <summary>Why a buyer gives a copy back: a word, and what else it has to say.</summary>
public sealed record ReturnWish(string Reason, string? Note, string? EvidenceUrl)
{
    /// <summary>The request that says so, by its idempotency key: the same that comes again gets its first outcome. Null: it had none, and what comes again is another.</summary>
    public string? Request { get; init; }
}

/// <summary>
/// Takes sold copies back: the engine's rules say whether, a row per copy that nobody asks twice, the journal's Reverse that the money moves once. The rows
/// are the fence, so no grain stands in between: two that ask at once, on any silo, get one yes.
/// </summary>
/// <remarks>
/// Accepted and reversed are two commits. A crash between them, or a store that cannot take the second now, leaves an accepted row that is not booked; the sweep books it, and so does
/// whoever asks again. Nobody is told that it is accepted before.
/// </remarks>
public sealed class ReturnDesk(IExchangeStore store, ICatalogHost catalog, PostbackPump postbacks, TimeProvider time, ILogger<ReturnDesk> log)
{
    /// <summary>An accepted return that is not booked after so long was left behind by a crash.</summary>
    private const long BookedWithinMs = 10_000;

    /// <summary>
    /// How the return stands now, or why there is none. Told in this order: no such copy, a word that the terms do not know, the window, asked before, the quota. What the same request has
    /// brought about is no other's, whatever the window says by then.
    /// </summary>
    public async Task<(ReturnStatus Status, Problem? Problem)> AskAsync(string buyer, CopyId id, ReturnWish wish)
    {
        var lead = await store.Leads.FindAsync(id.Lead, CancellationToken.None);
        var copy = lead?.Copies.FirstOrDefault(copy => copy.Id == id);
        // What was never sold to this buyer does not exist for it; a test has no money to give back.
        if (lead is null || lead.Test || copy?.Buyer != buyer || copy.State is not (CopyState.Captured or CopyState.Reversed)) return Refused(NoSuchCopy);

        var model = await SaleTerms.ModelOfAsync(catalog, lead, copy.Campaign, CancellationToken.None);
        var terms = ReturnRules.TermsOf(model, copy.Campaign);
        if (terms?.Allows(wish.Reason) == false)
            return Refused(Problem.Invalid([new InputError("/reason", "invalid_field", $"The reasons for a return are {string.Join(", ", terms.Reasons)}.")]));
        var earlier = await store.Returns.FindAsync(id, CancellationToken.None);
        if (earlier is not null && await AgainAsync(lead, copy, earlier, wish) is { } again) return again;
        var reason = ReturnRules.Judge(terms, copy.AtMs, NowMs, model.Zone, earlier is not null);
        if (reason != Reason.None) return Refused(ProblemOf(reason, earlier?.Status));

        var ask = new ReturnAsk(id, buyer, wish.Reason, lead.IsErased ? [] : Seal(id, wish), !terms!.Review, await QuotaAsync(terms, buyer, copy, model.Zone), NowMs);
        switch (await store.Returns.AskAsync(ask, CancellationToken.None))
        {
            case ReturnVerdict.NotSold: return Refused(NoSuchCopy);
            // Just now, maybe by the same request at another server.
            case ReturnVerdict.AlreadyAsked:
                return await store.Returns.FindAsync(id, CancellationToken.None) is { } first && await AgainAsync(lead, copy, first, wish) is { } told ? told : Refused(ProblemOf(Reason.AlreadyReturned, null));
            case ReturnVerdict.QuotaReached: return Refused(ProblemOf(Reason.ReturnQuota, null));
        }
        if (!ask.Accepted) return (ReturnStatus.Requested, null);
        FaultPoints.AfterReturn.Pass();
        return await TryBookAsync(() => BookAsync(lead, copy)) ? (ReturnStatus.Accepted, null) : Refused(NotBooked);
    }

    /// <summary>There was a return before: what is accepted of it is booked first. Null: another request asked for it.</summary>
    private async Task<(ReturnStatus Status, Problem? Problem)?> AgainAsync(LeadRow lead, CopyRow copy, ReturnRow earlier, ReturnWish wish)
    {
        if (earlier is { Status: ReturnStatus.Accepted, IsBooked: false } && !await TryBookAsync(() => BookAsync(lead, copy))) return Refused(NotBooked);
        // Its answer was lost, or could not be given yet. What was refused since is told as what it is.
        if (wish.Request is not { } request || WishOf(earlier).Request != request) return null;
        return earlier.Status == ReturnStatus.Refused ? Refused(ProblemOf(Reason.AlreadyReturned, earlier.Status)) : (earlier.Status, null);
    }

    /// <summary>An admin's word on a return that waits, and its line in the audit with it, whatever becomes of the money at that moment.</summary>
    /// <param name="who">Whose word it is.</param>
    /// <param name="operation">Its answer under its idempotency key, recorded with it; null: there is none.</param>
    public async Task<Problem?> DecideAsync(CopyId id, bool accept, string who, RecordedOperation? operation = null)
    {
        if (await store.Returns.FindAsync(id, CancellationToken.None) is null) return Problem.Of(404, "not_found", "There is no return of this copy.");
        var note = new ChangeNote(who, accept ? "return.accept" : "return.refuse", id.ToString(), null, NowMs) { Operation = operation };
        if (!await store.Returns.DecideAsync(id, accept, note, CancellationToken.None))
        {
            // The same call at another server, just now.
            if (operation is not null && await store.Access.FindOperationAsync(operation.Scope, operation.Key, CancellationToken.None) is not null) throw new OperationTakenException();
            return Problem.Of(409, "already_decided", "This return was decided before.");
        }
        return !accept || await TryBookAsync(() => BookAsync(id)) ? null : NotBooked;
    }

    /// <summary>Books what a crash left accepted, each by itself: one that cannot be booked keeps no other from its money. Returns how many there were.</summary>
    public async Task<int> SweepAsync(long nowMs, CancellationToken cancel)
    {
        var left = await store.Returns.UnbookedAsync(nowMs - BookedWithinMs, Engine.Limits.PageRows, cancel);
        foreach (var row in left)
        {
            try
            {
                await BookAsync(row.Copy);
            }
            catch (Exception fault) when (fault is not (OperationCanceledException or StorageBusyException))
            {
                log.LogError(fault, "The return of copy {Copy} is accepted and could not be booked", row.Copy);
            }
        }
        if (left.Count > 0) log.LogInformation("{Count} accepted returns were left to be booked", left.Count);
        return left.Count;
    }

    /// <summary>The buyer's free text, read back; of a lead that was erased nothing is left of it.</summary>
    public ReturnWish WishOf(ReturnRow row)
    {
        if (row.Sealed.Length == 0) return new(row.Reason, null, null);
        using var document = JsonDocument.Parse(store.Vault.Open(row.Copy.Lead, row.Sealed));
        return new(row.Reason, document.RootElement.GetProperty("note").GetString(), document.RootElement.GetProperty("evidence_url").GetString())
        {
            Request = document.RootElement.TryGetProperty("request", out var request) ? request.GetString() : null,
        };
    }

    private byte[] Seal(CopyId id, ReturnWish wish) =>
        store.Vault.Seal(id.Lead, JsonSerializer.SerializeToUtf8Bytes(new Dictionary<string, string?> { ["note"] = wish.Note, ["evidence_url"] = wish.EvidenceUrl, ["request"] = wish.Request }));

    private async Task BookAsync(CopyId id)
    {
        var lead = await store.Leads.FindAsync(id.Lead, CancellationToken.None);
        Invariant.Require(lead is not null, "a return is of a lead");
        await BookAsync(lead, lead.Copies.First(copy => copy.Id == id));
    }

    /// <summary>Again is harmless: the same transfers, once.</summary>
    private async Task BookAsync(LeadRow lead, CopyRow copy)
    {
        var keeps = SaleTerms.KeepsPayout(await catalog.ModelAsync(lead.CatalogVersion, CancellationToken.None), lead);
        var item = ReturnBookings.ItemOf(lead.Id, copy.Id.No, ReturnBookings.Of(copy.Buyer, lead.Publisher, copy.Price, copy.Payout, keeps), NowMs) with
        {
            Postback = NewPostback.OfReturn(catalog.Current.Publishers.GetValueOrDefault(lead.Publisher), copy.Id.No, copy.Payout, keeps),
        };
        var verdict = await store.Journal.SubmitAsync(item, CancellationToken.None);
        Invariant.Require(verdict.IsSuccess, "what was sold can be reversed");
        postbacks.Started(item);
        await store.Returns.BookedAsync(copy.Id, CancellationToken.None);
    }

    /// <summary>False: the store does not take it now. The return stands, and is booked later.</summary>
    private async Task<bool> TryBookAsync(Func<Task> book)
    {
        try
        {
            await book();
            return true;
        }
        catch (Exception fault) when (fault is StorageBusyException or StorageFailedException)
        {
            log.LogWarning("An accepted return could not be booked yet ({Fault}); it is booked later", fault.GetType().Name);
            return false;
        }
    }

    private async Task<ReturnQuota?> QuotaAsync(ReturnTerms terms, string buyer, CopyRow copy, TimeZoneInfo zone)
    {
        if (terms.AtMost is null) return null;
        var ofCampaign = terms.Scope == Engine.Caps.CapScope.Campaign;
        var (from, until) = ReturnRules.MonthOf(copy.AtMs, zone);
        var sold = await store.Returns.SoldAsync(buyer, ofCampaign ? copy.Campaign : null, from, until, CancellationToken.None);
        return new(ofCampaign, from, until, ReturnRules.MostOf(terms, sold));
    }

    private static Problem ProblemOf(Reason reason, ReturnStatus? earlier) => reason switch
    {
        Reason.ReturnWindowClosed => Problem.Of(409, reason.Wire(), "This copy cannot be returned, or not any more."),
        Reason.ReturnQuota => Problem.Of(422, reason.Wire(), "So many leads of this month were returned that one more would be above your share; more sales of the month make room."),
        _ when earlier == ReturnStatus.Refused => Problem.Of(409, Reason.ReturnRefused.Wire(), "This return was asked for before and was not accepted."),
        _ => Problem.Of(409, reason.Wire(), earlier == ReturnStatus.Requested ? "This return was asked for before and waits to be decided." : "This copy was returned before."),
    };

    /// <summary>It would be no answer that this call did nothing, nor that the money is back.</summary>
    private static Problem NotBooked => Problem.Of(503, "storage_unavailable", "The return is accepted and its money is not booked yet: that follows. The same request, under its idempotency key, gets the outcome.", 1);

    private static Problem NoSuchCopy => Problem.Of(404, "not_found", "There is no such copy.");

    private static (ReturnStatus, Problem?) Refused(Problem problem) => (default, problem);

    private long NowMs => time.GetUtcNow().ToUnixTimeMilliseconds();
}
