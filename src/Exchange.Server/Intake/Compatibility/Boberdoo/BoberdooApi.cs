using System.Globalization;
using System.Text.Json.Nodes;
using Exchange.Engine;
using Exchange.Grains.Intake;

namespace Exchange.Server.Intake.Compatibility.Boberdoo;

/// <summary>
/// boberdoo's <c>pingPostLead</c>: form in, <c>Format=JSON</c> or XML (default) out. <c>TYPE</c> is the vertical, <c>Mode</c> ping, post or full; <c>Sub_ID</c>, else
/// <c>SRC</c>, is the sub_id. A lead that is taken but not settled is Matched at what is owed now.
/// </summary>
internal sealed class BoberdooApi : ForeignApi
{
    public override string Name => "boberdoo";
    public override IReadOnlyList<string> Paths { get; } = ["new_api/api.php"];
    public override string KeyName => "Key";
    public override string VerticalName => "TYPE";
    public override bool TakesJson => false;
    public override IReadOnlyList<(string Part, string Name)> Consent { get; } =
        [("ip", "IP_Address"), ("page", "Landing_Page"), ("text", "TCPA_Language"), ("text", "Disclaimer"), ("user_agent", "User_Agent")];

    public override string NameOf(string member) => member switch
    {
        "vertical" => "TYPE", "ping_id" => "Lead_ID", "min_payout" => "Cost", "max_copies" => "Allowed_Times_Sold", "sub_id" => "Sub_ID",
        "consent.ip" => "IP_Address", "consent.page" => "Landing_Page", "consent.text" => "TCPA_Language", "consent.user_agent" => "User_Agent", _ => member,
    };

    public override (RequestKind? Kind, string Error) KindOf(string path, ForeignForm form) => (form.Peek("API_Action"), form.Peek("Mode")) switch
    {
        ("pingPostLead", "ping") => (RequestKind.Ping, ""),
        ("pingPostLead", "post") => (RequestKind.Post, ""),
        ("pingPostLead", "full" or null) => (RequestKind.DirectPost, ""),
        ("pingPostLead", _) => (null, "Mode must be ping, post or full"),
        _ => (null, "API_Action must be pingPostLead"),
    };

    public override void Read(ForeignForm form, IntakeRequest request)
    {
        foreach (var read in (string[])["API_Action", "Mode", "Format", "Return_Best_Price", "Skip_Dupe_Check"]) form.Take(read, request);
        var source = form.Take("SRC", request);
        var subId = form.Take("Sub_ID", request) ?? source;
        request.MinPayout = Amount(form, "Cost", request);
        var copies = form.Take("Allowed_Times_Sold", request);
        request.Test = Flag(form, "Test_Lead", request);
        var ping = form.Take("Lead_ID", request);
        if (request.Kind == RequestKind.Post)
        {
            request.PingId = ping;
            return;
        }
        request.SubId = subId;
        if (copies is null) return;
        if (int.TryParse(copies, NumberStyles.None, CultureInfo.InvariantCulture, out var most) && most > 0) request.MaxCopies = most;
        else request.AddError("/max_copies", "out_of_range", "A whole number of at least 1 is needed.");
    }

    public override ForeignReply Answer(ForeignOutcome outcome, ForeignForm form)
    {
        var response = new JsonObject { ["status"] = outcome.Problem is not null ? "Error" : outcome.Ping is { Offered: true } || outcome.IsTaken ? "Matched" : "Unmatched" };
        if (outcome.Id is { } id) response["lead_id"] = id;
        if (outcome.Problem is { } problem)
        {
            var texts = Errors(problem).ToArray();
            response["errors"] = new JsonObject { ["error"] = texts.Length == 1 ? texts[0] : List(texts) };
        }
        else if ((string?)response["status"] == "Matched")
        {
            if (outcome.Lead is not null || form.Peek("Return_Best_Price") == "1") response["price"] = outcome.Price.ToString();
            if (outcome.Lead?.RedirectUrl is { } redirect) response["redirect_url"] = redirect;
        }
        else response["error"] = outcome.IsDuplicate ? "duplicate" : outcome.Why;
        return string.Equals(form.Peek("Format"), "JSON", StringComparison.OrdinalIgnoreCase) ? new(new() { ["response"] = response }, null) : new(response, "response");
    }

    private IEnumerable<string> Errors(Problem problem) => problem.Code is "ping_not_found" or "ping_expired" or "no_offer"
        ? ["Insert Error #4: NO VALID PING MATCHES FOUND"]
        : problem.Errors.Length == 0 ? [problem.Detail]
        : problem.Errors.Select(error => error.Code == "missing_field" ? $"Insert Error #8: Required value for field \"{FieldOf(error)}\" missing" : $"{FieldOf(error)}: {error.Message}");
}
