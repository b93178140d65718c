using Exchange.Engine.Catalog;
using Exchange.Engine.Fields;
using Exchange.Engine.PingTrees;

namespace Exchange.Engine.Caps;

/// <summary>The names under which persons are claimed: a scope has a person at most once within its window.</summary>
public static class PersonScopes
{
    /// <summary>Of a vertical's duplicate rule, for one publisher where the rule says so.</summary>
    public static string Of(string vertical, DuplicateRule rule, string publisher) => rule.PerPublisher ? $"v:{vertical}:p:{publisher}" : $"v:{vertical}";

    /// <summary>Whether a scope is a vertical's, of one publisher or of all.</summary>
    public static bool IsOfVertical(string scope) => scope.StartsWith("v:", StringComparison.Ordinal);

    public static string OfBuyer(string buyer) => "b:" + buyer;

    public static string OfCampaign(string campaign) => "c:" + campaign;

    /// <summary>Whether a scope is known to have the person by one of these keys since then.</summary>
    internal static bool Know(ILiveView live, string scope, IReadOnlyList<FieldSchema> keys, PersonHash[] persons, long sinceMs)
    {
        foreach (var person in persons)
            for (var i = 0; i < keys.Count; i++)
                if (keys[i].Ordinal == person.Field && live.HasPerson(scope, person.Hmac, sinceMs)) return true;
        return false;
    }

    /// <summary>
    /// Whether a vertical's scope is known to have the person: by any key, or, where the rule wants all alike, by all together. A key that was not pinged
    /// never matches.
    /// </summary>
    internal static bool Know(ILiveView live, string scope, DuplicateRule rule, PersonHash[] persons, long sinceMs)
    {
        if (!rule.MatchAll) return Know(live, scope, rule.Keys, persons, sinceMs);
        if (persons.Length < rule.Keys.Count) return false;
        Span<byte> hmacs = stackalloc byte[rule.Keys.Count * PersonHash.Length], together = stackalloc byte[PersonHash.Length];
        for (var i = 0; i < rule.Keys.Count; i++)
        {
            var person = Array.Find(persons, person => person.Field == rule.Keys[i].Ordinal);
            if (person is null) return false;
            person.Hmac.CopyTo(hmacs[(i * PersonHash.Length)..]);
        }
        PersonHash.Together(hmacs, together);
        return live.HasPerson(scope, together, sinceMs);
    }

    /// <summary>Of a campaign's duplicate rule.</summary>
    public static string Of(CampaignModel campaign) => campaign.Duplicate is { OfBuyer: false } ? OfCampaign(campaign.Id) : OfBuyer(campaign.Buyer.Id);
}
