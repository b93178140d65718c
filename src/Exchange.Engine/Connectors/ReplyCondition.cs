namespace Exchange.Engine.Connectors;

/// <summary>A condition on a reply. Never throws.</summary>
public abstract class ReplyCondition
{
    /// <summary>Everything it looks at.</summary>
    public abstract IEnumerable<ReplyPath> Paths { get; }

    /// <param name="each">One of several bids, in which its paths are looked for first.</param>
    public abstract bool Holds(ReplyView view, ReplyNode? each = null);

    /// <summary>It asks for the status itself, so that it may count whatever the status is.</summary>
    public bool AsksStatus => asksStatus ??= Paths.Any(path => path.IsStatus);
    private bool? asksStatus;

    /// <summary>It looks into the reply, and so says nothing of one that cannot be read.</summary>
    public bool LooksInside => looksInside ??= Paths.Any(path => path.IsInside);
    private bool? looksInside;
}

internal sealed class ReplyLeaf(ReplyPath path, ReplyTest test) : ReplyCondition
{
    public override IEnumerable<ReplyPath> Paths => [path];

    public override bool Holds(ReplyView view, ReplyNode? each) => test.Holds(path.Find(view, each));
}

internal sealed class ReplyGroup(ReplyCondition[] parts, bool all) : ReplyCondition
{
    public override IEnumerable<ReplyPath> Paths => parts.SelectMany(part => part.Paths);

    public override bool Holds(ReplyView view, ReplyNode? each)
    {
        foreach (var part in parts) if (part.Holds(view, each) != all) return !all;
        return all;
    }
}

internal sealed class ReplyNot(ReplyCondition inner) : ReplyCondition
{
    public override IEnumerable<ReplyPath> Paths => inner.Paths;

    public override bool Holds(ReplyView view, ReplyNode? each) => !inner.Holds(view, each);
}
