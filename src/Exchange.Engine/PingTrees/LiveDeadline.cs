namespace Exchange.Engine.PingTrees;

/// <summary>
/// How a ping's one deadline is divided, all of it here. A live bidder has until the earliest of: the caller's deadline, the vertical's, both counted from
/// the ping's receipt and less what we need ourselves to close the auction; its tier's and its endpoint's, counted from the call.
/// </summary>
public static class LiveDeadline
{
    /// <summary>The walk after the last bid, the record and the answer.</summary>
    public static readonly TimeSpan Closing = TimeSpan.FromMilliseconds(15);

    /// <summary>With less than this nobody is asked: no answer could come in time.</summary>
    public static readonly TimeSpan Least = TimeSpan.FromMilliseconds(5);

    /// <summary>How long bidders may be waited for from now on, whatever their tier and endpoint; nothing or less: not at all.</summary>
    /// <param name="asked">The caller's own, from the receipt on; nothing: it has none.</param>
    public static TimeSpan Left(TimeSpan sinceReceipt, TimeSpan asked, TimeSpan ofVertical)
    {
        var whole = asked > TimeSpan.Zero && asked < ofVertical ? asked : ofVertical;
        return whole - sinceReceipt - Closing;
    }

    /// <summary>How long one bidder is waited for; null: it is not asked.</summary>
    public static TimeSpan? For(TimeSpan left, TimeSpan? ofTier, TimeSpan ofEndpoint)
    {
        var wait = ofEndpoint < left ? ofEndpoint : left;
        if (ofTier is { } tier && tier < wait) wait = tier;
        return wait < Least ? null : wait;
    }
}
