using System.Globalization;
using System.Text.Json.Nodes;
using Exchange.Storage.Sqlite;
using Exchange.System.Tests.BlackBox;
using Microsoft.Data.Sqlite;
using Shouldly;
using static Exchange.System.Tests.BlackBox.MarketCalls;

namespace Exchange.System.Tests.Audit;

/// <summary><c>exchange audit</c> as cron runs it: beside a server under load, over HTTP, and on a database that was tampered with.</summary>
public sealed class AuditCommandTests
{
    [Fact]
    public async Task Audit_BesideAServerUnderLoad_IsClean_AndFindsWhatWasTamperedWithAfterwards()
    {
        await using var buyers = await BuyerApp.StartAsync();
        var folder = Directory.CreateTempSubdirectory("exchange-audit-").FullName;
        try
        {
            await using (var exchange = await ExchangeProcess.StartAsync(folder))
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
                    var (code, output, error) = await ExchangeProcess.CliAsync(null, "audit", "--data", folder, "--json");
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
            await TamperAsync(folder, "UPDATE counter SET used = used + 1 WHERE key LIKE 'cap:c:sold-two:%'");
            var table = await ExchangeProcess.CliAsync(null, "audit", "--data", folder);
            (table.Code, table.Error).ShouldBe((1, ""));
            table.Output.ShouldContain("FOUND  I1 c:sold-two:leads:day:UTC@");
            await TamperAsync(folder, "UPDATE counter SET used = used - 1 WHERE key LIKE 'cap:c:sold-two:%'");

            (await ExchangeProcess.CliAsync(null, "audit", "--data", Path.Combine(folder, "nothing"))).Code.ShouldBe(2);
            (await ExchangeProcess.CliAsync(null, "audit", "--url", "http://localhost:1", "--key", "k")).Code.ShouldBe(2);
        }
        finally { Directory.Delete(folder, recursive: true); }
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
