using System.Collections.Concurrent;
using System.Net.Sockets;
using Exchange.Engine.Values;
using Microsoft.Data.Sqlite;
using Shouldly;
using static Exchange.System.Tests.BlackBox.MarketCalls;

namespace Exchange.System.Tests.BlackBox;

/// <summary>kill -9 at the moments that matter: what was answered is there, what was not is finished by the next process, nothing happens twice.</summary>
[Collection(PromisesAndCrashes.Name)]
public sealed class CrashTests(RunningExchange running)
{
    private readonly ExchangeProcess exchange = running.Process;

    [Fact]
    public async Task KilledWhileTheBuyerThinks_SameBuyerIsAskedAgain_HoldIsKept_OneSale()
    {
        await using var buyers = await BuyerApp.StartAsync();
        var key = await new BuyerMarkets(buyers).Three("think", "20s").ApplyAsync(running);
        var one = buyers["think-one"].Hangs().AcceptsWhenReleased();
        buyers["think-two"].Accepts();
        var ping = await exchange.PingAsync(key, "think");
        var body = PostBody(ping);
        var cut = exchange.SellAsync(key, body, "think-1");
        await Until(() => one.Requests.Count == 1, "the buyer is thinking", exchange);

        await running.KillAndRestartAsync();
        await Should.ThrowAsync<HttpRequestException>(() => cut);
        await Until(() => one.Requests.Count == 2, "the same buyer is asked again", exchange);
        (await exchange.CopiesAsync(ping)).ShouldBe(["think-one 11.00 8.80 in_doubt held"]);
        (await exchange.LimitsAsync("think-one")).ShouldBe("0 1 0.00 11.00");
        var doubt = await exchange.SellAsync(key, body, "think-1");
        (doubt.Status, doubt["status"], doubt.Headers["Location"]).ShouldBe((202, "in_doubt", $"/v1/leads/{ping}"));

        one.Release();
        await Until(async () => await exchange.StatusAsync(key, ping) == "sold", "its yes makes the sale", exchange);
        one.Requests.Count.ShouldBe(2);
        one.Requests.Select(request => request.Id).Distinct().ShouldHaveSingleItem();
        buyers["think-two"].Requests.ShouldBeEmpty();
        (await exchange.BookingsAsync(ping)).ShouldBe(["buyer:think-one house 2.20", "buyer:think-one publisher:search 8.80"]);
        (await exchange.LimitsAsync("think-one")).ShouldBe("1 0 11.00 0.00");
    }

    [Fact]
    public async Task KilledBetweenPosts_AnswersAndNumbersStand_WebhooksGoOutOnce()
    {
        await using var buyers = await BuyerApp.StartAsync();
        // Nobody else takes this port while it is down.
        var late = await BuyerApp.StartAsync(FreePorts.Next());
        var latePort = late.Port;
        var lateUrl = late.Url("late");
        await late.DisposeAsync();
        var key = await new BuyerMarkets(buyers).Webhook("prompt").Webhook("late", url: lateUrl).Three("native").ApplyAsync(running);
        buyers["prompt"].AnswersStatus(204);
        buyers["native-one"].Rejects();
        buyers["native-two"].Accepts();

        var posts = new List<(string Body, string Key, Reply Reply)>();
        foreach (var market in (string[])["prompt", "prompt", "native", "late"])
        {
            var body = PostBody(await exchange.PingAsync(key, market));
            var idempotencyKey = $"{market}-{posts.Count}";
            var reply = await exchange.SellAsync(key, body, idempotencyKey);
            (reply.Status, reply["status"]).ShouldBe((200, "sold"), reply.Text);
            posts.Add((body, idempotencyKey, reply));
        }
        await Until(async () => (await exchange.GetAsync("/v1/admin/deliveries?status=delivered&buyer=prompt")).Json["deliveries"]!.AsArray().Count == 2, "the prompt webhooks are recorded", exchange);
        var before = await NumbersAsync();

        exchange.Kill();
        await using var up = await BuyerApp.StartAsync(latePort);
        up["late"].AnswersStatus(200);
        await running.KillAndRestartAsync();

        (await NumbersAsync()).ShouldBe(before);
        foreach (var (body, idempotencyKey, reply) in posts)
        {
            var again = await exchange.SellAsync(key, body, idempotencyKey);
            (again.Status, again.Text).ShouldBe((reply.Status, reply.Text));
            again.Headers["Idempotency-Replayed"].ShouldBe("true");
        }
        await Until(() => up["late"].Requests.Count > 0, "the webhook that had not arrived goes out", exchange);
        up["late"].Requests.ShouldHaveSingleItem().IsSigned.ShouldBeTrue();
        buyers["prompt"].Requests.Count.ShouldBe(2);
        buyers["native-two"].Requests.ShouldHaveSingleItem();

        async Task<string> NumbersAsync()
        {
            var numbers = new List<string>();
            foreach (var campaign in (string[])["prompt", "late", "native-one", "native-two"]) numbers.Add(await exchange.LimitsAsync(campaign));
            numbers.Add((await exchange.GetAsync("/v1/admin/ledger/balances")).Text);
            return string.Join('\n', numbers);
        }
    }

