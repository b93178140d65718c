using Exchange.Engine;
using Exchange.Engine.Catalog;
using Exchange.Engine.Filters;
using Exchange.Engine.PingTrees;
using Exchange.Engine.Values;

namespace Exchange.Storage;

/// <summary>
/// Reads ping records of the first format, which named campaigns, buyers and limits by their ids: offers made before an upgrade can be posted
/// after it, and explained as long as records are kept. See docs/decisions/0011.
/// </summary>
internal static class PingCodecV1
{
    public const byte Version = 1;

    public static long CatalogVersionOf(ref RecordReader from)
    {
        from.Signed();
        for (var text = 0; text < 5; text++) from.Text();
        from.Array(Tag);
        return from.Signed();
    }

    /// <param name="from">Behind the version byte.</param>
    public static PingRecord Decode(LeadId id, ref RecordReader from, IVault vault, CatalogModel model)
    {
        var (at, publisher, vertical, tree, subId, channel) = (from.Signed(), from.Text()!, from.Text()!, from.Text(), from.Text(), from.Text());
        var tags = from.Array(Tag);
        if (from.Signed() != model.Version) throw new InvalidDataException("A ping record of another catalog version");
        var (seed, minPayout, maxCopies, elsewhere) = (from.Fixed(), from.Signed(), from.Number(), from.Number());
        var sellers = from.Array(static (ref RecordReader from) => from.Text()!);
        var values = PingCodec.DecodeValues(ref from, id, vault);
        var bids = new RankedBid[from.Count()];
        for (var i = 0; i < bids.Length; i++)
        {
            var (tier, of) = (from.Number(), CampaignOf(model, from.Text()!));
            // Buyer, company and seller: the campaign of that catalog version has the same.
            for (var text = 0; text < 3; text++) from.Text();
            bids[i] = new(tier, of, (Sharing)from.Number(), new Money(from.Signed()), new Money(from.Signed()), from.Byte() == 1);
            from.Signed();
        }
        var offers = from.Array(static (ref RecordReader from) => new Offer(
            from.Text()!, from.Number(), (Sharing)from.Number(), new Money(from.Signed()), new Money(from.Signed()), from.Text(), from.Byte() == 1));
        if (offers.Any(offer => offer.BidIndex >= bids.Length)) throw new InvalidDataException("A ping record whose offer has no bid");
        var notes = new StateNote[from.Count()];
        for (var i = 0; i < notes.Length; i++)
        {
            var (campaign, reason, limit) = (from.Text()!, (Reason)from.Signed(), from.Text()!);
            notes[i] = new(campaign.Length == 0 ? null : CampaignOf(model, campaign), reason, model.Limits.FirstOrDefault(known => known.Id == limit),
                from.Signed(), from.Signed(), from.Signed(), from.Signed());
        }
        return new PingRecord
        {
            Id = id, AtMs = at, Publisher = publisher, Vertical = vertical, Tree = tree, SubId = subId, Channel = channel, Tags = tags, CatalogVersion = model.Version,
            Seed = seed, MinPayout = new Money(minPayout), MaxCopies = maxCopies, SoldElsewhereCopies = elsewhere, SoldElsewhereSellers = sellers, Values = values,
            Bids = bids, Offers = offers, Notes = notes,
            Turns = from.Array(static (ref RecordReader from) => new KeyValuePair<int, string>(from.Number(), from.Text()!)),
            ExpiresAtMs = from.Signed(), Outcome = (Reason)from.Signed(),
        };
    }

    private static KeyValuePair<string, string> Tag(ref RecordReader from) => new(from.Text()!, from.Text()!);

    private static CampaignModel CampaignOf(CatalogModel model, string id) =>
        model.Campaigns.TryGetValue(id, out var campaign) ? campaign : throw new InvalidDataException("A ping record that names what its catalog does not have");
}
