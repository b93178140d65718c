using Exchange.Engine.Caps;
using Exchange.Engine.Catalog.Reading;
using Exchange.Engine.Deliveries;
using Exchange.Engine.Filters;
using Exchange.Engine.Pricing;
using Exchange.Engine.Values;

namespace Exchange.Engine.Catalog.Sections;

/// <summary>A tree as written, before the trees it asks are put in their places.</summary>
internal sealed class TreeDraft
{
    public required string Id { get; init; }
    public required MapReader Map { get; init; }
    public required VerticalDraft Vertical { get; init; }
    public required EntryStatus Status { get; init; }
    public required PublisherSet Publishers { get; init; }
    public required Condition? When { get; init; }
    public required Percent Traffic { get; init; }
    public required int? Copies { get; init; }
    public required bool OffersAll { get; init; }
    public required bool Firm { get; init; }
    public required bool Reauction { get; init; }
    public required string? Unsold { get; init; }
    public required WaitModel? Wait { get; init; }
    public required WaitModel? UnsoldWait { get; init; }
    public required OwnerLimits Limits { get; init; }
    /// <summary>Only other trees ask it.</summary>
    public required bool IsGroup { get; init; }
    /// <summary>An unsold lead of another tree is tried here.</summary>
    public required bool TakesUnsold { get; init; }

    /// <summary>Filled once the trees asked are known.</summary>
    public List<TierDraft> Tiers { get; } = [];
    /// <summary>Ids of every campaign that it or a tree inside it asks.</summary>
    public HashSet<string> Asked { get; } = new(StringComparer.Ordinal);
    /// <summary>1, or one more than the deepest tree it asks.</summary>
    public int Height { get; set; } = 1;
    /// <summary>How many tiers its walk has.</summary>
    public int Walked { get; set; }

    /// <summary>A ping comes to it by itself.</summary>
    public bool IsChosen => !IsGroup && Status == EntryStatus.Active;

    public int MostCopies => Copies ?? Tiers.Select(tier => tier.Copies).DefaultIfEmpty(1).Max();
}

/// <summary>A tier as written: it asks campaigns, or one other tree (<see cref="Tree"/>).</summary>
internal sealed record TierDraft(string Path, string Name, TierMethod Method)
{
    public required TierPricing Pricing { get; init; }
    public required Money Increment { get; init; }
    public required TimeSpan? Over { get; init; }
    public required PriceModel? Floor { get; init; }
    public required PriceRange FloorRange { get; init; }
    public required TimeSpan? Deadline { get; init; }
    public required int Copies { get; init; }
    public required IReadOnlyList<CampaignDraft> Campaigns { get; init; }
    public required IReadOnlyList<int> Weights { get; init; }
    public required TreeDraft? Tree { get; init; }
}
