using Exchange.Engine.Values;
using Exchange.Grains.Intake;
using Exchange.Server.Access;

namespace Exchange.Server.Intake;

/// <summary>What the call around a request says, beside its content.</summary>
/// <param name="RemainingMs">Until the call's own deadline; 0 = it has none.</param>
public readonly record struct CallContext(Caller Caller, DateTimeOffset ReceivedAt, string? IdempotencyKey, int RemainingMs);

/// <summary>Turns a checked request into the command that the desk takes. Errors go with it, so that the desk answers all at once.</summary>
public static class IntakeCommands
{
    private static readonly Problem PingNotFound = Problem.Of(404, "ping_not_found", "There is no such ping of yours.");

    public static PingCommand Ping(IntakeRequest request, in CallContext call)
    {
        var test = call.Caller.Test || request.Test;
        return new PingCommand
        {
            Publisher = call.Caller.For,
            ReceivedAt = call.ReceivedAt,
            Vertical = request.Vertical,
            Fields = request.Fields,
            SubId = request.SubId,
            Channel = request.Channel,
            Tags = request.Tags,
            MinPayout = request.MinPayout,
            MaxCopies = request.MaxCopies,
            SoldElsewhereCopies = request.SoldElsewhereCopies,
            SoldElsewhereSellers = request.SoldElsewhereSellers,
            DeadlineMs = Deadline(request, call),
            Consent = Consent(request),
            Test = test,
            TestResult = request.TestResult,
            IdempotencyKey = call.IdempotencyKey,
            // Only a key asks whether a ping is the same as before.
            BodyHash = call.IdempotencyKey is null ? [] : CanonicalHash.Of(request),
            MemberErrors = request.Errors,
        };
    }

    public static DirectPostCommand DirectPost(IntakeRequest request, in CallContext call) => 
        new(Ping(request, call) with { BodyHash = CanonicalHash.Of(request) }, request.OfferIds, Consent(request));

    /// <summary>
    /// A text that is no id names no ping: 404, as for one that is unknown. Nor does a live ping's id in a test. Its lead is not even asked: posts of one lead wait
    /// for each other and get each other's answers.
    /// </summary>
    public static Problem? Post(IntakeRequest request, in CallContext call, out PostCommand command)
    {
        command = null!;
        if (request.PingId is null) return Problem.Invalid(request.Errors);
        // In our own form only a key says that it is a test; other products say it in the post.
        var test = call.Caller.Test || request.Test;
        if (!LeadId.TryParse(request.PingId, out var ping) || test && !ping.IsTest) return PingNotFound;
        command = new PostCommand
        {
            Publisher = call.Caller.For,
            ReceivedAt = call.ReceivedAt,
            PingId = ping.ToBytes(),
            OfferIds = request.OfferIds,
            Fields = Fields(request),
            MinPayoutMicros = request.MinPayout.Micros,
            DeadlineMs = Deadline(request, call),
            Consent = Consent(request),
            IdempotencyKey = call.IdempotencyKey,
            BodyHash = CanonicalHash.Of(request),
            MemberErrors = [.. request.Errors.Select(error => new ProblemError(error.Pointer, error.Code, error.Message))],
            TestKey = test,
        };
        return null;
    }

    public static PostedField[] Fields(IntakeRequest request)
    {
        var fields = new PostedField[request.Fields.Count];
        for (var i = 0; i < fields.Length; i++) fields[i] = new(request.Fields[i].Name, request.Fields[i].Kind, request.Fields[i].Text);
        return fields;
    }

    /// <summary>The nearer of what the content and the call say.</summary>
    private static int Deadline(IntakeRequest request, in CallContext call) => (request.DeadlineMs, call.RemainingMs) switch
    {
        (0, var remaining) => remaining,
        (var given, 0) => given,
        var (given, remaining) => Math.Min(given, remaining),
    };

    private static ConsentInput? Consent(IntakeRequest request) => request.Consent is { IsEmpty: false } consent
        ? new(consent.Text, consent.At, consent.Page, consent.Ip, consent.UserAgent, consent.Sellers)
        : null;
}
