using Exchange.Engine.Catalog;
using Exchange.Engine.Fields;
using Exchange.Engine.PingTrees;
using Exchange.Engine.Values;

namespace Exchange.Storage;

/// <summary>The compiled catalog of a version, as a catalog host keeps them.</summary>
public delegate ValueTask<CatalogModel> CatalogModels(long version, CancellationToken cancel);

/// <summary>Ping records: their own file or partition, written in batches, synchronous NORMAL: a crash may lose the last 100 ms.</summary>
public interface IPingRecords
{
    /// <summary>
    /// Queues the record; false if the queue is full (the offer must then not be made). <paramref name="fields"/> is the record's vertical at its
    /// catalog version: values of sensitive (or contact) fields are sealed.
    /// </summary>
    /// <param name="bytes">The record as it is written, for who keeps it in memory: see <see cref="PingCodec"/>.</param>
    bool TryAppend(PingRecord record, FieldSet fields, out byte[] bytes);

    /// <summary>Reads what was appended, also what is still queued. Null: unknown.</summary>
    /// <param name="models">Gives the model of a catalog version: a record names campaigns and limits as they stood in it.</param>
    Task<PingRecord?> FindAsync(LeadId id, CatalogModels models, CancellationToken cancel);

    /// <summary>
    /// The records of ids from <paramref name="from"/> (included) to <paramref name="to"/> (not included), oldest first, also those still queued; at most
    /// <paramref name="limit"/>. Ids are in the order of time.
    /// </summary>
    Task<IReadOnlyList<PingRecord>> ReadAsync(LeadId from, LeadId to, int limit, CatalogModels models, CancellationToken cancel);

    /// <summary>Completes when all that was appended before is on disk.</summary>
    Task FlushAsync(CancellationToken cancel);
}
