using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using Exchange.Engine.Values;
using Exchange.LoadTests.Buyers;

namespace Exchange.LoadTests.Crash;

/// <summary>One copy as its buyer's server saw it, over all attempts.</summary>
internal sealed class ReceivedCopy(string buyer, byte[] body)
{
    public string Buyer { get; } = buyer;
    /// <summary>Of the first attempt.</summary>
    public byte[] Body { get; } = body;
    /// <summary>Oldest first; each one makes a new list, so that it can be read meanwhile.</summary>
    public IReadOnlyList<ReceivedAttempt> Tries { get; set; } = [];
    public int Attempts => Tries.Count;
    /// <summary>The buyer has it, whether it said so and was heard or not.</summary>
    public bool Taken { get; set; }
    /// <summary>An attempt brought other bytes, went elsewhere or was not signed.</summary>
    public bool Differs { get; set; }
}

/// <param name="sentMs">When it began by its sender's word, which has whole seconds; else when it came in.</param>
internal sealed class ReceivedAttempt(long sentMs)
{
    public long SentMs => sentMs;
    /// <summary>It was answered yes, so long before its sender could give up that the answer was heard.</summary>
    public bool IsHeard { get; set; }
}

/// <summary>One postback as the publisher's server saw it, over all attempts.</summary>
internal sealed record ReceivedPostback(string Id, string Lead, string Status, string Change)
{
    public int Attempts { get; set; }
    /// <summary>The publisher has it and says so, whether its answer was heard or not.</summary>
    public bool Taken { get; set; }
    /// <summary>An attempt said something else.</summary>
    public bool Differs { get; set; }
}

/// <summary>
/// The buyers' servers, and the publisher's. Every request is kept before it is answered. What a buyer thinks of a copy depends on the copy's id and the seed alone; how it
/// says so may fail the first time: no answer, a cut connection after it has taken the copy, a 500.
/// </summary>
internal sealed class Sinks : IAsyncDisposable
{
    /// <summary>Half of what the catalog lets an attempt take.</summary>
    private const long HeardWithinMs = 500;
    /// <summary>Of a call: what it was answered.</summary>
    private const string Answer = "answer";

    private readonly WebApplication _app;
    private readonly int _seed;
    private readonly ConcurrentDictionary<string, ReceivedCopy> _copies = new();
    private readonly ConcurrentDictionary<string, ReceivedPostback> _postbacks = new();


    private Sinks(WebApplication app, int seed) => (_app, _seed) = (app, seed);

    public Uri Address { get; private set; } = new("http://127.0.0.1/");
    public IReadOnlyDictionary<string, ReceivedCopy> Copies => _copies;
    public IReadOnlyDictionary<string, ReceivedPostback> Postbacks => _postbacks;
    /// <summary>True: every answer is given at once and heard.</summary>
    public bool Healed { get; set; }

