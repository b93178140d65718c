using System.Globalization;
using Exchange.System.Tests.Storage;
using Shouldly;
using static Exchange.System.Tests.BlackBox.MarketCalls;

namespace Exchange.System.Tests.BlackBox;

/// <summary>The real server on a PostgreSQL of its own instead of the embedded database.</summary>
[Collection(LeadsThatWaitOnPostgres.Name)]
public sealed class PostgresTests(RunningPostgresExchange running)
{
    private const string Password = "not-asked-for-by-a-trusting-cluster";

    internal static Dictionary<string, string> Settings(string database) => new()
    {
        ["Exchange__Postgres"] = $"{database};Password={Password}",
        ["Exchange__MasterKey"] = Convert.ToBase64String(new byte[32]),
        ["Exchange__Silo__Port"] = FreePorts.Next().ToString(CultureInfo.InvariantCulture),
    };

    [Fact]
    public async Task FreshDatabase_SellsAndAfterKillGivesTheRecordedAnswers()
    {
        await using var buyers = await BuyerApp.StartAsync();
        var (exchange, database) = (running.Process, running.Database);
        var key = await new BuyerMarkets(buyers).Webhook("prompt").Three("native").ApplyAsync(running);
        buyers["prompt"].AnswersStatus(204);
        buyers["native-one"].Rejects();
        buyers["native-two"].Accepts();
        var posts = new List<(string Body, string Key, Reply Reply)>();
        foreach (var market in (string[])["prompt", "native", "prompt"])
        {
            var body = PostBody(await exchange.PingAsync(key, market));
            var reply = await exchange.SellAsync(key, body, $"{market}-{posts.Count}");
            (reply.Status, reply["status"]).ShouldBe((200, "sold"), reply.Text);
            posts.Add((body, $"{market}-{posts.Count}", reply));
        }
        var pinged = await exchange.PingAsync(key, "prompt");
        await Until(async () => await PostgresCluster.UnrecordedAsync(database, [pinged]) == 0, "the ping is recorded", exchange);
        await Until(async () => (await exchange.GetAsync("/v1/admin/deliveries?status=delivered&buyer=prompt")).Json["deliveries"]!.AsArray().Count == 2, "the webhooks are recorded", exchange);
        var before = await NumbersAsync();

        await running.KillAndRestartAsync();

        (await NumbersAsync()).ShouldBe(before);
        foreach (var (body, idempotencyKey, reply) in posts)
        {
            var again = await exchange.SellAsync(key, body, idempotencyKey);
            (again.Status, again.Text).ShouldBe((reply.Status, reply.Text));
            again.Headers["Idempotency-Replayed"].ShouldBe("true");
        }
        var late = await exchange.SellAsync(key, PostBody(pinged), "late");
        (late.Status, late["status"]).ShouldBe((200, "sold"), late.Text);
        buyers["native-two"].Requests.ShouldHaveSingleItem();
        // Nothing of it is in the folder, and the password is nowhere.
        Directory.GetFiles(exchange.Folder).ShouldBeEmpty();
        exchange.Output.ShouldNotContain(Password);

        async Task<string> NumbersAsync()
        {
            var numbers = new List<string>();
            foreach (var campaign in (string[])["prompt", "native-one", "native-two"]) numbers.Add(await exchange.LimitsAsync(campaign));
            numbers.Add((await exchange.GetAsync("/v1/admin/ledger/balances")).Text);
            return string.Join('\n', numbers);
        }
    }

    [Fact]
    public async Task Migrate_EmptyDatabase_MakesTheTablesAndEnds()
    {
        var name = $"migrated_{Guid.NewGuid():N}";
        await PostgresCluster.ExecuteAsync(PostgresCluster.ConnectionString("postgres"), $"CREATE DATABASE {name}");
        var database = PostgresCluster.ConnectionString(name);

        var (code, output, error) = await ExchangeProcess.CliAsync(Settings(database), "migrate");

        (code, error).ShouldBe((0, ""), output);
        output.ShouldContain($"Up to date: database {name} on 127.0.0.1");
        output.ShouldNotContain(Password);
        (await PostgresCluster.ReadAsync(database, "SELECT count(*) FROM lead")).ShouldBe(0);
        (await PostgresCluster.ReadAsync(database, "SELECT count(*) FROM OrleansQuery")).ShouldBe(13);
    }

    [Theory]
    [InlineData("Exchange__MasterKey", "", "Exchange:MasterKey is needed with Exchange:Postgres")]
    [InlineData("Exchange__Postgres", "no connection string at all", "The connection string of the database cannot be read.")]
    [InlineData("Exchange__Postgres", "Host=127.0.0.1;Port=1;Username=nobody;Password=hidden-from-view", "The database cannot be reached")]
    public async Task Start_SettingsThatCannotBe_SaysSoAndEnds(string setting, string value, string told)
    {
        var settings = Settings("Host=127.0.0.1;Port=1;Username=nobody");
        settings[setting] = value;

        var (code, _, error) = await ExchangeProcess.CliAsync(settings, "serve");

        code.ShouldBe(1);
        error.ShouldContain(told);
        error.ShouldNotContain("hidden-from-view");
    }
}
