using System.Diagnostics.CodeAnalysis;
using Exchange.Engine.Values;
using Microsoft.Extensions.Logging;

namespace Exchange.Storage;

/// <summary>Gathers a batch's records into blocks and hands each over when it is full or the batch ends. One thread.</summary>
internal sealed class PingBlocks(IVault vault, ILogger logger, PingBlocks.Writer write)
{
    public delegate void Writer(long tenth, ReadOnlySpan<byte> block);

    private readonly Dictionary<long, RecordWriter> open = [];
    private readonly Stack<RecordWriter> free = new();
    private readonly RecordWriter record = new();

    public void Write(IReadOnlyDictionary<LeadId, WaitingPing> batch)
    {
        foreach (var (id, waiting) in batch) if (Encode(waiting)) Add(id);
        foreach (var (tenth, block) in open)
        {
            if (block.Length > 0) write(tenth, block.Written);
            block.Clear();
            free.Push(block);
        }
        open.Clear();
    }

    /// <summary>The batch was undone.</summary>
    public void Forget()
    {
        foreach (var block in open.Values)
        {
            block.Clear();
            free.Push(block);
        }
        open.Clear();
    }

    private void Add(LeadId id)
    {
        var tenth = PingBlock.TenthOf(id.UnixMilliseconds);
        if (!open.TryGetValue(tenth, out var block)) open.Add(tenth, block = free.TryPop(out var used) ? used : new());
        block.Id(id);
        block.Bytes(record.Written);
        if (block.Length < PingBlock.FullBytes) return;
        write(tenth, block.Written);
        block.Clear();
    }

    [SuppressMessage("Design", "CA1031", Justification = "One record that cannot be written is a bug; it must not hold back all the others.")]
    private bool Encode(WaitingPing waiting)
    {
        try
        {
            record.Clear();
            PingCodec.Encode(waiting.Record, waiting.Fields, vault, record);
            return true;
        }
        catch (Exception exception)
        {
            logger.LogError(exception, "A ping record could not be encoded and is lost");
            return false;
        }
    }
}