    public static async Task<Sinks> StartAsync(int seed, WireLog? log, CancellationToken cancel)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        var app = builder.Build();
        var sinks = new Sinks(app, seed);
        if (log is not null) app.Use((call, next) => LogAsync(log, call, next));
        app.MapPost("/{buyer}", sinks.AnswerAsync);
        app.MapGet("/" + CrashMarket.PublisherPath, sinks.AnswerPublisher);
        await app.StartAsync(cancel);
        sinks.Address = new Uri(app.Urls.First());
        return sinks;
    }

    /// <summary>
    /// What a buyer says of a copy on the telephone: it has it, or will never take it. Null: neither is sure, or, for most copies, nobody answers there,
    /// and its server has to be asked again.
    /// </summary>
    public bool? SaysOf(string copy)
    {
        var chance = Chance(copy);
        if (chance / 11 % 3 != 0) return null;
        return _copies.GetValueOrDefault(copy) is { Taken: true } ? true : IsWanted(chance) ? null : false;
    }

    /// <summary>What comes is written down as it came, also the half of a request whose sender died.</summary>
    private static async Task LogAsync(WireLog log, HttpContext call, RequestDelegate next)
    {
        var (number, end) = (log.Begin(), "server of " + call.Request.Path.ToString().TrimStart('/'));
        using var bytes = new MemoryStream();
        try
        {
            await call.Request.Body.CopyToAsync(bytes, call.RequestAborted);
            log.Note(number, end, $"got {call.Request.Method} {call.Request.QueryString}", Encoding.UTF8.GetString(bytes.ToArray()));
        }
        catch (Exception fault) when (fault is OperationCanceledException or IOException or BadHttpRequestException)
        {
            log.Note(number, end, "got a part", Encoding.UTF8.GetString(bytes.ToArray()));
            return;
        }
        bytes.Position = 0;
        call.Request.Body = bytes;
        try
        {
            await next(call);
        }
        finally
        {
            log.Note(number, end, call.RequestAborted.IsCancellationRequested ? "broken off" : $"answered {call.Response.StatusCode}", call.Items[Answer] as string ?? "");
        }
    }

    private async Task AnswerAsync(HttpContext call, string buyer)
    {
        var cameMs = NowMs;
        using var bytes = new MemoryStream();
        try { await call.Request.Body.CopyToAsync(bytes, call.RequestAborted); }
        // Its sender died: half a copy is no copy.
        catch (Exception fault) when (fault is OperationCanceledException or IOException or BadHttpRequestException) { return; }
        var body = bytes.ToArray();
        using var message = JsonDocument.Parse(body);
        var id = message.RootElement.GetProperty("copy_id").GetString()!;
        var copy = _copies.GetOrAdd(id, _ => new ReceivedCopy(buyer, body));
        var chance = Chance(id);
        bool fails;
        var asked = CrashMarket.Sinks[buyer];
        var yes = !asked || IsWanted(chance);
        var attempt = new ReceivedAttempt(long.TryParse(call.Request.Headers["webhook-timestamp"].ToString(), NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) ? seconds * 1_000 : cameMs);
        // The first one's time runs from its sale, which comes after its ping.
        long beganMs;
        var signed = CopySignature.Fault(call.Request.Headers, body, CrashMarket.Secret, TimeProvider.System.GetUtcNow()) is null;
        lock (copy)
        {
            // A no is heard the first time only by half: doubts that end in one are few otherwise.
            fails = Fails(copy.Attempts == 0, chance, ofTen: yes ? 1u : 5u);
            beganMs = copy.Attempts == 0 && CopyId.TryParse(id, out var parsed) ? parsed.Lead.UnixMilliseconds : attempt.SentMs;
            copy.Tries = [.. copy.Tries, attempt];
            copy.Differs |= !signed || !body.AsSpan().SequenceEqual(copy.Body) || copy.Buyer != buyer;
            // Who is asked and wants it has it, also where his answer never comes. A told buyer that answers 500, or nothing, has it or not: it does not say, so it does not
            // count as taken.
            if (yes && (asked || !(fails && Fault(chance, asked) is "hang" or "500"))) copy.Taken = true;
        }
        if (fails)
        {
            switch (Fault(chance, asked))
            {
                case "hang":
                    await Task.Delay(Timeout.InfiniteTimeSpan, call.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                    return;
                case "500":
                    call.Response.StatusCode = StatusCodes.Status500InternalServerError;
                    return;
                default:
                    call.Abort();
                    return;
            }
        }
        if (asked)
        {
            var answer = yes ? """{"answer":"accepted"}""" : """{"answer":"rejected"}""";
            call.Items[Answer] = answer;
            call.Response.ContentType = "application/json";
            await call.Response.WriteAsync(answer, CancellationToken.None);
        }
        else call.Response.StatusCode = StatusCodes.Status204NoContent;
        attempt.IsHeard = yes && !call.RequestAborted.IsCancellationRequested && NowMs - beganMs < HeardWithinMs;
    }

    private static long NowMs => TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();

    private void AnswerPublisher(HttpContext call)
    {
        string Of(string name) => call.Request.Query[name].ToString();
        var told = new ReceivedPostback(Of("id"), Of("lead"), Of("status"), Of("change"));
        var postback = _postbacks.GetOrAdd(told.Id, _ => new(told.Id, told.Lead, told.Status, told.Change));
        var chance = Chance(told.Id);
        lock (postback)
        {
            var fails = Fails(++postback.Attempts == 1, chance, ofTen: 1);
            postback.Differs |= (postback.Lead, postback.Status, postback.Change) != (told.Lead, told.Status, told.Change) || call.Request.Headers["webhook-id"] != told.Id;
            if (fails && chance % 2 == 0)
            {
                call.Response.StatusCode = StatusCodes.Status500InternalServerError;
                return;
            }
            postback.Taken = true;
            if (fails) call.Abort();
            else call.Response.StatusCode = StatusCodes.Status204NoContent;
        }
    }

    /// <summary>By a buyer that is asked.</summary>
    private static bool IsWanted(uint chance) => chance % 4 != 0;

    private bool Fails(bool first, uint chance, uint ofTen) => first && !Healed && chance / 7 % 10 < ofTen;

    private static string Fault(uint chance, bool asked) => (chance / 71 % 3, asked) switch { (0, _) => "hang", (1, false) => "500", _ => "cut" };

    /// <summary>FNV-1a: the same in every process.</summary>
    private uint Chance(string id)
    {
        var hash = 2166136261u ^ (uint)_seed;
        foreach (var c in id) hash = unchecked((hash ^ c) * 16777619u);
        return hash ^ hash >> 15;
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync(new CancellationToken(canceled: true));
        await _app.DisposeAsync();
    }
}
