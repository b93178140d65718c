using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Headers;
using Exchange.System.Tests.BlackBox;
using Exchange.System.Tests.Redis;
using Exchange.System.Tests.Storage;
using Npgsql;
using Shouldly;
using static Exchange.System.Tests.BlackBox.MarketCalls;

namespace Exchange.System.Tests.Faults;

/// <summary>
/// I3, I4, I7, I30: a server whose PostgreSQL goes away, loses connections, loses replies or is slow. Nothing that was answered is lost, nothing is sold twice,
/// and the audit at the end is clean. Each test mends what it broke: they share a PostgreSQL, and a server those that put nothing between the two.
/// </summary>
public sealed class PostgresFaultTests(PostgresFaultTests.Server server) : IClassFixture<PostgresFaultTests.Server>
{
    private readonly PostgresServer postgres = server.Postgres;

    private static Dictionary<string, string> Settings(string database) => new()
    {
        ["Exchange__Postgres"] = database, ["Exchange__MasterKey"] = Convert.ToBase64String(new byte[32]), ["Exchange__Silo__Port"] = FreePorts.Next().ToString(CultureInfo.InvariantCulture),
    };

    /// <summary>Of a server on a database of its own.</summary>
    internal static async Task<Dictionary<string, string>> SettingsAsync(PostgresServer postgres) => Settings(await DatabaseAsync(postgres));

    private static async Task<string> DatabaseAsync(PostgresServer postgres, string name = "exchange")
    {
        await PostgresCluster.ExecuteAsync(postgres.ConnectionString("postgres"), $"CREATE DATABASE {name} TEMPLATE {PostgresServer.Template}");
        return postgres.ConnectionString(name);
    }

    private static string Through(string database, PostgresServer postgres, int port) =>
        database.Replace(string.Create(CultureInfo.InvariantCulture, $"Port={postgres.Port}"), string.Create(CultureInfo.InvariantCulture, $"Port={port}"), StringComparison.Ordinal);

    private static async Task<int> HealthAsync(ExchangeProcess exchange, string which)
    {
        using var reply = await exchange.Http.GetAsync(new Uri($"http://127.0.0.1:{exchange.ManagementPort}/health/{which}"));
        return (int)reply.StatusCode;
    }

    [Fact]
    public async Task StoppedAtOnceAndStartedAgain_UnderLoad_ServesAgain_AndNothingIsLost()
    {
        await using var buyers = await BuyerApp.StartAsync();
        var exchange = server.Exchange;
        await using var load = await FaultLoad.StartAsync(exchange, buyers, key: server.Key);
        for (var round = 0; round < 2; round++)
        {
            await load.SellAsync(50, "before the stop");
            await postgres.StopImmediatelyAsync();
            try
            {
                await Until(async () => await HealthAsync(exchange, "ready") == 503, "it says that it is not ready", exchange);
                (await HealthAsync(exchange, "live")).ShouldBe(200);
                await Until(() => load.Refused > 0 || load.Unanswered == 6, $"posts wait or are refused ({load.Text})", exchange);
            }
            finally { await postgres.StartAgainAsync(); }

            await Until(async () => await HealthAsync(exchange, "ready") == 200, "it is ready again", exchange);
            await load.SellAsync(50, "after the start");
            load.Lost.ShouldBe(0, "the server itself never went away");
        }
        await load.StopAsync();
        await load.CheckAsync(buyers);
    }

    /// <summary>A process of the database dies by itself: all its others end, and it recovers from its log.</summary>
    [Fact]
    public async Task OneOfItsProcessesKilled_UnderLoad_ServesAgain_AndNothingIsLost()
    {
        await using var buyers = await BuyerApp.StartAsync();
        var (exchange, database) = (server.Exchange, server.Database);
        await using var load = await FaultLoad.StartAsync(exchange, buyers, key: server.Key);
        for (var round = 0; round < 2; round++)
        {
            await load.SellAsync(50, "before the death");
            await Until(IsKilledAsync, "one of them is killed", exchange);
            await load.SellAsync(50, "after it");
        }
        await load.StopAsync();
        await load.CheckAsync(buyers);
        load.Lost.ShouldBe(0, "the server itself never went away");

        async Task<bool> IsKilledAsync()
        {
            var backend = await PostgresCluster.ReadAsync(database, "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() ORDER BY state = 'idle', random() LIMIT 1");
            try
            {
                using var process = Process.GetProcessById((int)backend);
                process.Kill();
                return true;
            }
            // It has ended meanwhile.
            catch (ArgumentException) { return false; }
        }
    }

