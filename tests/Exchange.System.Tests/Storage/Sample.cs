using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Exchange.Delivery.Templates;
using Exchange.Engine;
using Exchange.Engine.Caps;
using Exchange.Engine.Catalog;
using Exchange.Engine.Fields;
using Exchange.Engine.Filters;
using Exchange.Engine.Ledger;
using Exchange.Engine.PingTrees;
using Exchange.Engine.Returns;
using Exchange.Engine.Values;
using Exchange.Storage;

namespace Exchange.System.Tests.Storage;

/// <summary>Items, limits and records as the store's tests use them: one publisher p, buyers a and b, their campaigns a1 and b1.</summary>
internal static class Sample
{
    /// <summary>2026-11-22 12:00:00 UTC.</summary>
    public const long Now = 1_795_348_800_000;
    public const long Day = 86_400;
    public static readonly Money Price = Money.Parse("11.00");
    public static readonly Money Payout = Money.Parse("8.80");

    public static LeadId Lead(int n, bool test = false) => LeadId.Create(Now, 1, test, (ulong)n);

    /// <summary>An admin's word on a return.</summary>
    public static ChangeNote Decision(CopyId copy, long atMs) => new("admin", "return.decide", copy.ToString(), null, atMs);

    public static byte[] Hash(string text) => SHA256.HashData(Encoding.UTF8.GetBytes(text));

    public static LimitModel Gate(string id, CapScope scope, string owner, bool open = true) => new()
    {
        Ordinal = 0, Kind = LimitKind.Gate, Id = id, Reason = Reason.Stale, Scope = scope, Owner = owner, Limit = open ? 0 : -1,
    };

    public static LimitModel DayCap(string id, CapScope scope, string owner, long limit, CapMetric metric = CapMetric.Leads, bool kept = false) => new()
    {
        Ordinal = 0, Kind = LimitKind.Cap, Id = kept ? id + LimitNames.KeptSuffix : id, CountsKept = kept, Reason = Reason.CapDay, Scope = scope, Owner = owner, Limit = limit, Period = new DayPeriod(),
        Metric = metric, Zone = TimeZoneInfo.Utc,
    };

    public static LimitModel Balance(string buyer, Money credit) => new()
    {
        Ordinal = 0, Kind = LimitKind.Balance, Id = "bal:" + buyer, Reason = Reason.Balance, Scope = CapScope.Buyer, Owner = buyer, Limit = credit.Micros,
    };

    /// <summary>Gates open, day cap of campaign a1 as given, balances of 1,000 credit each.</summary>
    public static LimitModel[] Limits(long capOfA = 100) =>
    [
        Gate("open:publisher:p:1", CapScope.Publisher, "p"), Gate("open:a1:1", CapScope.Campaign, "a1"), Gate("open:b1:1", CapScope.Campaign, "b1"),
        DayCap("c:a1:leads:day:UTC", CapScope.Campaign, "a1", capOfA), Balance("a", Money.Parse("1000")), Balance("b", Money.Parse("1000")),
    ];

    public static Take[] TakesOf(IEnumerable<LimitModel> limits, string campaign, string buyer, Money price, Money payout, long atMs) =>
    [
        .. limits.Where(limit => limit.Scope == CapScope.Publisher || limit.Owner == campaign || limit.Owner == buyer)
            .Select(limit => new Take(limit.KeyAt(atMs / 1000, out _), limit.AmountOf(price, payout), limit.Id, limit.Reason)),
    ];

    public static NewCopy Copy(int no, LimitModel[] limits, CopyMove move = CopyMove.Sell, string buyer = "a", bool exclusive = true, Money? price = null,
        string? company = null, NewDelivery[]? deliveries = null, long atMs = Now)
    {
        var paid = price ?? Price;
        return new(no, no.ToString(CultureInfo.InvariantCulture), buyer + "1", buyer, company ?? buyer, exclusive, move, paid, Payout,
            TakesOf(limits, buyer + "1", buyer, paid, Payout, atMs), Transfers(buyer, paid), deliveries ?? []);
    }

    public static Transfer[] Transfers(string buyer, Money? price = null) =>
        (price ?? Price) > Payout
            ? [new("payout", "buyer:" + buyer, "publisher:p", Payout), new("margin", "buyer:" + buyer, "house", (price ?? Price) - Payout)]
            : [new("payout", "buyer:" + buyer, "publisher:p", price ?? Price)];

