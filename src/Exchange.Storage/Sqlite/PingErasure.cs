using Exchange.Engine.Values;

namespace Exchange.Storage.Sqlite;

/// <summary>Takes one ping's record out of its block, over a connection of its own beside the one that appends.</summary>
internal static class PingErasure
{
    public static void Remove(string file, LeadId id)
    {
        using var database = Database.OpenWriter(file, "NORMAL", 1024);
        database.Execute("BEGIN IMMEDIATE");
        database.Prepare("DELETE FROM ping WHERE id = ?").Bind(id).Run();
        // The blocks of the id's tenth of a second and no others can hold it.
        var first = PingBlocks.RowOf(id.UnixMilliseconds);
        var end = PingBlocks.RowOf(id.UnixMilliseconds + PingBlocks.MillisecondsPerSlot);
        foreach (var (slot, body) in database.Prepare("SELECT slot, body FROM ping_block WHERE slot >= ? AND slot < ?").Bind(first).Bind(end)
            .All(static row => (row.Long(0), row.Blob(1))))
        {
            if (Without(body, id) is not { } rest) continue;
            if (rest.Length == 0) database.Prepare("DELETE FROM ping_block WHERE slot = ?").Bind(slot).Run();
            else database.Prepare("UPDATE ping_block SET body = ? WHERE slot = ?").Bind(rest).Bind(slot).Run();
        }
        database.Execute("COMMIT");
    }

    /// <summary>The block without the records of this id; null if it has none.</summary>
    private static byte[]? Without(byte[] block, LeadId id)
    {
        var from = new RecordReader(block);
        var rest = new RecordWriter();
        var found = false;
        while (!from.IsAtEnd)
        {
            var of = from.Id();
            var record = from.Bytes();
            if (of == id) found = true;
            else
            {
                rest.Id(of);
                rest.Bytes(record);
            }
        }
        return found ? rest.Written.ToArray() : null;
    }
}