    [Fact]
    public async Task BackendsTerminatedAndCommitRepliesCut_UnderLoad_EveryPostHasOneAnswer()
    {
        var database = await DatabaseAsync(postgres, "cut");
        await using var proxy = new CuttingProxy(postgres.Port);
        await using var buyers = await BuyerApp.StartAsync();
        await using var exchange = await ExchangeProcess.StartAsync(environment: Settings(Through(database, postgres, proxy.Port)));
        await using var load = await FaultLoad.StartAsync(exchange, buyers);
        await load.SellAsync(20, "before the faults");

        // A commit is seen passing on connections on which it was not prepared yet: those that come after the killed ones.
        var killed = 0L;
        try
        {
            await Until(async () =>
            {
                proxy.CutNext(1);
                killed += await PostgresCluster.ReadAsync(database, "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND random() < 0.3");
                return proxy.Cut >= 10 && killed >= 30;
            }, $"commits lose their replies and backends die ({load.Text})", exchange);
        }
        finally { proxy.CutNoMore(); }

        await load.SellAsync(50, "after the faults");
        await load.StopAsync();
        await load.CheckAsync(buyers);
        load.Lost.ShouldBe(0, "the server itself never went away");
    }

    [Fact]
    public async Task RowsLockedByAnother_PostsWaitOrAreRefused_PingsGoOn_AndAllGoesOnAfterwards()
    {
        await using var buyers = await BuyerApp.StartAsync();
        var (exchange, database, key) = (server.Exchange, server.Database, server.Key);
        await using var load = await FaultLoad.StartAsync(exchange, buyers, key: key);
        for (var round = 0; round < 2; round++)
        {
            await load.SellAsync(30, "before");
            await using (var somebody = new NpgsqlConnection(database + ";Pooling=false"))
            {
                await somebody.OpenAsync();
                await using var transaction = await somebody.BeginTransactionAsync();
                // Every cap and balance, as by a report that forgot to end.
                await using (var rows = new NpgsqlCommand("LOCK TABLE counter IN EXCLUSIVE MODE", somebody, transaction)) await rows.ExecuteNonQueryAsync();
                var sold = load.Sold;
                await Until(() => load.Refused > 0 || load.Unanswered == 6, $"posts wait or are refused ({load.Text})", exchange);
                for (var i = 0; i < 50; i++) (await exchange.PingAsync(key, "asked")).ShouldNotBeNull();
                load.Sold.ShouldBeLessThanOrEqualTo(sold + 6, "what had its rows already");
                await transaction.RollbackAsync();
            }
        }
        await load.SellAsync(30, "afterwards");
        await load.StopAsync();
        await load.CheckAsync(buyers);
        load.Lost.ShouldBe(0);
    }

    /// <summary>Who pinged a firm tree and hung up was told of no offer: its hold, made when the rows are free again, keeps nobody from the place.</summary>
    [Fact]
    public async Task RowsLockedByAnother_FirmPingsCallerHangsUp_NothingStaysHeld()
    {
        var database = await DatabaseAsync(postgres, "firm");
        await using var buyers = await BuyerApp.StartAsync();
        await using var exchange = await ExchangeProcess.StartAsync(environment: Settings(database));
        await exchange.ApplyAsync(new LaterSaleCatalog(buyers).Vertical("firm").Campaign("firm-one", "10.00", "firm-one", "caps: [ { per: total, leads: 1 } ]").Tree("firm", "firm: true", "firm-one").ToString());
        var key = await exchange.KeyAsync("publisher", "search");
        await using (var somebody = new NpgsqlConnection(database + ";Pooling=false"))
        {
            await somebody.OpenAsync();
            await using var transaction = await somebody.BeginTransactionAsync();
            await using (var rows = new NpgsqlCommand("LOCK TABLE counter IN EXCLUSIVE MODE", somebody, transaction)) await rows.ExecuteNonQueryAsync();
            using var hangsUp = new CancellationTokenSource();
            using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/pings");
            request.Content = new StringContent("{\"vertical\":\"firm\",\"fields\":{\"state\":\"CA\"}}", new MediaTypeHeaderValue("application/json"));
            request.Headers.Authorization = new("Bearer", key);
            request.Headers.Add("Idempotency-Key", "hangs-up");
            var ping = exchange.Http.SendAsync(request, hangsUp.Token);
            await Until(async () => await PostgresCluster.ReadAsync(database, "SELECT count(*) FROM pg_locks WHERE relation = 'counter'::regclass AND NOT granted") > 0, "its hold waits for the rows", exchange);
            await hangsUp.CancelAsync();
            await Should.ThrowAsync<OperationCanceledException>(ping);
            // Its key is free when the server has seen that it left: another body is then looked at.
            await Until(async () => (await exchange.PostAsync("/v1/pings", key, new { vertical = "none", fields = new { state = "CA" } }, ("Idempotency-Key", "hangs-up"))).Code != "idempotency_key_reused", "its ping has ended", exchange);
            await transaction.RollbackAsync();
        }

        await Until(async () => (await exchange.PostAsync("/v1/pings", key, new { vertical = "firm", fields = new { state = "CA" } }))["status"] == "offered", "the place is there", exchange);
        (await PostgresCluster.ReadAsync(database, "SELECT count(*) FROM copy WHERE state = 1")).ShouldBe(1);
    }

