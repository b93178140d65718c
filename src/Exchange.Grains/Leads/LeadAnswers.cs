using Exchange.Engine;
using Exchange.Engine.Fields;
using Exchange.Engine.Filters;
using Exchange.Engine.Leads;
using Exchange.Engine.Ledger;
using Exchange.Engine.Values;
using Exchange.Grains.Catalog;
using Exchange.Grains.Intake;
using Exchange.Grains.Returns;
using Exchange.Storage;

namespace Exchange.Grains.Leads;

/// <summary>What a publisher is told of a lead: from the machine's state while it is being sold, from its rows ever after.</summary>
public sealed class LeadAnswers(IExchangeStore store, ICatalogHost catalog)
{
    /// <param name="recorded">The copies of the answer that was recorded before, of a lead that was read from its rows.</param>
    public static LeadAnswer Of(LeadSale sale, string currency, IReadOnlyList<InputError> warnings, IReadOnlyList<CopyAnswer> recorded)
    {
        CopyAnswer[] copies = [.. sale.Slots.Select(slot => new CopyAnswer(slot.OfferId, StateOf(slot.State), slot.State == SlotState.Lost ? Money.Zero : slot.Payout, slot.RedirectUrl))];
        if (sale.Waits is { } wait) copies = [.. copies.Where(copy => !IsAwaited(wait, copy.OfferId)), .. Awaited(wait)];
        if (recorded.Count > 0) copies = Merge(recorded, copies);
        return Sum(sale.Id, sale.State, sale.Reason, currency, copies, sale.Record.Tags, warnings);
    }

    /// <summary>Whether an open lead's answer says what no row does: a warning, or an offer that nobody was ever held for.</summary>
    public static bool SaysMoreThanRows(LeadSale sale, IReadOnlyList<InputError> warnings) =>
        warnings.Count > 0 || sale.Slots.Any(slot => slot is { State: SlotState.Lost, CopyNo: 0 } && !IsAwaited(sale.Waits, slot.OfferId));

    public async Task<LeadAnswer> OfRowAsync(LeadRow row, CancellationToken cancel)
    {
        var keeps = await SaleTerms.KeepsPayoutAsync(catalog, row, cancel);
        // The newest copy of each offer says how it stands; older ones are buyers that fell out.
        var copies = row.Copies.GroupBy(copy => copy.OfferId, StringComparer.Ordinal)
            .Select(group => group.MaxBy(copy => copy.Id.No)!)
            .OrderBy(copy => copy.OfferId.Length).ThenBy(copy => copy.OfferId, StringComparer.Ordinal)
            .Select(copy => new CopyAnswer(copy.OfferId, copy.State, IsOwed(copy.State) ? copy.Payout : Money.Zero, copy.RedirectUrl))
            .ToArray();
        if (row.Waits is { } wait) copies = [.. copies, .. Awaited(wait)];
        if (row.Answer is { } recorded)
        {
            var answer = LeadAnswer.FromJson(recorded);
            // A lead without copies (the recorded no) is its recorded answer.
            return copies.Length == 0 ? answer : Sum(row.Id, StateOf(row), row.Reason, answer.Currency, Merge(answer.Copies, copies), answer.Tags, answer.Warnings);
        }
        return Sum(row.Id, StateOf(row), row.Reason, catalog.Current.Currency, copies, await TagsAsync(row, cancel), []);

        // A lead that came back earns nothing, unless its publisher keeps what it earned.
        bool IsOwed(CopyState state) => state is not (CopyState.Voided or CopyState.Expired) && (state != CopyState.Reversed || keeps);
    }

    /// <summary>What its publisher sent to be told again: from the recorded answer, else from its ping's record, or from the lead itself once that is gone. Nothing of a person who was erased.</summary>
    public async Task<IReadOnlyList<KeyValuePair<string, string>>> TagsAsync(LeadRow row, CancellationToken cancel)
    {
        if (row.IsErased) return [];
        if (row.Answer is { } recorded) return LeadAnswer.FromJson(recorded).Tags;
        return (await store.Pings.FindAsync(row.Id, catalog.ModelAsync, cancel))?.Tags ?? LeadPayload.Of(store.Vault, row).Tags;
    }

    /// <summary>What was promised is pending while the lead waits for its auction.</summary>
    private static CopyAnswer[] Awaited(LeadWait wait) => [.. wait.Promised.Select(offer => new CopyAnswer(offer.OfferId, CopyState.Held, offer.Payout, null))];

    private static bool IsAwaited(LeadWait? wait, string offerId) => wait?.Promised.Any(offer => offer.OfferId == offerId) == true;

    private static LeadState StateOf(LeadRow row) => row.State == LeadState.Open ? LeadState.Pending : row.State;

    /// <summary>Offers that were never held have no copy; the recorded answer still names them, as rejected.</summary>
    private static CopyAnswer[] Merge(IReadOnlyList<CopyAnswer> recorded, CopyAnswer[] now) =>
    [
        .. recorded.Select(copy => Array.Find(now, one => one.OfferId == copy.OfferId) ?? (copy.State == CopyState.Voided ? copy : null)).OfType<CopyAnswer>(),
        .. now.Where(one => recorded.All(copy => copy.OfferId != one.OfferId)),
    ];

    private static LeadAnswer Sum(
        LeadId id, LeadState state, Reason reason, string currency, CopyAnswer[] copies, IReadOnlyList<KeyValuePair<string, string>> tags, IReadOnlyList<InputError> warnings)
    {
        var owed = Money.Zero;
        var pending = Money.Zero;
        foreach (var copy in copies)
        {
            if (copy.State is CopyState.Captured or CopyState.Reversed) owed += copy.Payout;
            else if (copy.State is CopyState.Held or CopyState.InDoubt) pending += copy.Payout;
        }
        return new LeadAnswer
        {
            LeadId = id, State = state, Reason = reason, Payout = owed, PayoutPending = pending, Currency = currency, Copies = copies,
            RedirectUrl = copies.FirstOrDefault(copy => copy.State == CopyState.Captured && copy.RedirectUrl is not null)?.RedirectUrl,
            Test = id.IsTest, Tags = tags, Warnings = warnings,
        };
    }

    private static CopyState StateOf(SlotState state) => state switch
    {
        SlotState.Captured => CopyState.Captured,
        SlotState.InDoubt => CopyState.InDoubt,
        SlotState.Lost => CopyState.Voided,
        _ => CopyState.Held,
    };
}
