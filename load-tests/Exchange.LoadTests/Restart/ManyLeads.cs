using System.Data.Common;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Exchange.Engine;
using Exchange.Engine.Caps;
using Exchange.Engine.Ledger;
using Exchange.Engine.Values;
using Exchange.LoadTests.Journal;
using Exchange.Storage;

namespace Exchange.LoadTests.Restart;

/// <summary>
/// A market whose books are filled without a server, through the store's own journal: the catalog is applied by the server first, so that gates and balances
/// are those it made. The leads' contact data are noise: nobody reads them.
/// </summary>
internal static class ManyLeads
{
    public const string Publisher = "many", Vertical = "many";
    private const int Campaigns = 10, Callers = 2_048;
    private static readonly Money Price = Money.Parse("0.11"), Payout = Money.Parse("0.08");
    private static readonly TimeSpan Age = TimeSpan.FromDays(60);

    public static string Catalog { get; } = $$"""
        exchange: { currency: USD, time_zone: UTC }
        verticals:
          {{Vertical}}: { duplicate: { keys: [email], window: 30d }, fields: { state: { type: us_state, ping: required }, email: { type: email, pii: true, post: required } } }
        publishers:
          {{Publisher}}: { verticals: [{{Vertical}}], payout: { share: 80% } }
        buyers:
        {{Lines(n => $$"""  b{{n}}: { credit_limit: "900000.00" }""")}}
        campaigns:
        {{Lines(n => $$"""  c{{n}}: { buyer: b{{n}}, vertical: {{Vertical}}, bid: { fixed: "0.11" } }""")}}
        ping_trees:
          {{Vertical}}: { vertical: {{Vertical}}, tiers: [ { name: market, method: weighted, campaigns: [{{string.Join(", ", Enumerable.Range(1, Campaigns).Select(n => "c" + n))}}] } ] }
        """;

    /// <summary>Sells so many leads; what came of it.</summary>
    public static async Task<Sold> SellAsync(IExchangeStore store, DbConnection database, ushort silo, int leads, CancellationToken cancel)
    {
        var takes = await TakesAsync(database, cancel);
        var nowMs = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();
        var step = (long)Age.TotalMilliseconds / (leads + 1);
        return await Sellers.RunAsync(Math.Min(Callers, leads), leads, lead => store.Journal.SubmitAsync(Sale(silo, lead, nowMs - step * (leads - lead + 1), takes[CampaignOf(lead)]), CancellationToken.None));
    }

    /// <summary>The number of the campaign whose turn it is.</summary>
    public static int CampaignOf(int lead) => lead % Campaigns + 1;

    /// <summary>What a sale takes, by the number of its campaign.</summary>
    public static async Task<Take[][]> TakesAsync(DbConnection database, CancellationToken cancel)
    {
        var takes = new Take[Campaigns + 1][];
        var shared = await KeysAsync(database, $"open:publisher:{Publisher}:", cancel);
        for (var n = 1; n <= Campaigns; n++)
        {
            var gates = shared.Concat(await KeysAsync(database, $"open:buyer:b{n}:", cancel)).Concat(await KeysAsync(database, $"open:c{n}:", cancel));
            takes[n] = [.. gates.Select(key => new Take(key, 0, key, Reason.Stale)), new("bal:b" + Text(n), Price.Micros, "bal:b" + Text(n), Reason.Balance)];
        }
        return takes;
    }

    public static JournalItem Sale(ushort silo, int lead, long atMs, Take[] takes)
    {
        var n = Text(CampaignOf(lead));
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes("many" + Text(lead)));
        var id = LeadId.Create(atMs, silo, false, (ulong)lead);
        var answer = $$"""{"lead_id":"{{id}}","status":"sold","payout":"0.08","payout_pending":"0.00","currency":"USD","redirect_url":null,"copies":[{"offer_id":"1","status":"sold","payout":"0.08","redirect_url":null}],"test":false}""";
        return new JournalItem
        {
            Lead = id, AtMs = atMs, State = LeadState.Sold, Answer = Encoding.UTF8.GetBytes(answer),
            New = new NewLead(Publisher, Vertical, "kw-17", false, 1, hash, new byte[400], 1), Request = new RequestClaim(Publisher, "many-" + Text(lead), hash),
            Persons = [new(Vertical, hash, atMs - 1_000), new("b:b" + n, hash, atMs - 1_000)],
            Starts =
            [
                new NewCopy(1, "1", "c" + n, "b" + n, "b" + n, true, CopyMove.Sell, Price, Payout, takes,
                    [new("payout", "buyer:b" + n, "publisher:" + Publisher, Payout), new("margin", "buyer:b" + n, "house", Price - Payout)],
                    [new NewDelivery("inbox", NewDelivery.NeverDue, 0)]) { Tier = "many/market", Trees = ["many"] },
            ],
        };
    }

    private static async Task<List<string>> KeysAsync(DbConnection database, string prefix, CancellationToken cancel)
    {
        await using var command = database.CreateCommand();
#pragma warning disable CA2100 // Ids of this file.
        command.CommandText = $"SELECT key FROM counter WHERE key LIKE '{prefix}%'";
#pragma warning restore CA2100
        await using var reader = await command.ExecuteReaderAsync(cancel);
        var keys = new List<string>();
        while (await reader.ReadAsync(cancel)) keys.Add(reader.GetString(0));
        return keys;
    }

    private static string Lines(Func<int, string> line) => string.Join(Environment.NewLine, Enumerable.Range(1, Campaigns).Select(line));

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
