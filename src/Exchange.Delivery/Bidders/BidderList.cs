using Exchange.Engine.Catalog;

namespace Exchange.Delivery.Bidders;

/// <summary>Every way to ask for a live bid, one line each. A new one is its own file and a line here.</summary>
public sealed class BidderList(IReadOnlyList<IBidder> bidders)
{
    public static BidderList Create(BidderLines lines) => new(
    [
        new Connected(lines),
    ]);

    /// <summary>Null: nobody can be asked through such a connector.</summary>
    public IBidder? Find(ConnectorKind kind) => bidders.FirstOrDefault(bidder => bidder.Kind == kind);
}
