using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Spectre.Console;

namespace Exchange.LoadTests.Buyers;

/// <summary>A native buyer for trying things by hand: reads copy messages, checks their signature, answers as it was told.</summary>
internal static class FakeBuyerCommand
{
    private static readonly string[] Answers = ["accept", "reject", "duplicate", "pending", "hang", "error", "garbage"];

    public static Command Create()
    {
        var port = new Option<int>("--port") { Description = "Loopback port to listen on.", DefaultValueFactory = _ => 8092 }.AtLeast(1);
        var answer = new Option<string>("--answer")
        {
            Description = "accept, reject, duplicate, pending: the buyer's answer. hang: reads the copy and never answers. error: 500. garbage: 200 with an unreadable body.",
            DefaultValueFactory = _ => "accept",
        };
        answer.AcceptOnlyFromAmong(Answers);
        var secret = new Option<string?>("--secret") { Description = "The endpoint's secret; copies whose signature does not fit are answered 401." };
        var redirect = new Option<string?>("--redirect") { Description = "redirect_url to answer with when it accepts." };
        var command = new Command("fake-buyer",
            "A buyer's endpoint on this machine. Point a native or webhook endpoint's url at http://localhost:PORT/ (the exchange must run with Exchange__Delivery__AllowLoopback=true). Prints a line for each copy, without contact data, and remembers copy ids: the same copy is answered the same and called a repeat.")
        {
            port, answer, secret, redirect,
        };
        command.SetAction(async (parsed, cancel) =>
        {
            var buyer = new FakeBuyer(parsed.GetValue(answer)!, parsed.GetValue(secret), parsed.GetValue(redirect), TimeProvider.System, AnsiConsole.Console);
            var builder = WebApplication.CreateSlimBuilder();
            builder.Logging.SetMinimumLevel(LogLevel.Warning);
            builder.WebHost.ConfigureKestrel(kestrel => kestrel.ListenLocalhost(parsed.GetValue(port)));
            await using var app = builder.Build();
            app.MapPost("/{**path}", buyer.AnswerAsync);
            await app.StartAsync(cancel);
            AnsiConsole.MarkupLine(string.Create(CultureInfo.InvariantCulture, $"Listening on http://localhost:{parsed.GetValue(port)}/; the answer is {parsed.GetValue(answer)}. Ctrl-C ends."));
            await app.WaitForShutdownAsync(cancel);
            return 0;
        });
        return command;
    }

    private sealed class FakeBuyer(string answer, string? secret, string? redirect, TimeProvider clock, IAnsiConsole console)
    {
        private readonly Lock _gate = new();
        private readonly Dictionary<string, int> _seen = [];

        public async Task AnswerAsync(HttpContext call)
        {
            using var bytes = new MemoryStream();
            await call.Request.Body.CopyToAsync(bytes, call.RequestAborted);
            var body = bytes.ToArray();
            if (secret is not null && CopySignature.Fault(call.Request.Headers, body, secret, clock.GetUtcNow()) is { } fault)
            {
                console.MarkupLine($"[red]refused: {fault}[/]");
                call.Response.StatusCode = StatusCodes.Status401Unauthorized;
                return;
            }

            if (!TryRead(body, out var copy))
            {
                console.MarkupLine("[red]refused: no copy message[/]");
                call.Response.StatusCode = StatusCodes.Status400BadRequest;
                return;
            }

            int times;
            lock (_gate)
            {
                times = _seen[copy.Id] = _seen.GetValueOrDefault(copy.Id) + 1;
            }

            console.MarkupLine(string.Create(CultureInfo.InvariantCulture,
                $"{clock.GetUtcNow():HH:mm:ss} copy {Markup.Escape(copy.Id)} campaign {Markup.Escape(copy.Campaign)} price {Markup.Escape(copy.Price)} → {answer}{(times > 1 ? $" (repeat {times - 1})" : "")}"));
            await WriteAnswerAsync(call, copy);
        }

        private async Task WriteAnswerAsync(HttpContext call, CopyMessage copy)
        {
            switch (answer)
            {
                case "hang":
                    await Task.Delay(Timeout.InfiniteTimeSpan, call.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                    return;
                case "error":
                    call.Response.StatusCode = StatusCodes.Status500InternalServerError;
                    return;
                case "garbage":
                    await call.Response.WriteAsync("<<<", call.RequestAborted);
                    return;
                default:
                    var reply = new Dictionary<string, string> { ["answer"] = Word(answer), ["ref"] = $"fake-{copy.Id}" };
                    if (answer == "accept" && redirect is not null)
                    {
                        reply["redirect_url"] = redirect;
                    }

                    if (answer == "reject")
                    {
                        reply["reason"] = "told to reject";
                    }

                    await call.Response.WriteAsJsonAsync(reply, call.RequestAborted);
                    return;
            }
        }

        private static string Word(string answer) => answer switch
        {
            "accept" => "accepted",
            "reject" => "rejected",
            _ => answer,
        };

        private static bool TryRead(byte[] body, out CopyMessage copy)
        {
            copy = new CopyMessage("", "", "");
            try
            {
                using var message = JsonDocument.Parse(body);
                if (message.RootElement.ValueKind != JsonValueKind.Object || Text(message.RootElement, "copy_id") is not { } id)
                {
                    return false;
                }

                copy = new CopyMessage(id, Text(message.RootElement, "campaign") ?? "?", Text(message.RootElement, "price") ?? "?");
                return true;
            }
            catch (JsonException)
            {
                return false;
            }
        }

        private static string? Text(JsonElement message, string name) =>
            message.TryGetProperty(name, out var member) && member.ValueKind == JsonValueKind.String ? member.GetString() : null;
    }

    private sealed record CopyMessage(string Id, string Campaign, string Price);
}
