using Exchange.Engine.Fields;

namespace Exchange.Engine.Filters;

/// <summary>Where a condition stands decides which built-in names it may read.</summary>
public enum ConditionPlace
{
    /// <summary>Filters and everything else: vertical, publisher, sub_id, channel, hour, weekday.</summary>
    Filter,
    /// <summary>Bids and floors: sharing too.</summary>
    Price,
    /// <summary>Payouts: sharing, buyer, campaign and price too.</summary>
    Payout,
}

/// <summary>Everything a condition is compiled against.</summary>
public sealed record ConditionContext
{
    /// <summary>The vertical's fields. A name that is not among them is unknown unless <see cref="KnownElsewhere"/> knows it.</summary>
    public required FieldSet Fields { get; init; }
    public required ConditionPlace Place { get; init; }
    /// <summary>In which <c>today</c>, <c>hour</c> and <c>weekday</c> are read: the campaign's schedule's, else the exchange's.</summary>
    public required TimeZoneInfo Zone { get; init; }
    public required FieldParsers Parsers { get; init; }
    /// <summary>A list of the catalog by name, or null.</summary>
    public required Func<string, NamedList?> List { get; init; }
    /// <summary>True: a field that a ping cannot carry is an error (filters, bids, floors). False: any field (post filters).</summary>
    public bool PingFieldsOnly { get; init; }
    /// <summary>
    /// For conditions that span verticals (a publisher's filter or payout): whether another of its verticals has the field. Its leaf is then
    /// a field that was not given.
    /// </summary>
    public Func<string, bool> KnownElsewhere { get; init; } = static _ => false;
    /// <summary>Whether an id exists; an unknown one is an error. Not asked where none is set.</summary>
    public Func<string, bool>? KnownVertical { get; init; }
    public Func<string, bool>? KnownPublisher { get; init; }
    public Func<string, bool>? KnownBuyer { get; init; }
    public Func<string, bool>? KnownCampaign { get; init; }

    /// <summary>Whether an id exists, for built-in names that are ids; null: any text will do.</summary>
    internal Func<string, bool>? KnownIdOf(string builtInName) => builtInName switch
    {
        "vertical" => KnownVertical,
        "publisher" => KnownPublisher,
        "buyer" => KnownBuyer,
        "campaign" => KnownCampaign,
        _ => null,
    };
}