    [Fact]
    public async Task KilledAgainAndAgainUnderLoad_EveryAnsweredSaleIsThere_AndTheBooksAgree()
    {
        var random = new Random(20261122);
        await using var buyers = await BuyerApp.StartAsync();
        var key = await new BuyerMarkets(buyers).Three("load", "5s").Webhook("told").ApplyAsync(running);
        // Decided by the copy's id alone: the same question asked twice gets the same answer.
        buyers["load-one"].Decides(request => request.Id.GetHashCode(StringComparison.Ordinal) % 3 == 0 ? """{"answer":"rejected"}""" : """{"answer":"accepted"}""");
        buyers["load-two"].Decides(_ => """{"answer":"accepted"}""");
        buyers["told"].Decides(_ => "");
        var sold = new ConcurrentDictionary<string, string>(StringComparer.Ordinal);
        using var over = new CancellationTokenSource();
        var publishers = Enumerable.Range(0, 6).Select(number => Task.Run(() => PublishAsync(number))).ToArray();

        for (var kill = 0; kill < 4; kill++)
        {
            var enough = sold.Count + random.Next(5, 40);
            await Until(() => sold.Count >= enough, "posts are answered", exchange);
            exchange.Kill();
            await running.KillAndRestartAsync();
        }
        await over.CancelAsync();
        await Task.WhenAll(publishers);
        await Until(async () => await OpenLeadsAsync() == 0, "every open lead comes to its end", exchange);
        try
        {
            (await exchange.StopAsync()).ShouldBe(0, exchange.Output);
            CheckBooks(exchange.Folder, sold.Keys);
        }
        finally
        {
            // Others use it too.
            await running.KillAndRestartAsync();
        }
        Accepted("load-one").Intersect(Accepted("load-two")).ShouldBeEmpty();

        IEnumerable<string> Accepted(string buyer) => buyers[buyer].Requests
            .Where(request => buyer == "load-two" || request.Id.GetHashCode(StringComparison.Ordinal) % 3 != 0)
            .Select(request => LeadOf(request.Id)).Distinct();

        async Task PublishAsync(int number)
        {
            string? body = null;
            for (var i = 0; !over.IsCancellationRequested;)
            {
                try
                {
                    body ??= PostBody(await exchange.PingAsync(key, number % 3 == 0 ? "told" : "load"));
                    var reply = await exchange.SellAsync(key, body, $"{number}-{i}");
                    // A ping whose record the crash took is unknown; a lead never is.
                    if (reply.Status == 200 && reply["status"] == "sold") sold[reply["lead_id"]!] = reply.Text;
                    else if (reply.Status is not (200 or 202 or 404)) continue;
                    body = null;
                    i++;
                }
                catch (Exception fault) when (fault is HttpRequestException or SocketException)
                {
                    await Task.Delay(20, CancellationToken.None);
                }
            }
        }

        async Task<int> OpenLeadsAsync()
        {
            var open = 0;
            foreach (var status in (string[])["in_doubt", "pending"])
                open += (await exchange.GetAsync($"/v1/admin/leads?status={status}&limit=5")).Json["leads"]!.AsArray().Count;
            return open;
        }
    }

