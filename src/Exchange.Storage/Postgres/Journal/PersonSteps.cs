using Exchange.Engine.Ledger;

namespace Exchange.Storage.Postgres.Journal;

/// <summary>What one item does to persons: the rows that it writes, and what is told of them.</summary>
internal sealed class PersonSteps
{
    /// <summary>As the item leaves them; null: nobody has the person. Without those that stand so since the first flush.</summary>
    public Dictionary<PersonKey, PersonRow?> Written { get; } = [];

    /// <summary>Made by the first flush for this item: gone again if it is refused.</summary>
    public List<PersonKey> Made { get; } = [];

    /// <summary>In the order in which it happened; 0: free.</summary>
    public List<KnownPerson> News { get; } = [];

    /// <summary>Every person that an item may touch, in the rows that were read.</summary>
    public static HashSet<PersonKey> TouchedBy(ItemPlan plan, ColdRows rows)
    {
        HashSet<PersonKey> touched = [.. WorkKey.ClaimsOf(plan.Item).Select(claim => new PersonKey(claim.Scope, claim.Hmac))];
        if (plan.Persons.Any(move => move.Claims is null)) touched.UnionWith(rows.PersonsOf(plan.Item.Lead));
        return touched;
    }

    /// <summary>Does the plan's steps on the rows, for the items behind it too.</summary>
    public static PersonSteps Do(ItemPlan plan, ColdRows rows)
    {
        var item = plan.Item;
        var steps = new PersonSteps();
        foreach (var (no, claims) in plan.Persons)
            if (claims is null) steps.Free(plan, no, rows);
            else
                foreach (var claim in claims)
                {
                    var key = new PersonKey(claim.Scope, claim.Hmac);
                    var before = rows.Find(key);
                    var after = PersonRow.Claim(before, new(item.Lead, no!.Value, item.AtMs));
                    if (ReferenceEquals(before, after)) continue;
                    steps.Put(rows, key, after);
                    if (!item.Lead.IsTest) steps.News.Add(new(claim.Scope, claim.Hmac, item.AtMs));
                }
        steps.Compare(item, rows);
        return steps;
    }

    private void Free(ItemPlan plan, int? no, ColdRows rows)
    {
        foreach (var key in rows.PersonsOf(plan.Item.Lead))
        {
            if (rows.Find(key) is not { } before) continue;
            var after = before.Free(plan.Item.Lead, no);
            if (after == before) continue;
            Put(rows, key, after);
            if (after is null || after.Holder != before.Holder) News.Add(new(key.Scope, key.Hmac, after?.Holder.AtMs ?? 0));
        }
    }

    private void Put(ColdRows rows, PersonKey key, PersonRow? row)
    {
        rows.Put(key, row);
        Written[key] = row;
    }

    /// <summary>The first flush has made a row for the first claim of each person that was not there; what differs from it is written.</summary>
    private void Compare(JournalItem item, ColdRows rows)
    {
        foreach (var (no, claim) in WorkKey.WithHolder(item))
        {
            var key = new PersonKey(claim.Scope, claim.Hmac);
            if (!rows.NewPersons.Contains(key) || Made.Contains(key)) continue;
            Made.Add(key);
            var wanted = Written.GetValueOrDefault(key);
            if (wanted == new PersonRow(new(item.Lead, no, item.AtMs), null)) Written.Remove(key);
            else Written[key] = wanted;
        }
    }
}
