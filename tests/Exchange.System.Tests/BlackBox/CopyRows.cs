using Exchange.Engine.Values;
using Microsoft.Data.Sqlite;

namespace Exchange.System.Tests.BlackBox;

/// <summary>The copies in the exchange's own file, while no process has it.</summary>
internal static class CopyRows
{
    /// <summary>All copies of this lead were made so much earlier.</summary>
    public static void MakeOlder(string folder, string lead, TimeSpan by)
    {
        using var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = Path.Combine(folder, "facts.db"), Pooling = false }.ToString());
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "UPDATE copy SET at_ms = at_ms - $by WHERE lead_id = $lead";
        command.Parameters.AddWithValue("$by", (long)by.TotalMilliseconds);
        command.Parameters.AddWithValue("$lead", LeadId.TryParse(lead, out var id) ? id.ToBytes() : throw new ArgumentException("no id of a lead", nameof(lead)));
        if (command.ExecuteNonQuery() == 0) throw new InvalidOperationException("there are no copies");
    }
}
