using System.Collections;
using System.Collections.Frozen;
using System.Diagnostics.CodeAnalysis;

namespace Exchange.Engine.Catalog;

/// <summary>
/// The campaigns of one catalog version by their ids, in the order of the ids. Versions that have the same ids share all but the campaigns: one that changed
/// among ten thousand costs an array. Immutable.
/// </summary>
[SuppressMessage("Naming", "CA1710", Justification = "It says by what campaigns are found in it, as the trade would.")]
public sealed class CampaignsById : IReadOnlyDictionary<string, CampaignModel>
{
    private readonly string[] ids;
    private readonly FrozenDictionary<string, int> places;
    private readonly CampaignModel[] campaigns;

    private CampaignsById(string[] ids, FrozenDictionary<string, int> places, CampaignModel[] campaigns) => (this.ids, this.places, this.campaigns) = (ids, places, campaigns);

    /// <param name="campaigns">In the order of their ids, each id once. Not to be changed afterwards.</param>
    /// <param name="before">What to share with, if it has the same ids.</param>
    public static CampaignsById Of(CampaignModel[] campaigns, CampaignsById? before = null)
    {
        if (before is not null && before.HasIdsOf(campaigns)) return new(before.ids, before.places, campaigns);
        string[] ids = [.. campaigns.Select(campaign => campaign.Id)];
        return new(ids, ids.Index().ToFrozenDictionary(entry => entry.Item, entry => entry.Index, StringComparer.Ordinal), campaigns);
    }

    public int Count => campaigns.Length;
    public IEnumerable<string> Keys => ids;
    public IReadOnlyList<CampaignModel> Values => campaigns;
    IEnumerable<CampaignModel> IReadOnlyDictionary<string, CampaignModel>.Values => campaigns;

    public CampaignModel this[string key] => campaigns[places[key]];

    public bool ContainsKey(string key) => places.ContainsKey(key);

    public bool TryGetValue(string key, [MaybeNullWhen(false)] out CampaignModel value)
    {
        value = places.TryGetValue(key, out var place) ? campaigns[place] : null;
        return value is not null;
    }

    /// <summary>Surely the same ids in the same places. False says nothing.</summary>
    public bool SharesIdsOf(CampaignsById other) => ReferenceEquals(ids, other.ids);

    public IEnumerator<KeyValuePair<string, CampaignModel>> GetEnumerator()
    {
        for (var i = 0; i < ids.Length; i++) yield return new(ids[i], campaigns[i]);
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private bool HasIdsOf(CampaignModel[] others)
    {
        if (others.Length != ids.Length) return false;
        for (var i = 0; i < ids.Length; i++) if (ids[i] != others[i].Id) return false;
        return true;
    }
}