    [Fact]
    public async Task Slow_PingsAreAnsweredMeanwhile_AndEveryPostComesToItsEnd()
    {
        var database = await DatabaseAsync(postgres, "slow");
        await using var proxy = new SlowProxy(postgres.Port);
        await using var buyers = await BuyerApp.StartAsync();
        await using var exchange = await ExchangeProcess.StartAsync(environment: Settings(Through(database, postgres, proxy.Port)));
        await using var load = await FaultLoad.StartAsync(exchange, buyers, workers: 4);
        await load.SellAsync(20, "before");
        var key = await exchange.KeyAsync("publisher", "search");
        await exchange.PingAsync(key, "asked");

        proxy.Delay = TimeSpan.FromMilliseconds(700);
        await load.SellAsync(4, "slowly");
        // Pings ask no database: many of them come and go while one post waits for it.
        var answered = 0;
        for (var round = 0; round < 10 && answered < 10; round++)
        {
            var slow = exchange.SellAsync(key, PostBody(await exchange.PingAsync(key, "told")), "slow-" + Market.Text(round));
            for (answered = 0; answered < 50; answered++)
            {
                await exchange.PingAsync(key, "asked");
                if (slow.IsCompleted) break;
            }
            var reply = await slow;
            (reply.Status is 200 or 202 or 503).ShouldBeTrue(reply.Text);
        }
        answered.ShouldBeGreaterThanOrEqualTo(10, "pings ask no database");

        proxy.Delay = TimeSpan.Zero;
        await load.SellAsync(20, "afterwards");
        await load.StopAsync();
        await load.CheckAsync(buyers);
        load.Lost.ShouldBe(0);
    }

    /// <summary>Its supervisor starts again what failed, not what somebody stopped. Who is there is told by Redis: leaving is no write to the database.</summary>
    [Fact]
    public async Task StoppedInOrder_WhileTheDatabaseIsAway_EndsAsAskedTo()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var buyers = await BuyerApp.StartAsync();
        var settings = Settings(await DatabaseAsync(postgres, "leaves"));
        (settings["Exchange__Redis"], settings["Exchange__Cluster__Membership"], settings["Exchange__Silo__DrainSeconds"]) = (redis.Configuration, "redis", "0");
        await using var exchange = await ExchangeProcess.StartAsync(environment: settings);
        var key = await new BuyerMarkets(buyers).Webhook("told").ApplyAsync(exchange);
        await postgres.StopImmediatelyAsync();
        try
        {
            // Asks no database, and its record has none to go to.
            await exchange.PingAsync(key, "told");
            (await exchange.StopAsync()).ShouldBe(0, exchange.Output);
            exchange.Output.ShouldContain("The last ping records could not be written");
        }
        finally { await postgres.StartAgainAsync(); }
        await Until(async () => await HealthAsync(server.Exchange, "ready") == 200, "the other server is ready again", server.Exchange);
    }

    public sealed class Server : IAsyncLifetime
    {
        internal PostgresServer Postgres { get; private set; } = null!;
        internal string Database { get; private set; } = "";
        internal ExchangeProcess Exchange { get; private set; } = null!;
        /// <summary>Of the loads' publisher, which has two at most.</summary>
        internal string Key { get; private set; } = "";

        public async Task InitializeAsync()
        {
            Postgres = await PostgresServer.StartAsync();
            Database = await DatabaseAsync(Postgres);
            Exchange = await ExchangeProcess.StartAsync(environment: Settings(Database));
            await using var buyers = await BuyerApp.StartAsync();
            Key = await new BuyerMarkets(buyers).Three("asked", "5s").Webhook("told").ApplyAsync(Exchange);
        }

        public async Task DisposeAsync()
        {
            await Exchange.DisposeAsync();
            await Postgres.DisposeAsync();
        }
    }
}
