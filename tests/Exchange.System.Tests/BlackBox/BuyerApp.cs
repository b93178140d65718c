using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Exchange.System.Tests.BlackBox;

/// <summary>
/// Buyers' servers on one loopback port, one per path. Every request is kept before it is answered; what is answered is the test's to say,
/// one answer after another, the last one ever after.
/// </summary>
internal sealed class BuyerApp : IAsyncDisposable
{
    /// <summary>Made for the tests: <c>whsec_</c> and the base64 of these bytes is what both sides know.</summary>
    public static readonly byte[] SigningKey = Encoding.UTF8.GetBytes("0123456789abcdef0123456789abcdef");

    private readonly WebApplication app;
    private readonly ConcurrentDictionary<string, Desk> desks = new(StringComparer.Ordinal);

    private BuyerApp(WebApplication app) => this.app = app;

    public int Port { get; private set; }

    public Desk this[string path] => desks.GetOrAdd(path, _ => new Desk());

    public static async Task<BuyerApp> StartAsync(int port = 0)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, port));
        var app = builder.Build();
        var buyers = new BuyerApp(app);
        app.Run(buyers.HandleAsync);
        await app.StartAsync();
        buyers.Port = new Uri(app.Urls.First()).Port;
        return buyers;
    }

    public string Url(string path) => $"http://127.0.0.1:{Port}/{path}";

    private async Task HandleAsync(HttpContext context)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body);
        var request = new BuyerRequest(Header(context, "webhook-id"), Header(context, "webhook-timestamp"), Header(context, "webhook-signature"), body.ToArray()) { Method = context.Request.Method, Query = context.Request.QueryString.Value ?? "" };
        var answer = this[context.Request.Path.Value!.TrimStart('/')].Next(request);
        try { await answer(context); }
        // The exchange hung up or was killed.
        catch (OperationCanceledException) { }
    }

    private static string Header(HttpContext context, string name) => context.Request.Headers[name].ToString();

    public async ValueTask DisposeAsync()
    {
        foreach (var desk in desks.Values) desk.Release();
        await app.StopAsync(new CancellationToken(canceled: true));
        await app.DisposeAsync();
    }

    /// <summary>One buyer.</summary>
    public sealed class Desk
    {
        private readonly Lock gate = new();
        private readonly Queue<Func<HttpContext, Task>> answers = [];
        private readonly TaskCompletionSource released = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly List<BuyerRequest> requests = [];
        private Func<BuyerRequest, Func<HttpContext, Task>>? byRequest;

        public IReadOnlyList<BuyerRequest> Requests { get { lock (gate) return [.. requests]; } }

        public Desk Accepts() => Answers("""{"answer":"accepted","ref":"r-1"}""");
        public Desk Rejects() => Answers("""{"answer":"rejected","reason":"not now"}""");
        public Desk SaysDuplicate() => Answers("""{"answer":"duplicate"}""");
        public Desk SaysPending() => Answers("""{"answer":"pending"}""");
        public Desk SaysGarbage() => Answers("<html>thank you</html>");
        public Desk AnswersStatus(int status) => Then(context => { context.Response.StatusCode = status; return Task.CompletedTask; });
        public Desk Answers(string json) => Then(context => context.Response.WriteAsync(json));

        /// <summary>Says nothing until the exchange hangs up.</summary>
        public Desk Hangs() => Then(context => Task.Delay(Timeout.Infinite, context.RequestAborted));

        /// <summary>Says yes once <see cref="Release"/> is called.</summary>
        public Desk AcceptsWhenReleased() => Then(async context =>
        {
            await released.Task.WaitAsync(context.RequestAborted);
            await context.Response.WriteAsync("""{"answer":"accepted"}""");
        });

        /// <summary>The same request always gets the same answer.</summary>
        public void Decides(Func<BuyerRequest, string> json) => byRequest = request => context => context.Response.WriteAsync(json(request));

        public void Release() => released.TrySetResult();

        private Desk Then(Func<HttpContext, Task> answer)
        {
            lock (gate) answers.Enqueue(answer);
            return this;
        }

        internal Func<HttpContext, Task> Next(BuyerRequest request)
        {
            lock (gate)
            {
                requests.Add(request);
                if (byRequest is not null) return byRequest(request);
                return answers.Count > 1 ? answers.Dequeue() : answers.TryPeek(out var last) ? last : static context => { context.Response.StatusCode = 404; return Task.CompletedTask; };
            }
        }
    }
}

internal sealed record BuyerRequest(string Id, string Timestamp, string Signature, byte[] Body)
{
    public string Method { get; init; } = "POST";
    /// <summary>As it came, escaped; with its question mark.</summary>
    public string Query { get; init; } = "";
    public JsonNode Json => JsonNode.Parse(Body)!;

    /// <summary>Standard Webhooks, computed from the words of its specification.</summary>
    public bool IsSigned
    {
        get
        {
            byte[] content = [.. Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{Id}.{Timestamp}.")), .. Body];
            return Signature == "v1," + Convert.ToBase64String(HMACSHA256.HashData(BuyerApp.SigningKey, content));
        }
    }
}
