using System.Globalization;
using Exchange.Engine.Catalog;
using Exchange.Engine.PingTrees;

namespace Exchange.Engine.Explanations;

/// <summary>How a campaign's share of an even or percent tier stood at the ping, among those that bid in it.</summary>
/// <param name="Sold">Copies it bought within the look-back.</param>
/// <param name="Together">Copies that they bought together.</param>
/// <param name="Weight">Its part of <paramref name="Weights"/>.</param>
public sealed record ShareNumbers(long Sold, long Together, long Weight, long Weights, TimeSpan Over)
{
    /// <summary>Hundredths of a copy by which it is behind what is due to it with the next sale; below 0: ahead.</summary>
    public long BehindHundredths => (long)(((Int128)Weight * (Together + 1) - (Int128)Sold * Weights) * 100 / Math.Max(1, Weights));

    /// <summary>The same as text, with two decimals.</summary>
    public string Behind
    {
        get
        {
            var behind = BehindHundredths;
            return string.Create(CultureInfo.InvariantCulture, $"{(behind < 0 ? "-" : "")}{Math.Abs(behind) / 100}.{Math.Abs(behind) % 100:00}");
        }
    }

    public override string ToString()
    {
        var hundredths = Weight * 10_000 / Math.Max(1, Weights);
        var part = hundredths % 100 == 0 ? $"{hundredths / 100}%" : string.Create(CultureInfo.InvariantCulture, $"{hundredths / 100}.{hundredths % 100:00}%");
        return $"sold {Sold} of {Together} within {Words(Over)}, share {part}: {Behind.TrimStart('-')} {(BehindHundredths < 0 ? "ahead" : "behind")}";
    }

    internal static string Words(TimeSpan over) => over switch
    {
        { Hours: 0, Minutes: 0, Seconds: 0 } => $"{over.Days} d",
        { Minutes: 0, Seconds: 0 } => string.Create(CultureInfo.InvariantCulture, $"{over.TotalHours:0} h"),
        { Seconds: 0 } => string.Create(CultureInfo.InvariantCulture, $"{over.TotalMinutes:0} min"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{over.TotalSeconds:0} s"),
    };

    /// <summary>Null: it did not bid in this tier, or the tier knows no shares.</summary>
    internal static ShareNumbers? Of(TierModel tier, CampaignModel campaign, IReadOnlyList<ShareNote> shares)
    {
        if (!tier.IsByShare) return null;
        ShareNumbers? told = null;
        long sold = 0, weights = 0;
        foreach (var share in shares)
        {
            if (share.Tier != tier.Index) continue;
            var weight = WeightOf(tier, share.Of);
            sold += share.Sold;
            weights += weight;
            if (ReferenceEquals(share.Of, campaign)) told = new(share.Sold, 0, weight, 0, tier.Over);
        }
        return told is null ? null : told with { Together = sold, Weights = weights };
    }

    /// <summary>How many fewer it had to have bought within the look-back to stand before all others that bid; null: no fewer would do.</summary>
    internal static long? FewerToLead(TierModel tier, CampaignModel campaign, IReadOnlyList<ShareNote> shares)
    {
        if (Of(tier, campaign, shares) is not { } own) return null;
        for (var fewer = 1L; fewer <= Math.Min(own.Sold, MostFewer); fewer++)
        {
            var (of, sold) = (own.Together - fewer, own.Sold - fewer);
            var behind = (Int128)own.Weight * (of + 1) - (Int128)sold * own.Weights;
            var leads = true;
            foreach (var share in shares)
                if (share.Tier == tier.Index && !ReferenceEquals(share.Of, campaign))
                    leads &= behind > (Int128)WeightOf(tier, share.Of) * (of + 1) - (Int128)share.Sold * own.Weights;
            if (leads) return fewer;
        }
        return null;
    }

    /// <summary>Further it is not looked: who is so far ahead waits for others' sales.</summary>
    private const long MostFewer = 10_000;

    private static long WeightOf(TierModel tier, CampaignModel campaign)
    {
        if (tier.Method == TierMethod.Even) return 1;
        for (var i = 0; i < tier.Campaigns.Count; i++) if (ReferenceEquals(tier.Campaigns[i], campaign)) return tier.Weights[i];
        return 0;
    }
}
