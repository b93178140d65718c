using Exchange.Engine.Deliveries;

namespace Exchange.Engine.Connectors;

/// <summary>How the answer to a post or a check is read.</summary>
public sealed class PostReply
{
    /// <summary>Null: by content type.</summary>
    public ReplyFormat? Format { get; init; }
    /// <summary>In the order in which they are tried; the first that holds is the verdict.</summary>
    public required IReadOnlyList<KeyValuePair<AttemptKind, ReplyCondition>> Rules { get; init; }
    public ReplyRead? Price { get; init; }
    public ReplyRead? RedirectUrl { get; init; }
    public ReplyRead? Ref { get; init; }
    public ReplyRead? Reason { get; init; }

    /// <summary>
    /// Unknown is not no, and a yes is only what the buyer surely said. So a condition that looks into the reply counts only if the reply can be read.
    /// A yes (accepted, pending) counts with a 2xx, a no (duplicate, rejected, come again) with a 2xx or 4xx, because a 408, a 3xx and a 5xx may be
    /// anybody's words and the lead may have arrived; a condition that asks for <c>http.status</c> itself counts with any.
    /// </summary>
    public PostVerdict Read(HttpReply reply)
    {
        var view = ReplyView.Of(reply, Format);
        foreach (var (kind, condition) in Rules)
        {
            if (!MayCount(kind, condition, view) || !condition.Holds(view)) continue;
            var taken = kind is AttemptKind.Accepted or AttemptKind.Pending;
            return new(kind, Price?.Text(view), taken ? RedirectUrl?.Text(view) : null, Ref?.Text(view), Reason?.Told(view));
        }
        return new(null, null, null, null, Reason?.Told(view));
    }

    /// <summary>What each key found, in the order in which they are tried; the first condition that holds is the verdict.</summary>
    public IReadOnlyList<ReplyFinding> Explain(HttpReply reply)
    {
        var view = ReplyView.Of(reply, Format);
        List<ReplyFinding> findings = [.. Rules.Select(rule => ReplyFinding.Of(KeyOf(rule.Key), rule.Value, view, null, MayCount(rule.Key, rule.Value, view) && rule.Value.Holds(view)))];
        if (Price is not null) findings.Add(ReplyFinding.Of("price", Price, view, null));
        if (RedirectUrl is not null) findings.Add(ReplyFinding.Of("redirect_url", RedirectUrl, view, null));
        if (Ref is not null) findings.Add(ReplyFinding.Of("ref", Ref, view, null));
        if (Reason is not null) findings.Add(ReplyFinding.Of("reason", Reason, view, null, told: true));
        return findings;
    }

    private static string KeyOf(AttemptKind kind) => kind switch
    {
        AttemptKind.Accepted => "accepted_when",
        AttemptKind.Duplicate => "duplicate_when",
        AttemptKind.Pending => "pending_when",
        AttemptKind.RetryLater => "retry_when",
        _ => "rejected_when",
    };

    private static bool MayCount(AttemptKind kind, ReplyCondition condition, ReplyView view)
    {
        if (condition.LooksInside && view.Root is null) return false;
        if (condition.AsksStatus || view.Reply.IsSuccess) return true;
        return kind is not (AttemptKind.Accepted or AttemptKind.Pending) && view.Reply.Status is >= 400 and < 500 and not 408;
    }
}

/// <summary>What a buyer's answer says, in its own words: not yet cleaned.</summary>
/// <param name="Kind">Null: none of the conditions holds.</param>
public readonly record struct PostVerdict(AttemptKind? Kind, string? Price, string? RedirectUrl, string? Ref, string? Reason);
