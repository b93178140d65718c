using System.Globalization;
using System.Text;
using Exchange.Engine.Values;
using Npgsql;
using NpgsqlTypes;

namespace Exchange.Storage.Postgres.Journal;

/// <summary>Statements that are sent together and answered together: one round trip.</summary>
internal sealed class Flush(NpgsqlConnection connection)
{
    /// <summary>
    /// Each lock is waited for three seconds at most. What takes longer than this has most likely lost its connection without a word; it is sent again on another, which
    /// does no harm where it was only slow.
    /// </summary>
    private const int TimeoutSeconds = 10;

    private readonly NpgsqlBatch batch = new(connection) { Timeout = TimeoutSeconds };
    private readonly List<Action<NpgsqlDataReader>> readers = [];

    /// <param name="read">Called for each row, if the statement has rows.</param>
    public Values Add(string sql, Action<NpgsqlDataReader>? read = null)
    {
#pragma warning disable CA2100 // Statements are written in this project; what comes from outside is a value.
        var command = new NpgsqlBatchCommand(sql);
#pragma warning restore CA2100
        batch.BatchCommands.Add(command);
        if (read is not null) readers.Add(read);
        return new(command);
    }

    public async Task RunAsync()
    {
        await using (batch.ConfigureAwait(false))
        {
            var reader = await batch.ExecuteReaderAsync().ConfigureAwait(false);
            await using (reader.ConfigureAwait(false))
            {
                foreach (var read in readers)
                {
                    while (await reader.ReadAsync().ConfigureAwait(false)) read(reader);
                    await reader.NextResultAsync().ConfigureAwait(false);
                }
                // To the end: the last statement's reply is the one that counts.
                while (await reader.NextResultAsync().ConfigureAwait(false)) { }
            }
        }
    }

    /// <summary>A statement's values by place: $1, $2 …</summary>
    public readonly struct Values(NpgsqlBatchCommand command)
    {
        public Values With<T>(T value)
        {
            command.Parameters.Add(new NpgsqlParameter<T> { TypedValue = value });
            return this;
        }

        public Values With(long? value)
        {
            command.Parameters.Add(new NpgsqlParameter { NpgsqlDbType = NpgsqlDbType.Bigint, Value = (object?)value ?? DBNull.Value });
            return this;
        }

        public Values WithLeads(IEnumerable<LeadId> leads) => With(leads.Select(static lead => lead.ToGuid()).ToArray());
    }

    /// <summary>An array as one text, for a column of arrays: lists of lists cannot be unfolded by the database.</summary>
    public static string Literal(IEnumerable<string> values)
    {
        var text = new StringBuilder("{");
        foreach (var value in values)
            text.Append(text.Length > 1 ? ",\"" : "\"").Append(value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)).Append('"');
        return text.Append('}').ToString();
    }

    public static string Literal(IEnumerable<long> values) => "{" + string.Join(',', values.Select(static value => value.ToString(CultureInfo.InvariantCulture))) + "}";
}
