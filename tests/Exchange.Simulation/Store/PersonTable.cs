using Exchange.Engine.Ledger;
using Exchange.Engine.Values;
using Exchange.Storage;

namespace Exchange.Simulation.Store;

/// <summary>Who has which person, by the engine's own rule.</summary>
internal sealed class PersonTable
{
    private readonly Dictionary<string, (string Scope, byte[] Hmac, PersonRow Row)> rows = new(StringComparer.Ordinal);
    private readonly List<string> order = [];

    public PersonRow? Find(string scope, byte[] hmac) => rows.TryGetValue(KeyOf(scope, hmac), out var found) ? found.Row : null;

    public int CountOf(LeadId lead) => rows.Values.Count(row => row.Row.Holder.Lead == lead);

    /// <summary>Test mutants may forget.</summary>
    public Func<PersonMove, bool> Keeps { get; set; } = static _ => true;

    public void Move(ItemPlan plan, News news)
    {
        foreach (var move in plan.Persons)
        {
            if (!Keeps(move)) continue;
            if (move.Claims is { } claims) foreach (var claim in claims) Claim(claim, new(plan.Item.Lead, move.No!.Value, plan.Item.AtMs), news);
            else Free(plan.Item.Lead, move.No, news);
        }
    }

    /// <summary>Newest first.</summary>
    public IReadOnlyList<KnownPerson> Recent(int atMost) =>
        [.. rows.Values.OrderByDescending(row => row.Row.Holder.AtMs).ThenBy(row => row.Scope, StringComparer.Ordinal).ThenBy(row => Convert.ToHexString(row.Hmac), StringComparer.Ordinal)
            .Take(atMost).Select(row => new KnownPerson(row.Scope, row.Hmac, row.Row.Holder.AtMs))];

    public void FreeAll(LeadId lead, News news) => Free(lead, null, news);

    private void Claim(PersonClaim claim, PersonHolder holder, News news)
    {
        var key = KeyOf(claim.Scope, claim.Hmac);
        var before = rows.TryGetValue(key, out var found) ? found.Row : null;
        var after = PersonRow.Claim(before, holder);
        if (ReferenceEquals(before, after)) return;
        if (before is null) order.Add(key);
        rows[key] = (claim.Scope, claim.Hmac, after);
        if (!holder.Lead.IsTest) news.Person(claim.Scope, claim.Hmac, holder.AtMs);
    }

    private void Free(LeadId lead, int? no, News news)
    {
        for (var i = order.Count - 1; i >= 0; i--)
        {
            var (scope, hmac, row) = rows[order[i]];
            var after = row.Free(lead, no);
            if (ReferenceEquals(after, row) || after == row) continue;
            if (after is not null) rows[order[i]] = (scope, hmac, after);
            else
            {
                rows.Remove(order[i]);
                order.RemoveAt(i);
            }
            if (after?.Holder != row.Holder) news.Person(scope, hmac, after?.Holder.AtMs ?? 0);
        }
    }

    private static string KeyOf(string scope, byte[] hmac) => string.Concat(scope, " ", Convert.ToHexString(hmac));
}
