using System.CommandLine;
using System.Globalization;
using System.Net.Http.Headers;
using System.Text.Json;

namespace Exchange.LoadTests.Live;

/// <summary>
/// The floor of live bidding: a handler that makes the same calls with the same bodies, takes the highest price, and does nothing else: no auction, no
/// record, no caps. What it reaches is what outgoing HTTP allows on this machine.
/// </summary>
internal static class BareCallerCommand
{
    /// <summary>About what a native live bid is.</summary>
    private static readonly byte[] Body = """
        {"bid_request_id":"b-0123456789abcdefghjkmnpq","campaign":"live-0","vertical":"live","sharing":["exclusive"],"copies_max":1,"source":"s-01234567","sub_source":null,"deadline_ms":800,"test":false,"fields":{"state":"CA","age":35}}
        """u8.ToArray();

    public static Command Create()
    {
        var port = new Option<int>("--port") { Description = "Loopback port.", DefaultValueFactory = _ => 8094 }.AtLeast(1);
        var bidders = new Option<int>("--bidders") { Description = "Calls per ping.", DefaultValueFactory = _ => 10 }.AtLeast(1);
        var at = new Option<string>("--at") { Description = "Where bid-server listens.", DefaultValueFactory = _ => "http://127.0.0.1:8093" };
        var command = new Command("bare-caller", "A bare handler that calls every bidder for each ping and answers with the highest price. live starts it by itself.") { port, bidders, at };
        command.SetAction(async (parsed, cancel) =>
        {
            var urls = Enumerable.Range(0, parsed.GetValue(bidders)).Select(number => new Uri(string.Create(CultureInfo.InvariantCulture, $"{parsed.GetValue(at)}/bid/{number}"))).ToArray();
            using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false, UseCookies = false, AllowAutoRedirect = false, ActivityHeadersPropagator = null });
            var builder = WebApplication.CreateSlimBuilder();
            builder.Logging.SetMinimumLevel(LogLevel.Warning);
            builder.WebHost.ConfigureKestrel(kestrel => kestrel.ListenLocalhost(parsed.GetValue(port)));
            await using var app = builder.Build();
            app.MapPost("/v1/pings", call => AnswerAsync(call, http, urls));
            app.MapPost("/v1/pings/think/{milliseconds:int}", (HttpContext call, int milliseconds) =>
                AnswerAsync(call, http, Array.ConvertAll(urls, url => new Uri(url, string.Create(CultureInfo.InvariantCulture, $"?think={milliseconds}")))));
            await app.StartAsync(cancel);
            await app.WaitForShutdownAsync(cancel);
            return 0;
        });
        return command;
    }

    private static async Task AnswerAsync(HttpContext call, HttpClient http, Uri[] bidders)
    {
        await call.Request.Body.CopyToAsync(Stream.Null, call.RequestAborted);
        var asked = new Task<decimal>[bidders.Length];
        for (var i = 0; i < asked.Length; i++) asked[i] = AskAsync(http, bidders[i], call.RequestAborted);
        var best = (await Task.WhenAll(asked)).Max();
        call.Response.ContentType = "application/json";
        await call.Response.WriteAsync(string.Create(CultureInfo.InvariantCulture, $$"""{ "status": "offered", "payout": "{{best}}" }"""), call.RequestAborted);
    }

    private static async Task<decimal> AskAsync(HttpClient http, Uri url, CancellationToken cancel)
    {
        using var content = new ByteArrayContent(Body);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        using var answer = await http.PostAsync(url, content, cancel);
        using var json = await JsonDocument.ParseAsync(await answer.Content.ReadAsStreamAsync(cancel), default, cancel);
        return decimal.Parse(json.RootElement.GetProperty("bids")[0].GetProperty("price").GetString()!, CultureInfo.InvariantCulture);
    }
}
