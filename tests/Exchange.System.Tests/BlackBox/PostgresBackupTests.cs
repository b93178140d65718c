using System.Text;
using Exchange.System.Tests.Storage;
using Npgsql;
using Shouldly;
using static Exchange.System.Tests.BlackBox.MarketCalls;

namespace Exchange.System.Tests.BlackBox;

/// <summary>
/// The steps of docs/backup.md for PostgreSQL, word for word but for folders: a copy taken while posts run, restored, served and audited; what was answered
/// before it is answered the same, and a buyer reads on.
/// </summary>
public sealed class PostgresBackupTests : IAsyncLifetime
{
    private const string Database = "exchange";
    private readonly string folder = Directory.CreateTempSubdirectory("exchange-backup-").FullName;
    private PostgresServer postgres = null!;

    public async Task InitializeAsync()
    {
        // PostgreSQL's own user writes there.
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(folder, (UnixFileMode)0b111_111_111);
        postgres = await PostgresServer.StartAsync();
        await PostgresCluster.ExecuteAsync(postgres.ConnectionString("postgres"), $"CREATE DATABASE {Database} TEMPLATE {PostgresServer.Template}");
        await PostgresCluster.ExecuteAsync(postgres.ConnectionString("postgres"), "CREATE ROLE backup LOGIN REPLICATION");
    }

