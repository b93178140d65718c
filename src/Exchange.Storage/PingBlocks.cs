using Exchange.Engine.Values;

namespace Exchange.Storage;

/// <summary>Gathers a batch's records into blocks and hands each over when it is full or the batch ends. One thread.</summary>
internal sealed class PingBlocks(PingBlocks.Writer write)
{
    public delegate void Writer(long tenth, ReadOnlySpan<byte> block);

    private readonly Dictionary<long, RecordWriter> open = [];
    private readonly Stack<RecordWriter> free = new();

    public void Write(IReadOnlyDictionary<LeadId, byte[]> batch)
    {
        foreach (var (id, record) in batch) Add(id, record);
        foreach (var (tenth, block) in open) if (block.Length > 0) write(tenth, block.Written);
        Forget();
    }

    /// <summary>The batch is written, or was undone.</summary>
    public void Forget()
    {
        foreach (var block in open.Values)
        {
            block.Clear();
            free.Push(block);
        }
        open.Clear();
    }

    private void Add(LeadId id, byte[] record)
    {
        var tenth = PingBlock.TenthOf(id.UnixMilliseconds);
        if (!open.TryGetValue(tenth, out var block)) open.Add(tenth, block = free.TryPop(out var used) ? used : new());
        block.Id(id);
        block.Bytes(record);
        if (block.Length < PingBlock.FullBytes) return;
        write(tenth, block.Written);
        block.Clear();
    }
}
