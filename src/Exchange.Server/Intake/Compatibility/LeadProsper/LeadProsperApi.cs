using System.Text.Json.Nodes;
using Exchange.Grains.Intake;

namespace Exchange.Server.Intake.Compatibility.LeadProsper;

/// <summary>
/// Lead Prosper's ping, post and direct post: JSON or a form in, JSON out. <c>lp_campaign_id</c> is the vertical, <c>lp_key</c> the key, <c>lp_subid1</c> the sub_id,
/// <c>lp_subid2</c> a tag, <c>lp_action=test</c> a test. <c>code</c> is 0, our reason's number, or the status of a problem. A lead that is taken but not settled is
/// ACCEPTED at what is owed now.
/// </summary>
internal sealed class LeadProsperApi : ForeignApi
{
    public override string Name => "leadprosper";
    public override IReadOnlyList<string> Paths { get; } = ["ping", "post", "direct_post"];
    public override string KeyName => "lp_key";
    public override string VerticalName => "lp_campaign_id";
    public override bool TakesJson => true;

    public override string NameOf(string member) => member switch
    {
        "vertical" => "lp_campaign_id", "ping_id" => "lp_ping_id", "sub_id" => "lp_subid1", "tags.subid2" => "lp_subid2", "consent.ip" => "ip_address",
        "consent.page" => "landing_page_url", "consent.text" => "tcpa_text", "consent.user_agent" => "user_agent", _ => member,
    };

    public override (RequestKind? Kind, string Error) KindOf(string path, ForeignForm form) =>
        (path switch { "ping" => RequestKind.Ping, "post" => RequestKind.Post, _ => RequestKind.DirectPost }, "");

    public override void Read(ForeignForm form, IntakeRequest request)
    {
        form.Take("lp_supplier_id", request);
        var ping = form.Take("lp_ping_id", request);
        var (subId, second) = (form.Take("lp_subid1", request), form.Take("lp_subid2", request));
        var action = form.Take("lp_action", request);
        if (action is not (null or "test")) request.AddError("/lp_action", "invalid_field", "lp_action is test, or left out.");
        request.Test = action == "test";
        if (request.Kind == RequestKind.Post)
        {
            request.PingId = ping;
            return;
        }
        request.SubId = subId;
        if (second is not null) request.AddTag("subid2", second);
    }

    public override ForeignReply Answer(ForeignOutcome outcome, ForeignForm form)
    {
        var good = outcome.Ping is { Offered: true } || outcome.IsTaken;
        var answer = new JsonObject
        {
            ["status"] = good ? "ACCEPTED" : outcome.IsDuplicate ? "DUPLICATED" : "ERROR",
            ["code"] = good ? 0 : outcome.Problem?.Status ?? (int)(outcome.Ping?.Reason ?? outcome.Lead!.Reason),
            ["message"] = good ? "Accepted" : outcome.Problem is { } problem ? string.Join("; ", Texts(problem)) : outcome.IsDuplicate ? "Duplicate" : $"No buyers available: {outcome.Why}",
        };
        if (outcome.Id is { } id) answer[outcome.Ping is not null ? "ping_id" : "lead_id"] = id;
        // Its clients look for a price under one of these names.
        if (good) foreach (var name in (string[])["payout", "bid", "price"]) answer[name] = Number(outcome.Price);
        if (outcome.Lead?.RedirectUrl is { } redirect) answer["redirect_url"] = redirect;
        return new(answer, null);
    }
}
