using System.Globalization;
using System.Text.Json.Nodes;
using Exchange.Storage.Sqlite;
using Exchange.System.Tests.BlackBox;
using Exchange.System.Tests.Storage;
using Microsoft.Data.Sqlite;
using Shouldly;
using static Exchange.System.Tests.BlackBox.MarketCalls;

namespace Exchange.System.Tests.Audit;

/// <summary><c>exchange audit</c> as cron runs it: beside a server under load, over HTTP, and on a database that was tampered with.</summary>
public sealed class AuditCommandTests : IClassFixture<PostgresCluster>
{
    private const string OneMore = "UPDATE counter SET used = used + 1 WHERE key LIKE 'cap:c:sold-two:%'", OneLess = "UPDATE counter SET used = used - 1 WHERE key LIKE 'cap:c:sold-two:%'";

    [Fact]
    public async Task Audit_BesideAServerUnderLoad_IsClean_AndFindsWhatWasTamperedWithAfterwards()
    {
        var folder = Directory.CreateTempSubdirectory("exchange-audit-").FullName;
        try
        {
            await AuditedAsync(folder, null, ["--data", folder], sql => TamperAsync(folder, sql));
            (await ExchangeProcess.CliAsync(null, "audit", "--data", Path.Combine(folder, "nothing"))).Code.ShouldBe(2);
            (await ExchangeProcess.CliAsync(null, "audit", "--url", "http://localhost:1", "--key", "k")).Code.ShouldBe(2);
        }
        finally { Directory.Delete(folder, recursive: true); }
    }

    [Fact]
    public async Task Audit_OfPostgres_BesideAServerUnderLoad_IsClean_AndFindsWhatWasTamperedWithAfterwards()
    {
        var database = await PostgresCluster.CreateDatabaseAsync();
        var settings = new Dictionary<string, string>
        {
            ["Exchange__Postgres"] = database, ["Exchange__MasterKey"] = Convert.ToBase64String(new byte[32]), ["Exchange__Silo__Port"] = FreePorts.Next().ToString(CultureInfo.InvariantCulture),
        };
        await AuditedAsync(null, settings, [], sql => PostgresCluster.ExecuteAsync(database, sql));

        // A folder that is named is meant.
        (await ExchangeProcess.CliAsync(settings, "audit", "--data", "/nothing")).Error.ShouldContain("no facts.db");
        settings["Exchange__Postgres"] = "Host=127.0.0.1;Port=1;Username=nobody;Password=hidden-from-view";
        var (code, output, error) = await ExchangeProcess.CliAsync(settings, "audit");
        (code, output).ShouldBe((2, ""));
        error.ShouldContain("The database cannot be read now");
        error.ShouldNotContain("hidden-from-view");
    }

    private static async Task AuditedAsync(string? folder, IReadOnlyDictionary<string, string>? environment, string[] where, Func<string, Task> tamper)
    {
        await using var buyers = await BuyerApp.StartAsync();
        await using (var exchange = await ExchangeProcess.StartAsync(folder, environment))
        {
            var key = await new BuyerMarkets(buyers).Three("sold").ApplyAsync(exchange);
            buyers["sold-one"].Rejects();
            buyers["sold-two"].Accepts();
            using var over = new CancellationTokenSource();
            var publisher = Task.Run(async () =>
            {
                while (!over.IsCancellationRequested) (await exchange.SellAsync(key, PostBody(await exchange.PingAsync(key, "sold")))).Status.ShouldBe(200);
            });
            for (var i = 0; i < 3; i++)
            {
                var (code, output, error) = await ExchangeProcess.CliAsync(environment, ["audit", "--json", .. where]);
                code.ShouldBe(0, output + error);
                JsonNode.Parse(output)!["checks"]!.AsArray().Count.ShouldBeGreaterThan(10);
            }
            await over.CancelAsync();
            await publisher;

            var overHttp = await exchange.CliAsync("audit");
            overHttp.Code.ShouldBe(0, overHttp.Output + overHttp.Error);
            overHttp.Output.ShouldContain("Clean: every check holds.");
            (await exchange.StopAsync()).ShouldBe(0);
        }
        await tamper(OneMore);
        var table = await ExchangeProcess.CliAsync(environment, ["audit", .. where]);
        (table.Code, table.Error).ShouldBe((1, ""));
        table.Output.ShouldContain("FOUND  I1 c:sold-two:leads:day:");
        await tamper(OneLess);
    }

    private static async Task TamperAsync(string folder, string sql)
    {
        await using var connection = new SqliteConnection(string.Create(CultureInfo.InvariantCulture, $"Data Source={Path.Combine(folder, SqliteStore.FactsFile)};Pooling=False"));
        connection.Open();
        await using var command = connection.CreateCommand();
        command.CommandText = sql;
        (await command.ExecuteNonQueryAsync()).ShouldBe(1);
    }
}
