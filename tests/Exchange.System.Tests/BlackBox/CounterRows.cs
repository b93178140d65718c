using System.Diagnostics;
using Microsoft.Data.Sqlite;

namespace Exchange.System.Tests.BlackBox;

/// <summary>The counters in the exchange's own file, read beside the running process.</summary>
internal static class CounterRows
{
    /// <summary>Waits until what was counted beside the sales has come to a limit's row.</summary>
    public static async Task UntilUsedAsync(string folder, string limitId, long used)
    {
        using var connection = new SqliteConnection(
            new SqliteConnectionStringBuilder { DataSource = Path.Combine(folder, "facts.db"), Mode = SqliteOpenMode.ReadOnly, Pooling = false }.ToString());
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT coalesce(sum(used), 0) FROM counter WHERE limit_id = $id";
        command.Parameters.AddWithValue("$id", limitId);
        var clock = Stopwatch.StartNew();
        while ((long)(await command.ExecuteScalarAsync())! != used)
        {
            if (clock.Elapsed > TimeSpan.FromSeconds(20)) throw new TimeoutException("the counts were not written");
            await Task.Delay(20);
        }
    }
}
