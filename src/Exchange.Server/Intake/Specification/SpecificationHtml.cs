using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using Exchange.Engine.Catalog;

namespace Exchange.Server.Intake.Specification;

/// <summary>A posting specification for people: one page without scripts, everything from the catalog escaped.</summary>
internal static class SpecificationHtml
{
    /// <summary>The page loads nothing and runs nothing.</summary>
    public const string Policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

    private const string Style = """
        body { font: 16px/1.5 system-ui, sans-serif; color: #1c2330; background: #fff; max-width: 68rem; margin: 2rem auto; padding: 0 1.25rem; }
        h1 { font-size: 1.7rem; margin: 0 0 .25rem; } h2 { font-size: 1.2rem; margin: 2.2rem 0 .5rem; }
        p { margin: .4rem 0; } .quiet { color: #5a6474; }
        .wide { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-size: .92rem; }
        th { text-align: left; color: #5a6474; font-weight: 600; } th, td { padding: .45rem .7rem .45rem 0; border-bottom: 1px solid #e3e7ee; vertical-align: top; }
        code { font: .9em/1.4 ui-monospace, monospace; background: #f2f4f8; padding: .1em .3em; border-radius: 4px; overflow-wrap: anywhere; }
        pre { font: .85rem/1.5 ui-monospace, monospace; background: #f2f4f8; padding: 1rem; border-radius: 8px; overflow-x: auto; margin: .4rem 0 1rem; }
        .required { color: #9a3412; font-weight: 600; } .pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(20rem, 1fr)); gap: 0 1.25rem; }
        """;

    public static byte[] Write(PostingSpecification of)
    {
        var html = new StringBuilder(16_384);
        var title = $"Posting specification: {of.Word}";
        html.Append("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>").Append(E(title))
            .Append("</title><style>").Append(Style).Append("</style></head><body>\n<h1>").Append(E(title)).Append("</h1>\n<p class=\"quiet\">For ").Append(E(of.Publisher.Name))
            .Append(". Amounts are in ").Append(E(of.Currency)).Append(", times in UTC.</p>\n");
        if (of.Publisher.Status == EntryStatus.Test) html.Append("<p><strong>You are in test mode:</strong> every call is a test and earns nothing.</p>\n");
        Calls(html, of);
        Fields(html, of);
        Consent(html, of);
        Sample(html, "Ping", SampleCalls.Ping(of));
        Sample(html, "Post", SampleCalls.Post(of));
        Tests(html);
        return Encoding.UTF8.GetBytes(html.Append("</body></html>\n").ToString());
    }

    private static void Calls(StringBuilder html, PostingSpecification of) => html
        .Append("<h2>Calls</h2>\n<p><code>POST /v1/pings</code> asks what a lead would earn, without contact data; the answer is good for ").Append(E(Seconds(of.Vertical.PingTtl)))
        .Append(". <code>POST /v1/posts</code> sends the lead against it; what was pinged need not be repeated. <code>POST /v1/leads</code> does both in one call.</p>\n")
        .Append("<p>Your key goes in the header <code>Authorization: Bearer KEY</code>, never in an address. Bodies are JSON, forms or XML. A ping is answered within ")
        .Append(E(Seconds(of.Vertical.PingDeadline))).Append(", a post within ").Append(E(Seconds(of.Vertical.PostDeadline)))
        .Append("; <code>deadline_ms</code> asks for less. A status of 202 means that the lead is not settled yet: <code>GET /v1/leads/LEAD_ID</code> tells more.</p>\n");

    private static void Fields(StringBuilder html, PostingSpecification of)
    {
        html.Append("<h2>Fields</h2>\n<div class=\"wide\"><table><thead><tr><th>Name</th><th>Type</th><th>Ping</th><th>Post</th><th>Values and rules</th><th>Example</th></tr></thead><tbody>\n");
        foreach (var field in of.Fields)
        {
            html.Append("<tr><td><code>").Append(E(field.Name)).Append("</code>");
            if (field.OtherNames.Count > 0) html.Append("<br><span class=\"quiet\">or ").AppendJoin(", ", field.OtherNames.Select(E)).Append("</span>");
            html.Append("</td><td>").Append(E(field.Type)).Append("</td><td").Append(Mark(field.Ping)).Append("</td><td").Append(Mark(field.Post)).Append("</td><td>");
            html.AppendJoin(" · ", field.Values.Select(value => $"<code>{E(value)}</code>"));
            if (field.Values.Count > 0 && field.Rules.Count > 0) html.Append("<br>");
            html.AppendJoin("; ", field.Rules.Select(E)).Append("</td><td><code>").Append(E(field.Sample)).Append("</code></td></tr>\n");
        }
        html.Append("</tbody></table></div>\n<p class=\"quiet\">never: contact data and what comes with the post only. later: added by <code>PATCH /v1/leads/LEAD_ID</code>. A field that is not in this list is ")
            .Append(of.Publisher.Intake.IgnoresUnknown ? "set aside with a warning" : "refused").Append(".</p>\n");
    }

    private static void Consent(StringBuilder html, PostingSpecification of)
    {
        if (of.Vertical.Consent == ConsentLevel.None) return;
        html.Append("<h2>Consent</h2>\n<p>The post carries <code>consent</code> with <code>text</code>, <code>at</code>, <code>page</code> and <code>ip</code>")
            .Append(of.Vertical.Consent == ConsentLevel.Named ? ", and in <code>sellers</code> the seller of each offer that it takes" : "").Append(".</p>\n");
    }

    private static void Sample(StringBuilder html, string title, SampleCall call) => html
        .Append("<h2>").Append(title).Append("</h2>\n<div class=\"pair\"><div><p class=\"quiet\">POST ").Append(E(call.Path)).Append("</p><pre>").Append(E(call.Request.ToJsonString(SampleCalls.Indented)))
        .Append("</pre></div><div><p class=\"quiet\">Answer</p><pre>").Append(E(call.Reply.ToJsonString(SampleCalls.Indented))).Append("</pre></div></div>\n");

    private static void Tests(StringBuilder html) => html.Append(
        "<h2>Tests</h2>\n<p>A test key, or <code>\"test\": true</code> in a ping, makes a test: its ids start with <code>test_</code>, it takes no cap and earns nothing. " +
        "<code>\"test_result\"</code> forces its outcome: <code>sold</code>, <code>unsold</code>, <code>no_offer</code>, <code>pending</code> or <code>in_doubt</code>.</p>\n");

    private static string Mark(string use) => use == "required" ? " class=\"required\">required" : $">{E(use)}";

    private static string Seconds(TimeSpan time) => time.TotalMinutes >= 1 && time.Seconds == 0 && time.Milliseconds == 0
        ? string.Create(CultureInfo.InvariantCulture, $"{time.TotalMinutes:0} min") : string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0.###} s");

    private static string E(string text) => HtmlEncoder.Default.Encode(text);
}