    public async Task DisposeAsync()
    {
        NpgsqlConnection.ClearAllPools();
        await postgres.DisposeAsync();
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public Task Dump_UnderLoad_IsServedAgain_AuditedAndAnswersReplay() => RestoreAsync("pg_dump", async () =>
    {
        await PostgresCluster.ExecuteAsync(postgres.ConnectionString("postgres"), $"DROP DATABASE {Database} WITH (FORCE)");
        await postgres.ShellAsync(Documented("pg_restore"));
        return null;
    });

    [Fact]
    public Task BaseBackup_UnderLoad_IsServedAgain_AuditedAndAnswersReplay() => RestoreAsync("pg_basebackup", async () =>
    {
        await postgres.ShellAsync(Documented("tar -x"));
        return await PostgresServer.StartOnAsync(Path.Combine(folder, "restored"));
    });

    private async Task RestoreAsync(string copy, Func<Task<PostgresServer?>> restore)
    {
        await using var buyers = await BuyerApp.StartAsync();
        buyers["load-one"].Decides(request => request.Id[^3] % 3 == 0 ? """{"answer":"rejected"}""" : """{"answer":"accepted"}""");
        buyers["load-two"].Accepts();
        SteadyPublishers.Answer[] before;
        string key, buyer;
        (List<string> Copies, string? Cursor) seen;
        await using (var exchange = await ExchangeProcess.StartAsync(environment: PostgresTests.Settings(postgres.ConnectionString(Database))))
        {
            key = await new BuyerMarkets(buyers).Three("load").Three("pulled").ApplyAsync(exchange);
            buyer = await exchange.KeyAsync("buyer", "pulled-three");
            foreach (var campaign in (string[])["pulled-one", "pulled-two"]) await exchange.PatchAsync($"campaigns/{campaign}", new { status = "paused" });
            var publishers = new SteadyPublishers(exchange, key, "pulled", "load", "load");
            await publishers.AnsweredAsync(30, "posts are answered", exchange);
            before = publishers.Answers;
            await postgres.ShellAsync(Documented(copy));
            await publishers.AnsweredAsync(30, "posts go on", exchange);
            await publishers.StopAsync();
            seen = await InboxAsync(exchange, null);
            (await exchange.StopAsync()).ShouldBe(0);
        }
        NpgsqlConnection.ClearAllPools();

        await using var other = await restore();
        var settings = PostgresTests.Settings((other ?? postgres).ConnectionString(Database));
        var kept = await PostgresCluster.ReadAsync(settings["Exchange__Postgres"], "SELECT last FROM buyer_sales WHERE buyer = 'pulled-three'");
        // Else nothing was lost, and what follows proves nothing.
        kept.ShouldBeLessThan(seen.Copies.Count - 1);
        foreach (var command in (string[])["restored", "audit"])
        {
            Documented("exchange restored").ShouldContain($"exchange {command}");
            var (code, output, error) = await ExchangeProcess.CliAsync(settings, command);
            code.ShouldBe(0, output + error);
        }
        await using var restored = await ExchangeProcess.StartAsync(environment: settings);
        await SteadyPublishers.AskAgainAsync(restored, key, before);
        var sold = await restored.SellAsync(key, PostBody(await restored.PingAsync(key, "pulled")));
        sold["status"].ShouldBe("sold", sold.Text);
        // It reads on after the last it saw, which the restored exchange does not know.
        (await InboxAsync(restored, seen.Cursor)).Copies.ShouldBe([sold["lead_id"]! + "-1"]);
        var (clean, told, _) = await ExchangeProcess.CliAsync(settings, "audit");
        clean.ShouldBe(0, told);

        // What the buyer reads after this, and what it reads on from next time.
        async Task<(List<string> Copies, string? Cursor)> InboxAsync(ExchangeProcess exchange, string? cursor)
        {
            List<string> copies = [];
            while (true)
            {
                var page = await exchange.GetAsync("/v1/buyer/copies?limit=1" + (cursor is null ? "" : $"&after={cursor}"), buyer);
                copies.AddRange(page.Json["copies"]!.AsArray().Select(static copy => copy!.Text("copy_id")!));
                if (page["next"] is not { } next) return (copies, cursor);
                cursor = next;
            }
        }
    }

    /// <summary>A base backup's pages hold what was erased until its tables are written anew, as the document says.</summary>
    [Fact]
    public async Task TablesWrittenAnew_AsDocumented_HoldNothingOfAnErasedLead()
    {
        const string redirect = "https://thanks.example/for-the-erased-one";
        const string click = "click-of-the-erased-one";
        await using (var buyers = await BuyerApp.StartAsync())
        {
            buyers["load-one"].Decides(_ => $$"""{"answer":"accepted","redirect_url":"{{redirect}}"}""");
            await using var exchange = await ExchangeProcess.StartAsync(environment: PostgresTests.Settings(postgres.ConnectionString(Database)));
            var key = await new BuyerMarkets(buyers).Three("load").ApplyAsync(exchange);
            var ping = await exchange.PostAsync("/v1/pings", key, new { vertical = "load", fields = new { state = "CA" }, tags = new { click_id = click } });
            ping["status"].ShouldBe("offered", ping.Text);
            var sold = await exchange.SellAsync(key, PostBody(ping["ping_id"]!));
            sold["status"].ShouldBe("sold", sold.Text);
            (await exchange.SendAsync(HttpMethod.Delete, $"/v1/admin/leads/{sold["lead_id"]}/pii", ExchangeProcess.AdminKey)).Status.ShouldBe(202);
            (await exchange.StopAsync()).ShouldBe(0);
        }
        NpgsqlConnection.ClearAllPools();
        await CheckpointAsync();
        // Else what follows proves nothing.
        (await HasAsync(redirect)).ShouldBeTrue();
        await postgres.ShellAsync(Documented("VACUUM FULL"));
        await CheckpointAsync();
        (await HasAsync(redirect), await HasAsync(click)).ShouldBe((false, false));

        Task CheckpointAsync() => PostgresCluster.ExecuteAsync(postgres.ConnectionString(Database), "CHECKPOINT");

        // In the files of its tables, as a base backup has them.
        async Task<bool> HasAsync(string text)
        {
            foreach (var file in Directory.EnumerateFiles(Path.Combine(postgres.Folder, "base"), "*", SearchOption.AllDirectories))
                if ((await File.ReadAllBytesAsync(file)).AsSpan().IndexOf(Encoding.UTF8.GetBytes(text)) >= 0) return true;
            return false;
        }
    }

    private string Documented(string command) => BackupSteps.Block("PostgreSQL", command)
        .Replace("/backups/", folder + "/", StringComparison.Ordinal).Replace("/var/lib/postgresql/", folder + "/", StringComparison.Ordinal);
}
