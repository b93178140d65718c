using System.Text.Json;

namespace Exchange.Server.Cli;

/// <summary>An explanation as a table: one row per campaign in the order in which the tree was walked, then the ranks and the sum.</summary>
internal static class ExplanationText
{
    public static void Write(JsonElement explanation, CliConsole console)
    {
        var outcome = explanation.Text("outcome");
        console.Line($"Ping {explanation.Text("ping_id")} · {explanation.Text("vertical")} · from {explanation.Text("publisher")} · {explanation.Text("at")}", "bold");
        console.Line($"Tree {explanation.Text("tree") ?? "none"} · catalog version {explanation.Text("catalog_version")} · seed {explanation.Text("seed")}");
        console.Line($"Outcome: {outcome}{(explanation.Text("sentence") is { } sentence ? " – " + sentence : "")}", outcome == "offered" ? "green" : "yellow");

        if (explanation.Text("would_have_sold") is { } nearest) console.Line($"Would have sold it: {nearest}", "bold");
        foreach (var tree in explanation.Items("trees"))
            console.Line($"  tree {tree.Text("tree")}: {(tree.GetProperty("chosen").GetBoolean() ? "chosen, " : "")}{tree.Text("text")}");

        var table = CliConsole.TableOf("tier", "campaign", "buyer", "verdict", "reason", "numbers", "would have sold it");
        foreach (var campaign in explanation.Items("campaigns"))
        {
            // Trees asked on the way stand before the tier: west/first.
            var way = string.Join('/', campaign.Items("trees").Select(tree => tree.GetString()).Append(campaign.Text("tier")));
            CliConsole.Row(table, way, campaign.Text("campaign"), campaign.Text("buyer"), campaign.Text("verdict"), campaign.Text("reason"),
                string.Join('\n', campaign.Items("numbers").Select(number => number.GetString())), campaign.Text("would_have_sold"));
        }
        console.Show(table);

        var ranks = CliConsole.TableOf("rank", "tier", "campaign", "sharing", "bid", "floor", "price", "payout");
        var any = false;
        foreach (var bid in explanation.Items("bids"))
        {
            any = true;
            CliConsole.Row(ranks, bid.Text("rank"), bid.Text("tier"), bid.Text("campaign"), bid.Text("sharing"), bid.Text("bid"), bid.Text("floor"), bid.Text("price"), bid.Text("payout"));
        }
        if (any) console.Show(ranks);
        foreach (var line in explanation.Items("price_rule")) console.Line(line.GetString() ?? "");
        if (explanation.TryGetProperty("post", out var post) && post.ValueKind == JsonValueKind.Object) WritePost(post, console);
    }

    /// <summary>Whose turn came, one a row, in order.</summary>
    private static void WritePost(JsonElement post, CliConsole console)
    {
        var status = post.Text("status");
        console.Line($"Post {post.Text("at")}: {status}{(post.Text("sentence") is { } sentence ? " – " + sentence : "")}", status == "sold" ? "green" : "yellow");
        var turns = post.Items("passed_over").Select(passed => (At: passed.Text("at"), Turn: passed, Payout: (string?)null, Status: (string?)"passed over"))
            .Concat(post.Items("copies").Select(copy => (At: copy.Text("at"), Turn: copy, Payout: copy.Text("payout"), Status: copy.Text("status"))))
            .OrderBy(turn => turn.At, StringComparer.Ordinal).ToList();
        if (turns.Count == 0) return;
        var table = CliConsole.TableOf("campaign", "buyer", "price", "payout", "status", "reason");
        foreach (var (_, turn, payout, what) in turns) CliConsole.Row(table, turn.Text("campaign"), turn.Text("buyer"), turn.Text("price"), payout, what, turn.Text("reason"));
        console.Show(table);
    }
}
