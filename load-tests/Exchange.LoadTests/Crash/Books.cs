using System.Data.Common;
using System.Globalization;

namespace Exchange.LoadTests.Crash;

internal sealed record BookedCopy(string Lead, int No, string Campaign, string Buyer, int State, long Payout)
{
    public const int Held = 1, InDoubt = 2, Captured = 3, Reversed = 6;
    public string Id => string.Create(CultureInfo.InvariantCulture, $"{Lead}-{No}");
    public bool IsSold => State is Captured or Reversed;
}

internal sealed record BookedDelivery(string Copy, int Status, bool Pulled, int Attempts, string? Error, long DueMs)
{
    public const int Waiting = 1, Delivered = 2, Cancelled = 5;
}

/// <summary>The stored truth, read past the exchange from either database.</summary>
/// <param name="OverLimit">Keys of counters that stand above their limit.</param>
/// <param name="WithContact">Leads of which a sealed payload, a redirect or somebody's text is stored.</param>
internal sealed record Books(
    IReadOnlyList<BookedCopy> Copies, IReadOnlyDictionary<string, int> LeadStates, IReadOnlyDictionary<string, string> LeadOfKey, IReadOnlyList<BookedDelivery> Deliveries,
    IReadOnlyList<string> OverLimit, IReadOnlySet<string> WithContact)
{
    public const int OpenLead = 1, SoldLead = 2, InDoubtLead = 3, PendingLead = 4, UnsoldLead = 5;
    private const string Alphabet = "0123456789abcdefghjkmnpqrstvwxyz";

    public static async Task<Books> ReadAsync(DbConnection database, CancellationToken cancel)
    {
        await database.OpenAsync(cancel);
        var copies = await AllAsync(database, "SELECT lead_id, no, campaign, buyer, state, payout FROM copy", row =>
            new BookedCopy(Lead(row[0]), Number(row[1]), row.GetString(2), row.GetString(3), Number(row[4]), Convert.ToInt64(row[5], CultureInfo.InvariantCulture)), cancel);
        var leads = await AllAsync(database, "SELECT lead_id, state FROM lead", row => KeyValuePair.Create(Lead(row[0]), Number(row[1])), cancel);
        var requests = await AllAsync(database, $"SELECT key, lead_id FROM request WHERE publisher = '{CrashMarket.Publisher}'", row => KeyValuePair.Create(row.GetString(0), Lead(row[1])), cancel);
        var deliveries = await AllAsync(database, "SELECT lead_id, no, status, pulled, attempts, error, due_at FROM delivery", row =>
            new BookedDelivery(string.Create(CultureInfo.InvariantCulture, $"{Lead(row[0])}-{Number(row[1])}"), Number(row[2]), Convert.ToBoolean(row[3], CultureInfo.InvariantCulture),
                Number(row[4]), row.IsDBNull(5) ? null : row.GetString(5), Convert.ToInt64(row[6], CultureInfo.InvariantCulture)), cancel);
        var over = await AllAsync(database, "SELECT key FROM counter WHERE lim >= 0 AND used + held > lim", row => row.GetString(0), cancel);
        var contact = await AllAsync(database, """
            SELECT lead_id FROM lead WHERE length(sealed) > 0 UNION SELECT lead_id FROM copy WHERE redirect_url IS NOT NULL
            UNION SELECT lead_id FROM copy_return WHERE length(sealed) > 0 UNION SELECT lead_id FROM copy_disposition WHERE sealed IS NOT NULL
            """, row => Lead(row[0]), cancel);
        return new Books(copies, new Dictionary<string, int>(leads), new Dictionary<string, string>(requests), deliveries, over, contact.ToHashSet());
    }

    private static async Task<List<T>> AllAsync<T>(DbConnection database, string sql, Func<DbDataReader, T> read, CancellationToken cancel)
    {
        await using var command = database.CreateCommand();
#pragma warning disable CA2100 // Constants of this file.
        command.CommandText = sql;
#pragma warning restore CA2100
        await using var reader = await command.ExecuteReaderAsync(cancel);
        var rows = new List<T>();
        while (await reader.ReadAsync(cancel)) rows.Add(read(reader));
        return rows;
    }

    private static int Number(object value) => Convert.ToInt32(value, CultureInfo.InvariantCulture);

    /// <summary>16 bytes as the wire writes them.</summary>
    private static string Lead(object value)
    {
        var bytes = value is Guid guid ? guid.ToByteArray(bigEndian: true) : (byte[])value;
        var number = new UInt128(System.Buffers.Binary.BinaryPrimitives.ReadUInt64BigEndian(bytes), System.Buffers.Binary.BinaryPrimitives.ReadUInt64BigEndian(bytes.AsSpan(8)));
        return string.Create(26, number, static (text, rest) =>
        {
            for (var i = text.Length - 1; i >= 0; i--, rest >>= 5) text[i] = Alphabet[(int)(rest & 31)];
        });
    }
}