    public static NewLead NewLead(string post = "post", int maxCopies = 1, byte[]? sealedBytes = null) =>
        new("p", "auto", "kw-17", false, maxCopies, Hash(post), sealedBytes ?? [1, 2, 3], 1);

    public static JournalItem Post(LeadId lead, NewCopy[] copies, string? key = null, string body = "post", PersonClaim[]? persons = null, int maxCopies = 1,
        LeadState? state = null, byte[]? answer = null, long atMs = Now) => new()
    {
        Lead = lead, AtMs = atMs, New = NewLead(body, maxCopies),
        Request = key is null ? null : key.Split('+').Reverse().Aggregate((RequestClaim?)null, (also, each) => new("p", each, Hash(body)) { Also = also }),
        Persons = persons ?? [], Starts = copies, Answer = answer,
        State = state ?? (copies.Length == 0 ? LeadState.Unsold : copies.Any(copy => copy.Move == CopyMove.Sell) ? LeadState.Sold : LeadState.Open),
    };

    public static JournalItem End(LeadId lead, CopyMove move, int no = 1, LeadState? state = null, Reason reason = Reason.None, NewCopy[]? starts = null,
        bool release = false, byte[]? answer = null, string buyer = "a") => new()
    {
        Lead = lead, AtMs = Now + 1000, Ends = [new(no, move, reason, move == CopyMove.Capture ? Transfers(buyer) : [])], Starts = starts ?? [], Answer = answer,
        Reason = reason, ReleasePersons = release,
        State = state ?? move switch
        {
            CopyMove.Capture => LeadState.Sold,
            CopyMove.Doubt => LeadState.InDoubt,
            _ => starts is null ? LeadState.Unsold : LeadState.Open,
        },
    };

    /// <summary>A sold copy comes back, its publisher's payout with it.</summary>
    public static JournalItem Return(LeadId lead, int no = 1, string buyer = "a", bool keeps = false, long atMs = Now + 2000) =>
        ReturnBookings.ItemOf(lead, no, ReturnBookings.Of(buyer, "p", Price, Payout, keeps), atMs);

    /// <summary>The offers of a ping, held before anything is posted; good for five minutes.</summary>
    public static JournalItem Offer(LeadId lead, NewCopy[] copies, int maxCopies = 1, long atMs = Now, long untilMs = Now + 300_000) => new()
    {
        Lead = lead, AtMs = atMs, State = LeadState.Open, Starts = copies,
        New = NewLead("") with { MaxCopies = maxCopies, PostHash = [], Sealed = [7], OfferUntilMs = untilMs },
    };

    /// <summary>The post of a lead that was held at its ping.</summary>
    public static JournalItem PostOf(LeadId lead, CopyEnd[] ends, string? key = null, string body = "post", PersonClaim[]? persons = null, int maxCopies = 1,
        LeadState state = LeadState.Sold, byte[]? answer = null, NewCopy[]? starts = null, long atMs = Now + 1000) => new()
    {
        Lead = lead, AtMs = atMs, Post = new(maxCopies, Hash(body), [8]), Request = key is null ? null : new("p", key, Hash(body)),
        Persons = persons ?? [], Ends = ends, Starts = starts ?? [], State = state, Answer = answer,
        Reason = state == LeadState.Unsold ? Reason.AllRejected : Reason.None,
    };

    public static CopyEnd Capture(int no, string buyer = "a", params NewDelivery[] deliveries) =>
        new(no, CopyMove.Capture, Reason.None, Transfers(buyer)) { Deliveries = deliveries };

    public static CopyEnd Call(int no, params NewDelivery[] deliveries) => new(no, CopyMove.Call, Reason.None, []) { Deliveries = deliveries };

    public static CopyEnd Expire(int no) => new(no, CopyMove.Expire, Reason.Expired, []);

    public static PersonClaim Person(string value, long window = 30 * Day, string scope = "auto") => new(scope, Hash(value), Now - window * 1000);

    public static FieldSet Fields { get; } = new(
    [
        new() { Name = "zip", Type = FieldType.UsZip, Ordinal = 0 },
        new() { Name = "birth_date", Type = FieldType.Date, Ordinal = 1, Sensitive = true },
        new() { Name = "age", Type = FieldType.Integer, Ordinal = 2 },
    ]);

