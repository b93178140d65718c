using System.Globalization;
using Exchange.Engine.Values;

namespace Exchange.Engine.Postbacks;

/// <summary>What a publisher is called on.</summary>
public enum PostbackEvent : byte
{
    /// <summary>One or more copies were sold: at the post, or later, when a pending copy ends in a sale.</summary>
    Sold = 1,
    /// <summary>Nobody took the lead.</summary>
    Unsold = 2,
    /// <summary>A sold copy came back.</summary>
    Returned = 3,
}

/// <summary>The catalog's and the wire's words for events.</summary>
public static class PostbackEvents
{
    public static IReadOnlyList<PostbackEvent> All { get; } = [PostbackEvent.Sold, PostbackEvent.Unsold, PostbackEvent.Returned];

    public static string Wire(this PostbackEvent happened) => happened switch
    {
        PostbackEvent.Sold => "sold",
        PostbackEvent.Unsold => "unsold",
        _ => "returned",
    };
}

/// <summary>
/// One thing that a publisher is told, once: the same on every attempt and after every crash. As text, by which the publisher knows it again: the lead's id, the
/// event, the number, with hyphens.
/// </summary>
/// <param name="No">The copy that was sold (of several at once the first) or came back; 0 of a lead that nobody took.</param>
public readonly record struct PostbackId(LeadId Lead, PostbackEvent Event, int No) : IComparable<PostbackId>
{
    /// <summary>Of a lead that nobody took.</summary>
    public const int NoCopy = 0;

    /// <summary>By lead, then event, then number.</summary>
    public int CompareTo(PostbackId other) =>
        Lead.CompareTo(other.Lead) is not 0 and var byLead ? byLead : Event.CompareTo(other.Event) is not 0 and var byEvent ? byEvent : No.CompareTo(other.No);

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Lead}-{Event.Wire()}-{No}");

    /// <summary>One text per postback: it is an idempotency key.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out PostbackId id)
    {
        id = default;
        var second = text.LastIndexOf('-');
        var first = second < 0 ? -1 : text[..second].LastIndexOf('-');
        if (first < 0 || !LeadId.TryParse(text[..first], out var lead) || !int.TryParse(text[(second + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out var no)) return false;
        foreach (var happened in PostbackEvents.All)
        {
            var read = new PostbackId(lead, happened, no);
            if (!text.SequenceEqual(read.ToString())) continue;
            id = read;
            return true;
        }
        return false;
    }
}
