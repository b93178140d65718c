using System.Collections.Concurrent;
using System.Globalization;
using System.Net.Sockets;
using Exchange.System.Tests.BlackBox;
using Shouldly;
using static Exchange.System.Tests.BlackBox.MarketCalls;

namespace Exchange.System.Tests.Faults;

/// <summary>
/// Publishers that ping and post while something breaks. Each post has an idempotency key and is sent again until it is answered; every answer that is
/// final is kept, and asked for once more at the end.
/// </summary>
internal sealed class FaultLoad : IAsyncDisposable
{
    private static int loads;

    // Of its idempotency keys: another load may have been on the same exchange.
    private readonly int load = Interlocked.Increment(ref loads);
    private readonly ExchangeProcess exchange;
    private readonly string key;
    // The clock jumps: an offer may be over before its time.
    private readonly bool allowExpired;
    // How a post may end without an answer that is kept.
    private readonly string[] ends;
    private readonly CancellationTokenSource over = new();
    private readonly CancellationTokenSource giveUp = new();
    private readonly ConcurrentQueue<(string Body, string Key, string Text)> answers = new();
    private readonly ConcurrentQueue<string> broken = new();
    // Leads that were sold to the buyer who is told after the sale.
    private readonly ConcurrentQueue<string> toTell = new();
    private readonly Task[] workers;
    private int sold, refused, lost, pinged, unanswered;

    private const int ThinkMs = 20;

    private FaultLoad(ExchangeProcess exchange, string key, int count, bool allowExpired)
    {
        this.allowExpired = allowExpired;
        ends = allowExpired ? ["ping_not_found", "ping_expired"] : ["ping_not_found"];
        this.exchange = exchange;
        this.key = key;
        workers = [.. Enumerable.Range(0, count).Select(number => Task.Run(() => PublishAsync(number)))];
    }

    /// <summary>Posts that are sold, finally.</summary>
    public int Sold => Volatile.Read(ref sold);
    /// <summary>Requests that were answered 503, with a code and a time to come again.</summary>
    public int Refused => Volatile.Read(ref refused);
    /// <summary>Requests that nobody answered.</summary>
    public int Lost => Volatile.Read(ref lost);
    /// <summary>Pings that got an offer.</summary>
    public int Pinged => Volatile.Read(ref pinged);
    /// <summary>Posts that were sent and wait for their answer, also those that were refused and come again.</summary>
    public int Unanswered => Volatile.Read(ref unanswered);

    /// <summary>Two markets: in one the first of three buyers takes two of three, in the other the buyer is told after the sale.</summary>
    /// <param name="key">Of the publisher <c>search</c>; null: one is made.</param>
    public static async Task<FaultLoad> StartAsync(ExchangeProcess exchange, BuyerApp buyers, int workers = 6, bool allowExpired = false, string? key = null)
    {
        await new BuyerMarkets(buyers).Three("asked", "5s").Webhook("told").ServeAsync(exchange);
        key ??= await exchange.KeyAsync("publisher", "search");
        // By the copy's id alone: who is asked twice answers the same.
        buyers["asked-one"].Decides(request => request.Id[^3] % 3 == 0 ? """{"answer":"rejected"}""" : """{"answer":"accepted"}""");
        buyers["asked-two"].Accepts();
        buyers["told"].AnswersStatus(204);
        return new(exchange, key, workers, allowExpired);
    }

    public async Task SellAsync(int more, string what)
    {
        var enough = Sold + more;
        await Until(() => !broken.IsEmpty || Sold >= enough, $"{more} more are sold {what} ({Text})", exchange);
        broken.ShouldBeEmpty(Tail);
    }

    /// <summary>Until so many more requests were refused; only 503 is a refusal here.</summary>
    public async Task RefusedAsync(int more, string what)
    {
        var enough = Refused + more;
        await Until(() => !broken.IsEmpty || Refused >= enough, $"{more} more are refused {what} ({Text})", exchange);
        broken.ShouldBeEmpty(Tail);
    }

    /// <summary>Nothing new is begun; done when all that was begun is answered.</summary>
    public async Task StopAsync()
    {
        await over.CancelAsync();
        await Until(() => Array.TrueForAll(workers, static worker => worker.IsCompleted), $"what was begun is answered ({Text})", exchange);
        await Task.WhenAll(workers);
        broken.ShouldBeEmpty(Tail);
    }