    public static PingRecord Ping(LeadId id, long atMs = Now) => new()
    {
        Id = id, AtMs = atMs, Publisher = "p", Vertical = "auto", Tree = "auto-main", SubId = "kw-17", Channel = null,
        Tags = [new("click_id", "Cj0K9")], CatalogVersion = 3, Seed = 0xFEDC_BA98_7654_3210, MinPayout = Money.Parse("4.00"), MaxCopies = 3,
        SoldElsewhereCopies = 1, SoldElsewhereSellers = ["Other"],
        Values = [new("90210", 90210), new("1991-02-03", 726_866), default],
        Bids = [new(0, Model.Campaigns["a1"], Sharing.Exclusive, Money.Parse("12.50"), Money.Parse("10"), true),
                new(1, Model.Campaigns["b1"], Sharing.Shared, Money.Parse("11.123456"), default, false)],
        Offers = [new("1", 0, Sharing.Exclusive, Price, Payout, null, true), new("2", 1, Sharing.Shared, Price, Payout, "B Insurance", false)],
        Notes = [new(Model.Campaigns["b1"], Reason.CapDay, Cap, 5, 4, 1, 1, "85004", 17), new(null, Reason.PublisherCap, Model.Limits[^1], 5, 5, 0, 1)],
        Shares = [new(1, Model.Campaigns["b1"], 12)], Persons = [new(1, Hash("a hash that was pinged"))],
        Turns = [new(1, "b1")], ExpiresAtMs = atMs + 300_000, Outcome = Reason.None,
    };

    /// <summary>The catalog that the sample ping was walked on.</summary>
    public static CatalogModel Model { get; } = Compile();

    public static ValueTask<CatalogModel> Models(long version, CancellationToken cancel) =>
        version == Model.Version ? new(Model) : throw new InvalidOperationException($"no catalog {version}");

    private static LimitModel Cap => Model.Limits.First(limit => limit.Id == "c:b1:leads:day:UTC");

    private static CatalogModel Compile()
    {
        const string Written = """
            { "exchange": { "currency": "USD" },
              "verticals": { "auto": { "consent": "proof", "payout": { "share": "80%" }, "fields": {
                "zip": { "type": "us_zip", "ping": "required" }, "birth_date": { "type": "date", "sensitive": "true", "ping": "optional" }, "age": { "type": "integer", "ping": "optional" } } } },
              "publishers": { "p": { "verticals": ["auto"] } },
              "buyers": { "a": { "credit_limit": "1000.00" }, "b": { "credit_limit": "1000.00", "seller": { "name": "B Insurance" } } },
              "campaigns": { "a1": { "buyer": "a", "vertical": "auto", "bid": "12.50" },
                "b1": { "buyer": "b", "vertical": "auto", "bid": "11.00", "consent": "named", "sharing": "shared", "caps": [ { "per": "day", "leads": "5" } ] } },
              "ping_trees": { "auto-main": { "vertical": "auto", "tiers": [ { "name": "all", "method": "priority", "campaigns": "all" } ] } } }
            """;
        var errors = new ConfigErrors();
        var root = ConfigJson.Parse(Encoding.UTF8.GetBytes(Written), errors);
        var compiled = CatalogCompiler.Compile(root!, 3, new CompileOptions { Parsers = new((text, _) => text, text => text), ParseTemplate = Liquid.Parse }, errors);
        return compiled.Model ?? throw new InvalidOperationException(string.Join("; ", errors.Errors.Select(error => error.Pointer + " " + error.Message)));
    }

    /// <summary>Days of UTC; the real periods are the engine's and have their own tests.</summary>
    public sealed class DayPeriod : ICapPeriod
    {
        public string Name => "day";
        public Reason Reason => Reason.CapDay;
        public Window WindowAt(long unixSeconds, TimeZoneInfo zone)
        {
            var start = unixSeconds - unixSeconds % Day;
            return new(start, start + Day);
        }
    }
}

internal static class Stores
{
    public static async Task<long> ApplyAsync(this IExchangeStore store, params LimitModel[] limits) =>
        (await store.Catalog.ApplyAsync(new CatalogApply("{}"u8.ToArray(), "tests", null, limits), Sample.Now, default))!.Value;

    public static Task<Verdict> SubmitAsync(this IExchangeStore store, JournalItem item) => store.Journal.SubmitAsync(item, default);

    public static async Task<CounterValue?> CounterAsync(this IExchangeStore store, string limitId, long nowMs = Sample.Now) =>
        (await store.Catalog.ReadCountersAsync(nowMs, default)).Where(counter => counter.LimitId == limitId).Select(counter => (CounterValue?)counter).FirstOrDefault();
}
