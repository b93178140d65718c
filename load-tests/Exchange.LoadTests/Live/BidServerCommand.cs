using System.CommandLine;
using System.Globalization;

namespace Exchange.LoadTests.Live;

/// <summary>Native bidders that cost nothing: each path is one, and says in its query how it behaves.</summary>
internal static class BidServerCommand
{
    public static Command Create()
    {
        var port = new Option<int>("--port") { Description = "Loopback port.", DefaultValueFactory = _ => 8093 }.AtLeast(1);
        var command = new Command("bid-server",
            "Answers native live bids: /bid/N bids N + 1 units; ?think=50 takes so many milliseconds; ?hang=true never answers. live starts it by itself.") { port };
        command.SetAction(async (parsed, cancel) =>
        {
            var builder = WebApplication.CreateSlimBuilder();
            builder.Logging.SetMinimumLevel(LogLevel.Warning);
            builder.WebHost.ConfigureKestrel(kestrel => kestrel.ListenLocalhost(parsed.GetValue(port)));
            await using var app = builder.Build();
            app.MapPost("/bid/{number:int}", AnswerAsync);
            await app.StartAsync(cancel);
            await app.WaitForShutdownAsync(cancel);
            return 0;
        });
        return command;
    }

    private static async Task AnswerAsync(HttpContext call, int number, int? think, bool? hang)
    {
        await call.Request.Body.CopyToAsync(Stream.Null, call.RequestAborted);
        if (hang == true) await Task.Delay(Timeout.Infinite, call.RequestAborted);
        if (think is { } milliseconds) await Task.Delay(milliseconds, call.RequestAborted);
        call.Response.ContentType = "application/json";
        await call.Response.WriteAsync(string.Create(CultureInfo.InvariantCulture, $$"""{ "bids": [ { "price": "{{number + 1}}.00", "ref": "r-{{number}}" } ] }"""), call.RequestAborted);
    }
}
