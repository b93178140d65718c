using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Exchange.Engine;
using Exchange.Engine.Caps;
using Exchange.Engine.Ledger;
using Exchange.Engine.Values;
using Exchange.Storage;

namespace Exchange.LoadTests.Journal;

/// <summary>
/// A publisher and campaigns c1, c2 … of buyers b1, b2 …, each with a gate, a cap and a balance, and the sales of leads to them as the exchange makes them: a
/// request key, two persons, four takes, two transfers, a copy for the inbox.
/// </summary>
internal sealed class Market(int campaigns, long cap)
{
    private static readonly Money Price = Money.Parse("0.11"), Payout = Money.Parse("0.08");

    public int Campaigns => campaigns;
    public long Cap => cap;

    public LimitModel[] Limits { get; } =
    [
        new() { Ordinal = 0, Kind = LimitKind.Gate, Id = "open:publisher:p:1", Reason = Reason.Stale, Scope = CapScope.Publisher, Owner = "p", Limit = 0 },
        .. Enumerable.Range(1, campaigns).SelectMany(n => LimitsOf(n, cap)),
    ];

    private static IEnumerable<LimitModel> LimitsOf(int n, long cap)
    {
        var (campaign, buyer) = (Name('c', n), Name('b', n));
        yield return new() { Ordinal = 0, Kind = LimitKind.Gate, Id = $"open:{campaign}:1", Reason = Reason.Stale, Scope = CapScope.Campaign, Owner = campaign, Limit = 0 };
        yield return new()
        {
            Ordinal = 0, Kind = LimitKind.Cap, Id = $"c:{campaign}:leads:total", Reason = Reason.CapDay, Scope = CapScope.Campaign, Owner = campaign, Limit = cap,
            Period = CapPeriods.Find("total")!, Metric = CapMetric.Leads, Zone = TimeZoneInfo.Utc,
        };
        yield return new() { Ordinal = 0, Kind = LimitKind.Balance, Id = "bal:" + buyer, Reason = Reason.Balance, Scope = CapScope.Buyer, Owner = buyer, Limit = Money.Parse("1000000").Micros };
    }

    /// <summary>The sale of lead <paramref name="lead"/> of a process to the campaign whose turn it is.</summary>
    public JournalItem Sale(ushort process, int lead, long nowMs)
    {
        var n = lead % campaigns + 1;
        var (campaign, buyer) = (Name('c', n), Name('b', n));
        var key = string.Create(CultureInfo.InvariantCulture, $"{process}-{lead}");
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes(key));
        var takes = Limits.Where(limit => limit.Owner == "p").Concat(Limits.Skip(1 + (n - 1) * 3).Take(3))
            .Select(limit => new Take(limit.KeyAt(nowMs / 1000, out _), limit.AmountOf(Price, Payout), limit.Id, limit.Reason)).ToArray();
        return new JournalItem
        {
            Lead = LeadId.Create(nowMs, process, false, (ulong)lead), AtMs = nowMs, State = LeadState.Sold, Answer = hash,
            New = new NewLead("p", "auto", "kw-17", false, 1, hash, new byte[600], 1), Request = new RequestClaim("p", key, hash),
            Persons = [new("auto", hash, nowMs - 1000), new("b:" + buyer, hash, nowMs - 1000)],
            Starts =
            [
                new NewCopy(1, "1", campaign, buyer, buyer, true, CopyMove.Sell, Price, Payout, takes,
                    [new("payout", "buyer:" + buyer, "publisher:p", Payout), new("margin", "buyer:" + buyer, "house", Price - Payout)],
                    [new NewDelivery("inbox", NewDelivery.NeverDue, 0)]) { Tier = "main/first", Trees = ["main"] },
            ],
        };
    }

    public Task ApplyAsync(IExchangeStore store, long nowMs, CancellationToken cancel) =>
        store.Catalog.ApplyAsync(new CatalogApply("{}"u8.ToArray(), "load-tests", null, Limits), nowMs, cancel);

    private static string Name(char kind, int n) => string.Create(CultureInfo.InvariantCulture, $"{kind}{n}");
}
