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
        var first = PingBlockRows.RowOf(id.UnixMilliseconds);
        var end = PingBlockRows.RowOf(id.UnixMilliseconds + PingBlock.MillisecondsPerTenth);
        foreach (var (slot, body) in database.Prepare("SELECT slot, body FROM ping_block WHERE slot >= ? AND slot < ?").Bind(first).Bind(end)
            .All(static row => (row.Long(0), row.Blob(1))))
        {
            if (PingBlock.Without(body, id) is not { } rest) continue;
            if (rest.Length == 0) database.Prepare("DELETE FROM ping_block WHERE slot = ?").Bind(slot).Run();
            else database.Prepare("UPDATE ping_block SET body = ? WHERE slot = ?").Bind(rest).Bind(slot).Run();
        }
        database.Execute("COMMIT");
    }
}
