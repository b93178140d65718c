using Exchange.Engine.Values;
using Exchange.Storage;
using Shouldly;
using static Exchange.System.Tests.Storage.Sample;

namespace Exchange.System.Tests.Storage;

public sealed class PingBlocksTests
{
    /// <summary>A record in another tenth's block is found by nobody: it is looked for by its moment.</summary>
    [Fact]
    public void BatchThatBrokeOff_LeavesEveryTenthABlockOfItsOwn()
    {
        var writes = 0;
        List<(long Tenth, LeadId[] Ids)> written = [];
        var blocks = new PingBlocks((tenth, block) =>
        {
            if (++writes == 2) throw new IOException("no space");
            var found = new SortedDictionary<LeadId, byte[]>();
            PingBlock.Collect(block, default, new(ulong.MaxValue, ulong.MaxValue), found);
            written.Add((tenth, [.. found.Keys]));
        });
        Should.Throw<IOException>(() => blocks.Write(Batch(tenths: 2)));
        blocks.Forget();
        written.Clear();

        // One more than before: it has all the blocks that were given back, each once.
        var batch = Batch(tenths: 3);
        blocks.Write(batch);

        written.Select(block => (block.Tenth, Id: block.Ids.ShouldHaveSingleItem())).ShouldBe(batch.Keys.Select(id => (Tenth: PingBlock.TenthOf(id.UnixMilliseconds), Id: id)), ignoreOrder: true);

        static Dictionary<LeadId, byte[]> Batch(int tenths) =>
            Enumerable.Range(0, tenths).ToDictionary(n => LeadId.Create(Now + n * PingBlock.MillisecondsPerTenth, 1, false, 7), n => new[] { (byte)n });
    }
}
