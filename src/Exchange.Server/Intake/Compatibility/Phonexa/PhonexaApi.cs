using System.Text.Json.Nodes;
using Exchange.Engine.Ledger;
using Exchange.Grains.Intake;

namespace Exchange.Server.Intake.Compatibility.Phonexa;

/// <summary>
/// Phonexa's <c>/lead/</c>: JSON or a form in, JSON out, direct posts only. <c>apiPassword</c> is the key, <c>productId</c> the vertical, <c>price</c> the least payout,
/// <c>tPar</c> a tag. Status 1 sold, 2 rejected, 3 not settled yet (ask <c>GET /v1/leads/{lead_id}</c>), 4 refused.
/// </summary>
internal sealed class PhonexaApi : ForeignApi
{
    private const int Sold = 1, Rejected = 2, InProgress = 3, Refused = 4;

    public override string Name => "phonexa";
    public override IReadOnlyList<string> Paths { get; } = ["lead/"];
    public override string KeyName => "apiPassword";
    public override string VerticalName => "productId";
    public override bool TakesJson => true;
    public override IReadOnlyList<(string Part, string Name)> Consent { get; } = [("ip", "userIp"), ("page", "webSiteUrl"), ("text", "tcpaText"), ("user_agent", "userAgent")];

    public override string NameOf(string member) => member switch
    {
        "vertical" => "productId", "min_payout" => "price", "tags.tPar" => "tPar", "consent.ip" => "userIp", "consent.page" => "webSiteUrl", "consent.text" => "tcpaText",
        "consent.user_agent" => "userAgent", _ => member,
    };

    public override (RequestKind? Kind, string Error) KindOf(string path, ForeignForm form) => (RequestKind.DirectPost, "");

    public override void Read(ForeignForm form, IntakeRequest request)
    {
        foreach (var read in (string[])["apiId", "closeConnection"]) form.Take(read, request);
        request.MinPayout = Amount(form, "price", request);
        if (form.Take("tPar", request) is { } tag) request.AddTag("tPar", tag);
        request.Test = Flag(form, "testMode", request);
        if (Flag(form, "testSold", request)) request.TestResult = "sold";
    }

    public override ForeignReply Answer(ForeignOutcome outcome, ForeignForm form)
    {
        var status = outcome switch
        {
            { Problem: not null } or { IsDuplicate: true } => Refused,
            { Lead.State: LeadState.Sold } => Sold,
            { Lead.State: LeadState.Unsold } => Rejected,
            _ => InProgress,
        };
        var answer = new JsonObject { ["status"] = status, ["status_text"] = status switch { Sold => "sold", Rejected => "reject", InProgress => "in progress", _ => "error" } };
        if (outcome.Id is { } id) answer["lead_id"] = id;
        answer["price"] = Number(outcome.Price);
        if (outcome.Lead?.RedirectUrl is { } redirect) answer["redirect_url"] = redirect;
        answer["errors"] = new JsonArray([.. Errors(outcome)]);
        return new(answer, null);
    }

    private IEnumerable<JsonNode> Errors(ForeignOutcome outcome)
    {
        if (outcome.IsDuplicate) return [Error("Duplicate Application", "Duplicate Application")];
        if (outcome.Problem is not { } problem) return [];
        return problem.Errors.Length == 0 ? [Error(problem.Code, problem.Detail)]
            : problem.Errors.Select(error => Error(FieldOf(error), error.Code == "missing_field" ? "required" : error.Message));

        static JsonNode Error(string name, string text) => new JsonObject { [name] = text };
    }
}
