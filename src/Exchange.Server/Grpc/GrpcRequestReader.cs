using System.Diagnostics.CodeAnalysis;
using Exchange.Engine.Fields;
using Exchange.Engine.Values;
using Exchange.Server.Intake;
using Exchange.V1;
using Google.Protobuf.Collections;
using Google.Protobuf.WellKnownTypes;

namespace Exchange.Server.Grpc;

/// <summary>Reads protobuf requests into the same <see cref="IntakeRequest"/> that JSON is read into. An empty text and a zero are "not given".</summary>
internal static class GrpcRequestReader
{
    public static IntakeRequest Read(PingRequest ping)
    {
        var request = new IntakeRequest(RequestKind.Ping);
        ReadPing(ping, request);
        return Checked(request);
    }

    public static IntakeRequest Read(PostRequest post)
    {
        var request = new IntakeRequest(RequestKind.Post) { PingId = Given(post.PingId) };
        ReadFields(post.Fields, request);
        ReadPost(post, request);
        return Checked(request);
    }

    public static IntakeRequest Read(DirectPostRequest direct)
    {
        var request = new IntakeRequest(RequestKind.DirectPost);
        ReadPing(direct.Ping ?? new PingRequest(), request);
        if (direct.Post is { } post)
        {
            if (post.PingId.Length > 0) request.AddError("/ping_id", "unknown_field", "A direct post has no ping.");
            JoinFields(post.Fields, direct.Ping?.Fields, request);
            var ping = request.MinPayout;
            var deadline = request.DeadlineMs;
            ReadPost(post, request);
            // Both halves may speak; the stricter one holds.
            request.MinPayout = Money.Max(ping, request.MinPayout);
            if (deadline > 0 && (request.DeadlineMs == 0 || deadline < request.DeadlineMs)) request.DeadlineMs = deadline;
        }
        return Checked(request);
    }

    public static IntakeRequest Read(AddFieldsRequest add)
    {
        var request = new IntakeRequest(RequestKind.AddFields);
        ReadFields(add.Fields, request);
        return Checked(request);
    }

    private static void ReadPing(PingRequest ping, IntakeRequest request)
    {
        request.Vertical = Given(ping.Vertical);
        request.SubId = Given(ping.SubId);
        request.Channel = Given(ping.Channel);
        request.TestResult = Given(ping.TestResult);
        request.Test = ping.Test;
        request.MinPayout = new Money(ping.MinPayoutMicros);
        request.MaxCopies = ping.MaxCopies;
        request.DeadlineMs = ping.DeadlineMs;
        if (ping.SoldElsewhere is { } sold)
        {
            request.SoldElsewhereCopies = sold.Copies;
            request.SoldElsewhereSellers = [.. sold.Sellers];
        }
        foreach (var (name, value) in ping.Tags) request.AddTag(name, value);
        ReadFields(ping.Fields, request);
        ReadConsent(ping.Consent, request);
    }

    private static void ReadPost(PostRequest post, IntakeRequest request)
    {
        request.OfferIds = post.OfferIds.Count == 0 ? null : [.. post.OfferIds];
        request.MinPayout = new Money(post.MinPayoutMicros);
        request.DeadlineMs = post.DeadlineMs;
        ReadConsent(post.Consent, request);
    }

    private static void ReadFields(MapField<string, string> fields, IntakeRequest request)
    {
        request.FieldsGiven = true;
        request.Fields.EnsureCapacity(fields.Count);
        foreach (var (name, value) in fields) request.Fields.Add(new(name, RawKind.String, value));
    }

    /// <summary>A field in both halves must be equal in both, and counts once.</summary>
    private static void JoinFields(MapField<string, string> post, MapField<string, string>? ping, IntakeRequest request)
    {
        foreach (var (name, value) in post)
        {
            if (ping is null || !ping.TryGetValue(name, out var pinged)) request.Fields.Add(new(name, RawKind.String, value));
            else if (pinged != value) request.AddError(Pointers.To("/fields", name), "ping_mismatch", "The ping and the post give this field different values.");
        }
    }

    private static void ReadConsent(Consent? consent, IntakeRequest request)
    {
        if (consent is null) return;
        var content = new ConsentContent
        {
            Text = Given(consent.Text), Page = Given(consent.Page), Ip = Given(consent.Ip), UserAgent = Given(consent.UserAgent), Sellers = [.. consent.Sellers],
        };
        if (consent.At is { } at)
        {
            if (TryReadTime(at, out var time)) content.At = time;
            else request.AddError("/consent/at", "invalid_format", "A time between the years 1 and 9999 is needed.");
        }
        request.Consent = content;
    }

    /// <summary>A Timestamp is two bare numbers on the wire and may be out of any calendar.</summary>
    private static bool TryReadTime(Timestamp at, [NotNullWhen(true)] out DateTimeOffset? time)
    {
        time = null;
        if (at.Seconds is < -62135596800 or > 253402300799 || at.Nanos is < 0 or > 999_999_999) return false;
        time = at.ToDateTimeOffset();
        return true;
    }

    private static string? Given(string text) => text.Length == 0 ? null : text;

    private static IntakeRequest Checked(IntakeRequest request)
    {
        RequestRules.Check(request);
        return request;
    }
}
