using Exchange.Engine;
using Shouldly;

namespace Exchange.System.Tests.BlackBox;

/// <summary>The named places at which a process kills itself: never in Production, never by a misspelt name, and a backup that died is no backup.</summary>
[Collection(OffersAndRaces.Name)]
public sealed class FaultPointTests(RunningExchange running) : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("exchange-fault-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Theory]
    [InlineData("Production", "journal.after_commit", "in Production it is refused")]
    [InlineData("Development", "journal.after_lunch", "names no fault point")]
    [InlineData("Development", "journal.after_commit:0", "n from 1 on")]
    [InlineData("Development", "journal.after_commit:soon", "n from 1 on")]
    public async Task Start_WithAPlanThatIsRefused_EndsWithASentence(string environment, string plan, string told)
    {
        var (code, _, error) = await ExchangeProcess.CliAsync(new Dictionary<string, string>
        {
            ["ASPNETCORE_ENVIRONMENT"] = environment, ["EXCHANGE_FAULT_POINT"] = plan, ["Exchange__Data"] = folder, ["Exchange__Listen"] = "localhost",
        });
        code.ShouldBe(1);
        error.ShouldContain(told);
        Directory.EnumerateFileSystemEntries(folder).ShouldBeEmpty("nothing is opened before the plan is read");
    }

    /// <summary>A point that is defined and never passed would be a promise of a test that does not exist.</summary>
    [Fact]
    public void EveryPoint_IsPassedSomewhereInTheProduct()
    {
        var sources = string.Join('\n', Repository.Files("src", "*.cs").Select(File.ReadAllText));
        var fields = typeof(FaultPoints).GetFields().Where(field => field.FieldType == typeof(FaultPoint)).ToList();
        fields.Select(field => (FaultPoint)field.GetValue(null)!).ShouldBe([.. FaultPoints.All, .. FaultPoints.OfCommands], ignoreOrder: true);
        foreach (var field in fields) sources.ShouldContain($"FaultPoints.{field.Name}.Pass()");
    }

    [Fact]
    public async Task Backup_KilledBetweenItsFiles_LeavesNoBackup_AndTheNextOneIsWhole()
    {
        await using var buyers = await BuyerApp.StartAsync();
        var exchange = running.Process;
        buyers["kept"].AnswersStatus(204);
        var key = await new BuyerMarkets(buyers).Webhook("kept").ApplyAsync(running);
        var body = MarketCalls.PostBody(await exchange.PingAsync(key, "kept"));
        (await exchange.SellAsync(key, body, "one")).Status.ShouldBe(200);
        var target = Path.Combine(folder, "backup");
        var data = new Dictionary<string, string> { ["Exchange__Data"] = exchange.Folder, ["EXCHANGE_FAULT_POINT"] = FaultPoints.InBackup.Name };

        var died = await ExchangeProcess.CliAsync(data, "backup", target);
        died.Code.ShouldBe(128 + 9);
        Directory.Exists(target).ShouldBeFalse();
        data.Remove("EXCHANGE_FAULT_POINT");
        var (code, output, error) = await ExchangeProcess.CliAsync(data, "backup", target);
        code.ShouldBe(0, output + error);
        (await ExchangeProcess.CliAsync(null, "audit", "--data", target)).Code.ShouldBe(0);
        (await exchange.SellAsync(key, body, "one")).Headers["Idempotency-Replayed"].ShouldBe("true");
    }
}
