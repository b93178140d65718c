using System.Diagnostics;
using System.Text.Json.Nodes;
using Exchange.Storage;
using Shouldly;
using static Exchange.System.Tests.BlackBox.MarketCalls;

namespace Exchange.System.Tests.BlackBox;

/// <summary>A backup taken while posts run, restored into a folder of its own and served: what was answered before it is there and is answered the same.</summary>
public sealed class BackupTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("exchange-backup-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task Backup_UnderLoad_IsServedAgain_AuditedAndAnswersReplay()
    {
        await using var buyers = await BuyerApp.StartAsync();
        buyers["load-one"].Decides(request => request.Id.GetHashCode(StringComparison.Ordinal) % 3 == 0 ? """{"answer":"rejected"}""" : """{"answer":"accepted"}""");
        buyers["load-two"].Decides(_ => """{"answer":"accepted"}""");
        await using var exchange = await ExchangeProcess.StartAsync();
        var key = await new BuyerMarkets(buyers).Three("load").Three("pulled").ApplyAsync(exchange);
        buyers["pulled-one"].Rejects();
        buyers["pulled-two"].Rejects();
        var publishers = new SteadyPublishers(exchange, key, "pulled", "load", "load", "load");
        await publishers.AnsweredAsync(30, "posts are answered", exchange);

        var before = publishers.Answers;
        var target = Path.Combine(folder, "first");
        var (code, output, error) = await CliAsync("backup", target);
        code.ShouldBe(0, output + error);
        output.ShouldContain("key is not in it");
        Directory.GetFiles(target).Select(Path.GetFileName).ShouldBe(["facts.db", "memory.db", "pings.db"], ignoreOrder: true);
        // Never over what is there, and nothing half done is left beside it.
        (await CliAsync("backup", target)).Code.ShouldBe(1);
        Directory.GetFileSystemEntries(folder).ShouldBe([target]);
        await publishers.AnsweredAsync(30, "posts go on", exchange);
        await publishers.StopAsync();
        (await exchange.StopAsync()).ShouldBe(0);

        // Without its key it starts nowhere; the key comes from where it is kept.
        (await ExchangeProcess.CliAsync(new Dictionary<string, string> { ["Exchange__Data"] = target }, "migrate")).Error.ShouldContain("exchange.key");
        var keys = Directory.CreateDirectory(Path.Combine(folder, "keys")).FullName;
        File.Copy(Path.Combine(exchange.Folder, MasterKey.FileName), Path.Combine(keys, MasterKey.FileName));
        var data = Path.Combine(folder, "data");
        await RestoreAsync(data);
        // Into an empty one that is there, as a volume is.
        await RestoreAsync(Directory.CreateDirectory(Path.Combine(folder, "volume")).FullName);
        (await ExchangeProcess.CliAsync(null, "audit", "--data", Path.Combine(folder, "volume"))).Code.ShouldBe(0);
        (await ExchangeProcess.CliAsync(null, "audit", "--data", data)).Code.ShouldBe(0);
        await using var restored = await ExchangeProcess.StartAsync(data);
        await SteadyPublishers.AskAgainAsync(restored, key, before);
        // It goes on selling.
        (await restored.SellAsync(key, PostBody(await restored.PingAsync(key, "load")))).Status.ShouldBe(200);
        (await restored.CliAsync("audit")).Code.ShouldBe(0);

        Task<(int Code, string Output, string Error)> CliAsync(params string[] arguments) =>
            ExchangeProcess.CliAsync(new Dictionary<string, string> { ["Exchange__Data"] = exchange.Folder }, arguments);

        // The first of the documented lines; the next one starts the server.
        async Task RestoreAsync(string into)
        {
            var line = BackupSteps.Block("Embedded database", "/var/lib/exchange").Split('\n')[0]
                .Replace("/backups/2026-11-22", target, StringComparison.Ordinal).Replace("/keys", keys, StringComparison.Ordinal).Replace("/var/lib/exchange", into, StringComparison.Ordinal);
            using var shell = Process.Start("/bin/sh", ["-e", "-c", line]);
            await shell.WaitForExitAsync();
            shell.ExitCode.ShouldBe(0, line);
        }
    }

    /// <summary>A buyer reads its inbox on from the last copy it saw, also one that only the lost exchange had.</summary>
    [Fact]
    public async Task Inbox_ReadOnFromWhatTheRestoreLost_MissesNothingThatIsSoldAfterIt()
    {
        await using var buyers = await BuyerApp.StartAsync();
        var target = Path.Combine(folder, "kept");
        string key, buyer, cursor;
        await using (var exchange = await ExchangeProcess.StartAsync())
        {
            key = await new BuyerMarkets(buyers).Three("pulled").ApplyAsync(exchange);
            buyer = await exchange.KeyAsync("buyer", "pulled-three");
            foreach (var campaign in (string[])["pulled-one", "pulled-two"]) await exchange.PatchAsync($"campaigns/{campaign}", new { status = "paused" });
            var kept = await SellAsync(exchange);
            // A folder that is named is meant, whatever the environment says.
            var elsewhere = new Dictionary<string, string> { ["Exchange__Postgres"] = "Host=127.0.0.1" };
            var backup = await ExchangeProcess.CliAsync(elsewhere, "backup", target, "--with-key", "--json", "--data", exchange.Folder);
            backup.Code.ShouldBe(0, backup.Error);
            JsonNode.Parse(backup.Output)!["files"]!.AsArray().Select(file => file.Text("name")).ShouldContain(MasterKey.FileName);
            string[] lost = [await SellAsync(exchange), await SellAsync(exchange)];
            (await InboxAsync(exchange, null)).ShouldBe([kept, .. lost]);
            cursor = (await exchange.GetAsync("/v1/buyer/copies?limit=2", buyer))["next"]!;
        }
        await using var restored = await ExchangeProcess.StartAsync(target);
        var sold = await SellAsync(restored);

        (await InboxAsync(restored, cursor)).ShouldBe([sold]);

        async Task<string> SellAsync(ExchangeProcess exchange)
        {
            var reply = await exchange.SellAsync(key, PostBody(await exchange.PingAsync(key, "pulled")));
            reply["status"].ShouldBe("sold", reply.Text);
            return reply["lead_id"]!;
        }

        async Task<string[]> InboxAsync(ExchangeProcess exchange, string? after) =>
            [.. (await exchange.GetAsync("/v1/buyer/copies" + (after is null ? "" : $"?after={after}"), buyer)).Json["copies"]!.AsArray().Select(copy => copy.Text("copy_id")![..^2])];
    }
}
