using Exchange.Engine.Caps;
using Exchange.Engine.Values;

namespace Exchange.Engine.Returns;

/// <summary>
/// On which terms sold leads come back, as <c>returns</c> of a buyer or a campaign says. A sale keeps the terms of the catalog version it was made on:
/// a later catalog changes nothing about it.
/// </summary>
public sealed record ReturnTerms
{
    /// <summary>Whose month's leads <see cref="AtMost"/> is a part of: the buyer or campaign that has these terms.</summary>
    public required CapScope Scope { get; init; }
    public required string Owner { get; init; }
    /// <summary>Calendar days after the day of the sale; 0 where <see cref="Span"/> says how long.</summary>
    public int Days { get; init; }
    /// <summary>Written in hours or less: from the moment of the sale on. Nothing where <see cref="Days"/> counts.</summary>
    public TimeSpan Span { get; init; }
    /// <summary>The words a buyer may give; empty: any word.</summary>
    public IReadOnlyList<string> Reasons { get; init; } = [];
    /// <summary>How many of a month's leads may come back. Null: all.</summary>
    public Percent? AtMost { get; init; }
    /// <summary>Every return waits for an admin; else it is accepted at once where the terms hold.</summary>
    public bool Review { get; init; }

    /// <summary>A campaign whose leads never come back, whatever its buyer's terms are.</summary>
    public static ReturnTerms Never { get; } = new() { Scope = CapScope.Campaign, Owner = "" };

    /// <summary>Whether anything comes back at all.</summary>
    public bool IsEver => Days > 0 || Span > TimeSpan.Zero;

    private const int ReasonChars = 63;

    /// <summary>Whether this is a word that tells why: never free text, which might name a person.</summary>
    public static bool IsReason(string text) =>
        text.Length is > 0 and <= ReasonChars && char.IsAsciiLetterLower(text[0]) && text.All(static c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '_' or '-');

    public bool Allows(string reason) => Reasons.Count == 0 || Reasons.Contains(reason, StringComparer.Ordinal);
}
