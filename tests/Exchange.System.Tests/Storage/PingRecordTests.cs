using Exchange.Engine;
using Exchange.Storage;
using Shouldly;

namespace Exchange.System.Tests.Storage;

/// <summary>What a ping costs on disk.</summary>
public sealed class PingRecordTests
{
    private static readonly Vault Vault = new(new byte[32]);

    [Fact]
    public void Record_TwentyBidsOfAWalk_TakesAtMostFiveHundredBytes()
    {
        for (var n = 0; n < 100; n++)
        {
            var record = PingMarket.Record(n);
            (record.Outcome, record.Bids.Length, record.Notes.Length, record.Offers.Length, record.Values.Length, record.Tags.Length).ShouldBe((Reason.None, PingMarket.Bids, 3, 3, 6, 1));

            var bytes = PingCodec.Encode(record, PingMarket.Fields, Vault);

            bytes.Length.ShouldBeLessThanOrEqualTo(500);
            PingCodec.Decode(record.Id, bytes, Vault, PingMarket.Model).ShouldBeEquivalentTo(record);
        }
    }

    /// <summary>Whom a direct post named stands with it, since the walk is explained by it: behind all else, which a server of the version before reads as ever.</summary>
    [Fact]
    public void Record_OfADirectPost_KeepsWhomItNamed()
    {
        var record = Sample.Ping(Sample.Lead(1));
        var named = record with { NamedSellers = ["Acme Auto", "B Insurance"] };
        PingCodec.Decode(named.Id, PingCodec.Encode(named, Sample.Fields, Vault), Vault, Sample.Model).ShouldBeEquivalentTo(named);
        var before = PingCodec.Encode(record with { Values = [record.Values[0], default, record.Values[2]] }, Sample.Fields, Vault);
        PingCodec.Encode(named with { Values = [record.Values[0], default, record.Values[2]] }, Sample.Fields, Vault).AsSpan(0, before.Length).SequenceEqual(before).ShouldBeTrue();
    }

    [Fact]
    public void Encode_IntoAWriterThatIsKept_AllocatesNothing()
    {
        var records = Enumerable.Range(0, 50).Select(PingMarket.Record).ToArray();
        var to = new RecordWriter();
        var written = 0L;
        // Once to warm up.
        for (var round = 0; round < 2; round++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            foreach (var record in records)
            {
                to.Clear();
                PingCodec.Encode(record, PingMarket.Fields, Vault, to);
                written += to.Length;
            }
            if (round > 0) (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBe(0);
        }
        written.ShouldBeGreaterThan(0);
    }
}