    private static byte[] Bytes(string lead) => LeadId.TryParse(lead, out var id) ? id.ToBytes() : throw new FormatException("a lead's id");
    private static string LeadOf(string copy) => CopyId.TryParse(copy, out var id) ? id.Lead.ToString() : throw new FormatException("a copy's id");

    /// <summary>The stored truth, read past the exchange: leads, copies, counters and transfers must tell one story.</summary>
    private static void CheckBooks(string folder, ICollection<string> answeredSold)
    {
        using var database = new SqliteConnection($"Data Source={Path.Combine(folder, "facts.db")};Mode=ReadOnly;Pooling=False");
        database.Open();
        answeredSold.Count.ShouldBeGreaterThan(20);
        var captured = Column("SELECT lower(hex(lead_id)) FROM copy WHERE state = 3");
        var known = captured.ToHashSet(StringComparer.Ordinal);
        foreach (var lead in answeredSold) known.ShouldContain(Convert.ToHexStringLower(Bytes(lead)));
        captured.Count.ShouldBe(known.Count, "an exclusive lead has one captured copy");
        Column("SELECT hex(lead_id) FROM copy WHERE state IN (1, 2, 3) GROUP BY lead_id HAVING count(*) > 1").ShouldBeEmpty("a lead of two buyers");
        Column("SELECT hex(lead_id) FROM lead l WHERE (l.state = 2) <> EXISTS (SELECT 1 FROM copy c WHERE c.lead_id = l.lead_id AND c.state = 3)").ShouldBeEmpty("a lead's state is that of its copies");

        // Every limit counts exactly the copies: leads for caps, money for balances. Others' campaigns have no caps, or of another kind.
        foreach (var row in Column("""
            SELECT campaign || ' ' || buyer || ' ' || sum(state = 3) || ' ' || sum(state IN (1, 2)) || ' ' || sum((state = 3) * price) || ' ' || sum((state IN (1, 2)) * price)
            FROM copy WHERE campaign IN ('load-one', 'load-two', 'load-three', 'told') GROUP BY campaign, buyer
            """))
        {
            var parts = row.Split(' ');
            Column($"SELECT sum(used) || ' ' || sum(held) FROM counter WHERE limit_id LIKE 'c:{parts[0]}:%'").ShouldBe([$"{parts[2]} {parts[3]}"], $"cap of {parts[0]}");
            Column($"SELECT used || ' ' || held FROM counter WHERE limit_id = 'bal:{parts[1]}'").ShouldBe([$"{parts[4]} {parts[5]}"], $"balance of {parts[1]}");
        }

        // Each captured copy is paid for once, to the micro, and nothing else is.
        Column("""
            SELECT hex(c.lead_id) FROM copy c WHERE c.state = 3 AND (
                (SELECT coalesce(sum(t.amount), 0) FROM transfer t WHERE t.lead_id = c.lead_id AND t.no = c.no AND t.debit = 'buyer:' || c.buyer) <> c.price
             OR (SELECT coalesce(sum(t.amount), 0) FROM transfer t WHERE t.lead_id = c.lead_id AND t.no = c.no AND t.credit = 'publisher:' || c.publisher) <> c.payout)
            """).ShouldBeEmpty("a copy whose money differs");
        Column("SELECT hex(t.lead_id) FROM transfer t WHERE NOT EXISTS (SELECT 1 FROM copy c WHERE c.lead_id = t.lead_id AND c.no = t.no AND c.state = 3)").ShouldBeEmpty("money without a sale");
        Column("SELECT sum(amount) FROM (SELECT amount FROM transfer UNION ALL SELECT -price FROM copy WHERE state = 3)").ShouldBe(["0"]);

        List<string> Column(string sql)
        {
            using var command = database.CreateCommand();
            command.CommandText = sql;
            using var reader = command.ExecuteReader();
            var rows = new List<string>();
            while (reader.Read()) rows.Add(reader.GetValue(0).ToString()!);
            return rows;
        }
    }
}
