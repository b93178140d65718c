using Microsoft.Data.Sqlite;

namespace Exchange.System.Tests.BlackBox;

/// <summary>The audit trail in the exchange's own file, read beside the running process.</summary>
internal static class AuditLines
{
    /// <summary>Of one action, in the order in which it was done: what it was done to, and what is said of it.</summary>
    public static List<string> Of(string folder, string action)
    {
        using var connection = new SqliteConnection(
            new SqliteConnectionStringBuilder { DataSource = Path.Combine(folder, "facts.db"), Mode = SqliteOpenMode.ReadOnly, Pooling = false }.ToString());
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT target || coalesce(' ' || detail, '') FROM audit WHERE action = $action ORDER BY seq";
        command.Parameters.AddWithValue("$action", action);
        using var reader = command.ExecuteReader();
        var lines = new List<string>();
        while (reader.Read()) lines.Add(reader.GetString(0));
        return lines;
    }
}
