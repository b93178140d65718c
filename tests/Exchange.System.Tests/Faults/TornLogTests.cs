using System.Buffers.Binary;
using Exchange.Storage.Sqlite;
using Exchange.System.Tests.BlackBox;
using Shouldly;

namespace Exchange.System.Tests.Faults;

/// <summary>I3: what a dead machine may leave at the end of the log is dropped; what a bad disk loses of it is told, and the rest is one story.</summary>
public sealed class TornLogTests
{
    private const int Header = 32, FrameHeader = 24, Frame = FrameHeader + 4096;

    [Fact]
    public async Task KilledUnderLoad_ATornTransactionBehindTheLast_IsDropped_AndAllThatWasAnsweredIsThere()
    {
        await using var buyers = await BuyerApp.StartAsync();
        await using var exchange = await ExchangeProcess.StartAsync();
        await using var load = await FaultLoad.StartAsync(exchange, buyers);
        foreach (var bytes in (int[])[10, Frame / 2, 3 * Frame + 1000])
        {
            await load.SellAsync(40, "before the kill");
            exchange.Kill();
            Tear(Log(exchange), bytes);
            await exchange.RestartAsync();
        }
        await load.SellAsync(40, "after the last");
        await load.StopAsync();
        await load.CheckAsync(buyers);
        (await exchange.StopAsync()).ShouldBe(0, exchange.Output);
        exchange.Output.ShouldNotContain("is damaged");
        DiskFullTests.Integrity(Path.Combine(exchange.Folder, SqliteStore.FactsFile)).ShouldBe("ok");
    }

    [Fact]
    public async Task KilledUnderLoad_AByteOfWhatWasCommittedIsAnother_IsTold_AndWhatIsLeftIsOneStory()
    {
        await using var buyers = await BuyerApp.StartAsync();
        await using var exchange = await ExchangeProcess.StartAsync();
        await using (var load = await FaultLoad.StartAsync(exchange, buyers))
        {
            await load.SellAsync(100, "before the kill");
            exchange.Kill();
            await load.DisposeAsync();
        }
        var end = End(Log(exchange));
        Flip(Log(exchange), Header + (end - Header) / Frame * 3 / 4 * Frame + 2_000);

        // It serves; what the books have lost is gone whole, which the audit at the end looks at.
        await exchange.RestartAsync();

        await MarketCalls.Until(() => exchange.Output.Contains("The log of facts.db is damaged at byte", StringComparison.Ordinal), "it is said", exchange);
        (await exchange.AdminAsync("leads?status=sold&limit=1"))["leads"]!.AsArray().Count.ShouldBe(1);
        (await exchange.StopAsync()).ShouldBe(0, exchange.Output);
        DiskFullTests.Integrity(Path.Combine(exchange.Folder, SqliteStore.FactsFile)).ShouldBe("ok");
        File.Exists(Log(exchange)).ShouldBeFalse("a store that is closed leaves no log");
    }

    private static string Log(ExchangeProcess exchange) => Path.Combine(exchange.Folder, SqliteStore.FactsFile + "-wal");

    /// <summary>Behind the last frame of this log's generation: what comes after it is of an older one, or nothing.</summary>
    private static long End(string log)
    {
        var bytes = File.ReadAllBytes(log);
        var end = Header;
        while (end + Frame <= bytes.Length && bytes.AsSpan(end + 8, 8).SequenceEqual(bytes.AsSpan(16, 8))) end += Frame;
        return end;
    }

    /// <summary>The beginning of a transaction of which not all reached the disk: frames of this log's generation, whose sums are wrong, without an end.</summary>
    private static void Tear(string log, int bytes)
    {
        var end = End(log);
        var torn = new byte[bytes];
        new Random(bytes).NextBytes(torn);
        using var file = new FileStream(log, FileMode.Open, FileAccess.ReadWrite);
        var header = new byte[Header];
        file.ReadExactly(header);
        for (var at = 0; at + FrameHeader <= bytes; at += Frame)
        {
            BinaryPrimitives.WriteInt32BigEndian(torn.AsSpan(at), 2);
            BinaryPrimitives.WriteInt32BigEndian(torn.AsSpan(at + 4), 0);
            header.AsSpan(16, 8).CopyTo(torn.AsSpan(at + 8));
        }
        file.Position = end;
        file.Write(torn);
    }

    private static void Flip(string log, long at)
    {
        using var file = new FileStream(log, FileMode.Open, FileAccess.ReadWrite);
        file.Position = at;
        var was = file.ReadByte();
        file.Position = at;
        file.WriteByte((byte)(was ^ 0xFF));
    }
}
