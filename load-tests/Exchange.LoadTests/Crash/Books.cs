using System.Data.Common;
using System.Globalization;

namespace Exchange.LoadTests.Crash;

internal sealed record BookedCopy(string Lead, int No, string Campaign, string Buyer, int State, long Payout, long Price)
{
    public const int Held = 1, InDoubt = 2, Captured = 3, Reversed = 6;
    public string Id => string.Create(CultureInfo.InvariantCulture, $"{Lead}-{No}");
    public bool IsSold => State is Captured or Reversed;
    /// <summary>Its buyer's money is in it.</summary>
    public bool IsPaid => State is Held or InDoubt or Captured;
}

/// <param name="OfferMs">Above 0: its copies were held at the ping and nobody posted it; when its offer ends.</param>
internal sealed record BookedLead(int State, long OfferMs);

internal sealed record BookedDelivery(string Copy, int Status, bool Pulled, int Attempts, string? Error, long DueMs)
{
    public const int Waiting = 1, Delivered = 2, Cancelled = 5;
}

/// <summary>The stored truth, read past the exchange from either database.</summary>
/// <param name="Returns">Copies of which a return is accepted, whether or not its money is back.</param>
/// <param name="Funds">Micros that <see cref="CrashMarket.Tight"/> has paid in.</param>
/// <param name="OverLimit">Keys of counters that stand above their limit.</param>
/// <param name="WithContact">Leads of which a sealed payload, a redirect or somebody's text is stored.</param>
/// <param name="ReadMs">When the reading began.</param>
internal sealed record Books(
    IReadOnlyList<BookedCopy> Copies, IReadOnlyDictionary<string, BookedLead> Leads, IReadOnlyDictionary<string, string> LeadOfKey, IReadOnlyList<BookedDelivery> Deliveries,
    IReadOnlyList<string> Returns, long Funds, IReadOnlyList<string> OverLimit, IReadOnlySet<string> WithContact, long ReadMs)
{
    /// <summary>Of leads. Open: held at its ping and not posted, or posted and pending.</summary>
    public const int OpenLead = 1, SoldLead = 2, InDoubtLead = 3, PendingLead = 4, UnsoldLead = 5;
    private const string Alphabet = "0123456789abcdefghjkmnpqrstvwxyz";

    public static async Task<Books> ReadAsync(DbConnection database, CancellationToken cancel)
    {
        var readMs = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();
        await database.OpenAsync(cancel);
        var copies = await AllAsync(database, "SELECT lead_id, no, campaign, buyer, state, payout, price FROM copy", row =>
            new BookedCopy(Lead(row[0]), Number(row[1]), row.GetString(2), row.GetString(3), Number(row[4]), Long(row[5]), Long(row[6])), cancel);
        var leads = await AllAsync(database, "SELECT lead_id, state, offer_ms FROM lead", row => KeyValuePair.Create(Lead(row[0]), new BookedLead(Number(row[1]), Long(row[2]))), cancel);
        var requests = await AllAsync(database, $"SELECT key, lead_id FROM request WHERE publisher = '{CrashMarket.Publisher}'", row => KeyValuePair.Create(row.GetString(0), Lead(row[1])), cancel);
        var deliveries = await AllAsync(database, "SELECT lead_id, no, status, pulled, attempts, error, due_at FROM delivery", row =>
            new BookedDelivery(Copy(row), Number(row[2]), Convert.ToBoolean(row[3], CultureInfo.InvariantCulture), Number(row[4]), row.IsDBNull(5) ? null : row.GetString(5), Long(row[6])), cancel);
        var returns = await AllAsync(database, "SELECT lead_id, no FROM copy_return WHERE status = 2", Copy, cancel);
        var funds = await AllAsync(database, $"SELECT {FundsOfTight}", row => Long(row[0]), cancel);
        var over = await AllAsync(database, "SELECT key FROM counter WHERE lim >= 0 AND used + held > lim", row => row.GetString(0), cancel);
        var contact = await AllAsync(database, """
            SELECT lead_id FROM lead WHERE length(sealed) > 0 UNION SELECT lead_id FROM copy WHERE redirect_url IS NOT NULL
            UNION SELECT lead_id FROM copy_return WHERE length(sealed) > 0 UNION SELECT lead_id FROM copy_disposition WHERE sealed IS NOT NULL
            """, row => Lead(row[0]), cancel);
        return new Books(copies, new Dictionary<string, BookedLead>(leads), new Dictionary<string, string>(requests), deliveries, returns, funds[0], over, contact.ToHashSet(), readMs);
    }

    /// <summary>Posted leads that are not settled; and what no list of the API tells: holds of offers that nobody posted, accepted returns whose money is not back.</summary>
    /// <param name="database">Open.</param>
    public static async Task<int> OpenEndsAsync(DbConnection database, CancellationToken cancel) => (await AllAsync(database, """
        SELECT (SELECT count(*) FROM lead WHERE state IN (1, 3, 4) AND offer_ms = 0)
            + (SELECT count(*) FROM lead l JOIN copy c ON c.lead_id = l.lead_id WHERE l.state = 1 AND l.offer_ms > 0 AND c.state = 1)
            + (SELECT count(*) FROM copy_return r JOIN copy c ON c.lead_id = r.lead_id AND c.no = r.no WHERE r.status = 2 AND c.state <> 6)
        """, row => Number(row[0]), cancel))[0];

    /// <summary>The limits of one moment, which one statement sees: copies that count at the cap that is raised, micros that <see cref="CrashMarket.Tight"/> has spent and paid in.</summary>
    /// <param name="database">Open.</param>
    public static async Task<(int AtCap, long Spent, long Funds)> LimitsAsync(DbConnection database, CancellationToken cancel) => (await AllAsync(database, $"""
        SELECT (SELECT count(*) FROM copy WHERE campaign = '{CrashMarket.Capped}' AND state IN (1, 2, 3, 6)),
            (SELECT coalesce(sum(price), 0) FROM copy WHERE buyer = '{CrashMarket.Tight}' AND state IN (1, 2, 3)), {FundsOfTight}
        """, row => (Number(row[0]), Long(row[1]), Long(row[2])), cancel))[0];

    /// <summary>Copies that are stored as delivered by a call since then.</summary>
    /// <param name="database">Open.</param>
    public static Task<List<string>> DeliveredAsync(DbConnection database, long sinceMs, CancellationToken cancel) =>
        AllAsync(database, string.Create(CultureInfo.InvariantCulture, $"SELECT lead_id, no FROM delivery WHERE status = 2 AND endpoint = '{CrashMarket.Endpoint}' AND changed_ms >= {sinceMs}"), Copy, cancel);

    private const string FundsOfTight = $"(SELECT coalesce(sum(amount), 0) FROM transfer WHERE kind = 'fund' AND credit = 'buyer:{CrashMarket.Tight}')";

    private static async Task<List<T>> AllAsync<T>(DbConnection database, string sql, Func<DbDataReader, T> read, CancellationToken cancel)
    {
        await using var command = database.CreateCommand();
#pragma warning disable CA2100 // Constants of this program, and times.
        command.CommandText = sql;
#pragma warning restore CA2100
        await using var reader = await command.ExecuteReaderAsync(cancel);
        var rows = new List<T>();
        while (await reader.ReadAsync(cancel)) rows.Add(read(reader));
        return rows;
    }

    private static int Number(object value) => Convert.ToInt32(value, CultureInfo.InvariantCulture);

    private static long Long(object value) => Convert.ToInt64(value, CultureInfo.InvariantCulture);

    /// <summary>A copy's id, from a row that begins with its lead and number.</summary>
    private static string Copy(DbDataReader row) => string.Create(CultureInfo.InvariantCulture, $"{Lead(row[0])}-{Number(row[1])}");

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
