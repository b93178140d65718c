namespace Exchange.LoadTests.Buyers.Shapes;

internal enum BuyerAsked { Ping, Post, Check }

/// <summary>The wire shape of one product, from the buyer's side: what a request asks and how each answer is written.</summary>
internal abstract class BuyerShape
{
    public abstract string Name { get; }

    /// <summary>Null: not a call of this shape.</summary>
    public abstract BuyerAsked? Asked(BuyerRequest request, bool isXml);

    /// <summary>The token of an earlier bid, brought back.</summary>
    public abstract string Token(BuyerRequest request);

    /// <summary>Who the lead is, for duplicates; and by which a check finds it.</summary>
    public abstract string Person(BuyerRequest request);

    public abstract BuyerReply Bid(string token, string price);
    public abstract BuyerReply NoBid(string reason);
    public abstract BuyerReply Accepted(string reference, string price);
    public abstract BuyerReply Rejected(string reason);
    public abstract BuyerReply Duplicate();

    /// <summary>Of a post that is not known, where this product can be asked.</summary>
    public virtual BuyerReply Unknown() => Rejected("unknown");

    public static IReadOnlyList<BuyerShape> All { get; } =
        [new BoberdooShape(), new PxShape(), new LeadsPediaShape(), new PxXmlShape(), new LeadProsperShape(), new PhonexaShape(), new LeadExecShape(), new PlainTextShape()];
}