    /// <summary>All that was answered is answered again, the same to the letter, no lead has two buyers, and who bought one has it.</summary>
    public async Task CheckAsync(BuyerApp buyers)
    {
        // A doubt whose first three questions met the fault is asked again a minute after it came up.
        await Until(async () => await OpenAsync() == 0, "every open lead comes to its end", exchange, seconds: 150);
        foreach (var (body, idempotencyKey, text) in answers)
        {
            var again = await exchange.SellAsync(key, body, idempotencyKey);
            (again.Status, again.Text).ShouldBe((200, text), idempotencyKey);
        }
        LeadsOf("asked-one", static request => request.Id[^3] % 3 != 0).Intersect(LeadsOf("asked-two", static _ => true)).ShouldBeEmpty("an exclusive lead that two buyers took");

        // A clock that jumped has put off what was to come again by as much.
        if (allowExpired) return;
        await Until(async () => await WaitingAsync() == 0, "all that was sold is delivered", exchange);
        toTell.Except(LeadsOf("told", static _ => true)).ShouldBeEmpty("a sold lead that its buyer never got");
        buyers["told"].Requests.GroupBy(static request => request.Id).Where(static sent => sent.Select(static request => Convert.ToHexString(request.Body)).Distinct().Count() > 1)
            .ShouldBeEmpty("a copy with two bodies");

        IEnumerable<string> LeadsOf(string buyer, Func<BuyerRequest, bool> takes) => buyers[buyer].Requests.Where(takes).Select(request => request.Id[..request.Id.LastIndexOf('-')]).Distinct();

        // What has to be sent again only much later the operator sends at once.
        async Task<int> WaitingAsync()
        {
            var waiting = (await exchange.AdminAsync("deliveries?status=waiting&buyer=told&limit=100"))["deliveries"]!.AsArray();
            foreach (var delivery in waiting)
                if (delivery!["due_at"] is { } due && DateTimeOffset.Parse(due.GetValue<string>(), CultureInfo.InvariantCulture) > TimeProvider.System.GetUtcNow().AddSeconds(10))
                    await exchange.PostAsync($"/v1/admin/deliveries/{delivery["copy_id"]}/{delivery["endpoint"]}/replay", ExchangeProcess.AdminKey, new { });
            return waiting.Count;
        }

        async Task<int> OpenAsync()
        {
            var open = 0;
            foreach (var status in (string[])["in_doubt", "pending"]) open += (await exchange.AdminAsync($"leads?status={status}&limit=5"))["leads"]!.AsArray().Count;
            return open;
        }
    }

    /// <summary>What the exchange said last.</summary>
    private string Tail => exchange.Output[^Math.Min(4_000, exchange.Output.Length)..];

    public string Text => string.Create(CultureInfo.InvariantCulture, $"{Pinged} pings, {Sold} sold, {Refused} refused, {Lost} lost, {Unanswered} unanswered");

    /// <summary>Gives up what is not answered. Twice is harmless.</summary>
    public async ValueTask DisposeAsync()
    {
        await over.CancelAsync();
        await giveUp.CancelAsync();
        await Task.WhenAll(workers);
    }

    private async Task PublishAsync(int number)
    {
        var market = number % 3 == 0 ? "told" : "asked";
        for (var i = 0; !over.IsCancellationRequested; i++)
        {
            // The processor is the server's.
            await Task.Delay(ThinkMs, CancellationToken.None);
            var process = exchange.ProcessId;
            var ping = await TryAsync(() => exchange.PostAsync("/v1/pings", key, new { vertical = market, fields = new { state = "CA" } }));
            if (ping?["status"] != "offered") continue;
            Interlocked.Increment(ref pinged);
            Interlocked.Increment(ref unanswered);
            await AnsweredAsync(PostBody(ping["ping_id"]!), string.Create(CultureInfo.InvariantCulture, $"{load}-{number}-{i}"), process, isTold: market == "told");
            Interlocked.Decrement(ref unanswered);
        }
    }

    /// <param name="process">Of the server when it was pinged.</param>
    /// <param name="isTold">Its buyer is told after the sale.</param>
    private async Task AnsweredAsync(string body, string idempotencyKey, int process, bool isTold)
    {
        var isAnswered = false;
        while (!giveUp.IsCancellationRequested)
        {
            if (await TryAsync(() => exchange.SellAsync(key, body, idempotencyKey)) is not { } reply) continue;
            if (ends.Contains(reply.Code))
            {
                // Its ping was on its way to the disk when its server died: whoever was answered has a lead, and a server that lives has its offers.
                if (isAnswered) broken.Enqueue($"{idempotencyKey} was answered, and then {reply.Code}");
                else if (!allowExpired && exchange.ProcessId == process) broken.Enqueue($"{idempotencyKey}: {reply.Code} of a server that never died");
                return;
            }
            if (reply.Status == 202)
            {
                isAnswered = true;
                continue;
            }
            answers.Enqueue((body, idempotencyKey, reply.Text));
            if (reply["status"] != "sold") return;
            Interlocked.Increment(ref sold);
            if (isTold) toTell.Enqueue(reply["lead_id"]!);
            return;
        }
    }

    /// <summary>Null: not answered, or asked to come again.</summary>
    private async Task<Reply?> TryAsync(Func<Task<Reply>> send)
    {
        try
        {
            var reply = await send();
            if (reply.Status is 200 || ends.Contains(reply.Code)) return reply;
            if (reply.Status == 503)
            {
                Interlocked.Increment(ref refused);
                if (reply.Code is null || !reply.Headers.ContainsKey("Retry-After")) broken.Enqueue("503 without a code or a time to come again: " + reply.Text);
            }
            else if (reply.Status != 202) broken.Enqueue($"{reply.Status}: {reply.Text}");
            else
            {
                await Task.Delay(20, CancellationToken.None);
                return reply;
            }
        }
        catch (Exception fault) when (fault is HttpRequestException or TaskCanceledException or IOException or SocketException) { Interlocked.Increment(ref lost); }
        await Task.Delay(20, CancellationToken.None);
        return null;
    }
}
