using System.Text.Json;

namespace Exchange.Server.Cli;

/// <summary>A trial of a campaign's endpoints, step by step.</summary>
internal static class TrialText
{
    public static void Write(JsonElement trial, CliConsole console)
    {
        console.Line($"Campaign {trial.Text("campaign")} of {trial.Text("buyer")}, {trial.Text("vertical")}, with a made-up lead ({trial.Text("copy_id")}).");
        foreach (var step in trial.Items("steps"))
        {
            console.Line("");
            console.Line($"{step.Text("step")} to {step.Text("endpoint")} ({step.Text("connector")})", "bold");
            if (step.Text("note") is { } note) console.Line(note, "yellow");
            foreach (var call in step.Items("calls")) Call(call, console);
            if (step.Text("answer") is { } answer) console.Line($"{(step.Text("step") == "ping" ? "Bid" : "Answer")}: {answer}{Details(step)}", "bold");
            foreach (var bid in step.Items("bids"))
                console.Line($"  {bid.Text("price") ?? "the campaign's own price"}{Named(bid, "sharing")}{Named(bid, "seller")}{Named(bid, "wrong")}");
        }
    }

    private static void Call(JsonElement call, CliConsole console)
    {
        console.Line($"→ {call.Text("target")}");
        foreach (var header in call.Items("headers")) console.Line($"  {header.Text("name")}: {header.Text("value")}", "grey");
        Lines(call.Text("body"), console);
        if (call.Text("status") is { } status) console.Line($"← {status}");
        Lines(call.Text("reply"), console);
        var table = CliConsole.TableOf("read", "at", "found", "");
        var any = false;
        foreach (var found in call.Items("read"))
        {
            any = true;
            CliConsole.Row(table, found.Text("key"), found.Text("at"), found.Text("found") ?? "–", found.Text("holds") switch { "true" => "holds", "false" => "does not hold", _ => "" });
        }
        if (any) console.Show(table);
    }

    private static void Lines(string? text, CliConsole console)
    {
        foreach (var line in (text ?? "").Split('\n')) if (line.Length > 0) console.Line("  " + line);
    }

    private static string Details(JsonElement step) => string.Concat(((string[])["error", "reason", "ref", "redirect_url", "price"]).Select(name => Named(step, name)));

    private static string Named(JsonElement element, string name) => element.Text(name) is { } value ? $", {name.Replace('_', ' ')} {value}" : "";
}
