using Microsoft.Data.Sqlite;

namespace Exchange.System.Tests.BlackBox;

/// <summary>The copies in the exchange's own file, while no process has it.</summary>
internal static class CopyRows
{
    /// <summary>All copies were made so much earlier.</summary>
    public static void MakeOlder(string folder, TimeSpan by)
    {
        using var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = Path.Combine(folder, "facts.db"), Pooling = false }.ToString());
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "UPDATE copy SET at_ms = at_ms - $by";
        command.Parameters.AddWithValue("$by", (long)by.TotalMilliseconds);
        if (command.ExecuteNonQuery() == 0) throw new InvalidOperationException("there are no copies");
    }
}
