using System.Diagnostics;
using System.Globalization;
using Exchange.Engine.Values;
using Microsoft.Data.Sqlite;

namespace Exchange.System.Tests.BlackBox;

/// <summary>How many rows each table of the exchange's own files has, read beside the running process; and rows that go, as they do with time, while it stands still.</summary>
internal static class RowCounts
{
    /// <summary>One line a table, in order of names.</summary>
    public static string Of(string folder, string file)
    {
        using var connection = Open(folder, file);
        var tables = new List<string>();
        using (var names = connection.CreateCommand())
        {
            names.CommandText = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name";
            using var reader = names.ExecuteReader();
            while (reader.Read()) tables.Add(reader.GetString(0));
        }
        return string.Join('\n', tables.Select(table =>
        {
            using var count = connection.CreateCommand();
#pragma warning disable CA2100 // The names come from the schema itself.
            count.CommandText = $"SELECT count(*) FROM \"{table}\"";
#pragma warning restore CA2100
            return string.Create(CultureInfo.InvariantCulture, $"{table} {count.ExecuteScalar()}");
        }));
    }

    /// <summary>Waits until a ping's record is in its file: they are written in the background, in the order of the pings.</summary>
    public static async Task UntilPingAsync(string folder, string ping)
    {
        using var connection = Open(folder, "pings.db");
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT count(*) FROM ping_block WHERE instr(body, $id) > 0";
        command.Parameters.AddWithValue("$id", LeadId.TryParse(ping, out var id) ? id.ToBytes() : throw new ArgumentException("no id of a ping", nameof(ping)));
        var clock = Stopwatch.StartNew();
        while ((long)(await command.ExecuteScalarAsync())! == 0)
        {
            if (clock.Elapsed > TimeSpan.FromSeconds(20)) throw new TimeoutException("no ping record was written");
            await Task.Delay(20);
        }
    }

    /// <summary>How many ping records are in their file: blocks of an id, a length in seven bits a byte, and so many bytes.</summary>
    public static int Pings(string folder)
    {
        using var connection = Open(folder, "pings.db");
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT body FROM ping_block";
        using var reader = command.ExecuteReader();
        var count = 0;
        while (reader.Read())
        {
            var body = (byte[])reader[0];
            for (var at = 0; at < body.Length; count++)
            {
                at += 16;
                int length = 0, shift = 0;
                do length |= (body[at] & 0x7F) << shift; while ((shift += 7) > 0 && (body[at++] & 0x80) != 0);
                at += length;
            }
        }
        return count;
    }

    /// <summary>Takes a ping's record away, with those that lie in a block with it, while no server has the file; how many blocks went.</summary>
    public static int ForgetPing(string folder, string ping)
    {
        using var connection = Open(folder, "pings.db", SqliteOpenMode.ReadWrite);
        using var command = connection.CreateCommand();
        command.CommandText = "DELETE FROM ping_block WHERE instr(body, $id) > 0";
        command.Parameters.AddWithValue("$id", LeadId.TryParse(ping, out var id) ? id.ToBytes() : throw new ArgumentException("no id of a ping", nameof(ping)));
        return command.ExecuteNonQuery();
    }

    private static SqliteConnection Open(string folder, string file, SqliteOpenMode mode = SqliteOpenMode.ReadOnly)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = Path.Combine(folder, file), Mode = mode, Pooling = false }.ToString());
        connection.Open();
        return connection;
    }
}
