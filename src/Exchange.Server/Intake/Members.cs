namespace Exchange.Server.Intake;

/// <summary>The members of publishers' requests, as flags, so that a set of them is one number.</summary>
[Flags]
internal enum Member
{
    None = 0,
    Vertical = 1,
    SubId = 1 << 1,
    Tags = 1 << 2,
    Channel = 1 << 3,
    MinPayout = 1 << 4,
    MaxCopies = 1 << 5,
    SoldElsewhere = 1 << 6,
    DeadlineMs = 1 << 7,
    Consent = 1 << 8,
    Test = 1 << 9,
    TestResult = 1 << 10,
    PingId = 1 << 11,
    OfferIds = 1 << 12,
    Fields = 1 << 13,
}

internal static class Members
{
    /// <summary>Most sent first.</summary>
    public static (Member Member, byte[] Name)[] All { get; } =
    [
        (Member.Vertical, "vertical"u8.ToArray()), (Member.Fields, "fields"u8.ToArray()), (Member.SubId, "sub_id"u8.ToArray()),
        (Member.PingId, "ping_id"u8.ToArray()), (Member.OfferIds, "offer_ids"u8.ToArray()), (Member.Tags, "tags"u8.ToArray()),
        (Member.Consent, "consent"u8.ToArray()), (Member.MinPayout, "min_payout"u8.ToArray()), (Member.DeadlineMs, "deadline_ms"u8.ToArray()),
        (Member.Channel, "channel"u8.ToArray()), (Member.MaxCopies, "max_copies"u8.ToArray()), (Member.SoldElsewhere, "sold_elsewhere"u8.ToArray()),
        (Member.Test, "test"u8.ToArray()), (Member.TestResult, "test_result"u8.ToArray()),
    ];

    private const Member Ping = Member.Vertical | Member.SubId | Member.Tags | Member.Channel | Member.MinPayout | Member.MaxCopies
        | Member.SoldElsewhere | Member.DeadlineMs | Member.Consent | Member.Test | Member.TestResult | Member.Fields;

    /// <summary>The members that a request may have. A direct post has no ping to name; the rest of both it has.</summary>
    public static Member Of(RequestKind kind) => kind switch
    {
        RequestKind.Ping => Ping,
        RequestKind.Post => Member.PingId | Member.OfferIds | Member.MinPayout | Member.DeadlineMs | Member.Fields | Member.Consent,
        RequestKind.DirectPost => Ping | Member.OfferIds,
        _ => Member.Fields,
    };

    public static Member Find(ReadOnlySpan<byte> name)
    {
        foreach (var (member, utf8) in All) if (name.SequenceEqual(utf8)) return member;
        return Member.None;
    }
}
