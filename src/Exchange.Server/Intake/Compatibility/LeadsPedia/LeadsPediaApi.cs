using System.Text.Json.Nodes;
using Exchange.Grains.Intake;

namespace Exchange.Server.Intake.Compatibility.LeadsPedia;

/// <summary>
/// LeadsPedia's <c>ping.do</c> and <c>post.do</c>: form in, <c>lp_response=JSON</c> or XML (default) out. <c>lp_campaign_id</c> is the vertical, <c>lp_s1</c> the
/// sub_id, <c>lp_s2</c> to <c>lp_s5</c> are tags. A post without <c>lp_ping_id</c> is a direct post. A lead that is taken but not settled is a success at what
/// is owed now.
/// </summary>
internal sealed class LeadsPediaApi : ForeignApi
{
    public override string Name => "leadspedia";
    public override IReadOnlyList<string> Paths { get; } = ["ping.do", "post.do"];
    public override string KeyName => "lp_campaign_key";
    public override string VerticalName => "lp_campaign_id";
    public override bool TakesJson => false;

    public override string NameOf(string member) => member switch
    {
        "vertical" => "lp_campaign_id", "ping_id" => "lp_ping_id", "sub_id" => "lp_s1", "consent.ip" => "ip_address", "consent.page" => "landing_page",
        "consent.text" => "tcpa_text", "consent.user_agent" => "user_agent", _ => member.StartsWith("tags.s", StringComparison.Ordinal) ? "lp_" + member["tags.".Length..] : member,
    };

    public override (RequestKind? Kind, string Error) KindOf(string path, ForeignForm form) =>
        (path == "ping.do" ? RequestKind.Ping : form.Peek("lp_ping_id") is null ? RequestKind.DirectPost : RequestKind.Post, "");

    public override void Read(ForeignForm form, IntakeRequest request)
    {
        form.Take("lp_response", request);
        var ping = form.Take("lp_ping_id", request);
        var subId = form.Take("lp_s1", request);
        request.Test = Flag(form, "lp_test", request);
        if (request.Kind == RequestKind.Post) request.PingId = ping;
        else request.SubId = subId;
        for (var i = 2; i <= 5; i++)
            if (form.Take("lp_s" + Text(i), request) is { } tag && request.Kind != RequestKind.Post) request.AddTag("s" + Text(i), tag);
    }

    public override ForeignReply Answer(ForeignOutcome outcome, ForeignForm form)
    {
        var good = outcome.Ping is { Offered: true } || outcome.IsTaken;
        // Some of its clients read result, some a boolean.
        var answer = new JsonObject { ["result"] = good ? "success" : "failed", ["success"] = good };
        if (outcome.Id is { } id) answer[outcome.Ping is not null ? "ping_id" : "lead_id"] = id;
        answer["price"] = outcome.Price.ToString();
        if (outcome.Lead?.RedirectUrl is { } redirect) answer["redirect_url"] = redirect;
        answer["msg"] = good ? outcome.Ping is not null ? "Ping Accepted" : "Lead Accepted" : outcome.IsDuplicate ? "Duplicate" : outcome.Problem switch
        {
            null => "No Buyers Available",
            // What came of it is not known, or not yet.
            { Status: >= 500 } or { RetryAfterSeconds: > 0 } => "Try Again",
            _ => "Rejected",
        };
        if (!good) answer["errors"] = new JsonObject { ["error"] = List(outcome.Problem is { } problem ? Texts(problem) : [outcome.Why]) };
        return new(answer, string.Equals(form.Peek("lp_response"), "JSON", StringComparison.OrdinalIgnoreCase) ? null : "response");
    }
}
