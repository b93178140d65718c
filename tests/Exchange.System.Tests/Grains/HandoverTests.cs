using System.Text;
using Exchange.Delivery.Templates;
using Exchange.Engine;
using Exchange.Engine.Catalog;
using Exchange.Engine.Fields;
using Exchange.Engine.Filters;
using Exchange.Engine.Ledger;
using Exchange.Engine.PingTrees;
using Exchange.Engine.Values;
using Exchange.Grains.Catalog;
using Exchange.Grains.Deliveries;
using Exchange.Grains.Leads;
using Exchange.Storage;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Shouldly;

namespace Exchange.System.Tests.Grains;

/// <summary>What a sold copy's message says of its sale: bid 12.50, charged 11.00.</summary>
public sealed class HandoverTests
{
    private readonly FakeTimeProvider time = new(CapMarket.Noon);

    private long NowMs => time.GetUtcNow().ToUnixTimeMilliseconds();

    [Theory]
    [InlineData("sale.bid", true, "12.50", 1)]
    // The ping's record is gone: what was charged is what is known.
    [InlineData("sale.bid", false, "11.00", 1)]
    // Nobody is told, and nobody looks.
    [InlineData("sale.price", true, "11.00", 0)]
    public async Task SoldCopy_TellsWhatWasBid_WhereItsBuyerReadsIt(string read, bool isKept, string bid, int asked)
    {
        var looks = 0;
        var (handover, delivery) = Prepared(read, record =>
        {
            looks++;
            return Task.FromResult(isKept ? record : null);
        });

        (await handover.PrepareAsync(delivery)).Message.ShouldNotBeNull().Bid.ShouldBe(Money.Parse(bid));
        looks.ShouldBe(asked);
    }

    /// <summary>It was no attempt: a price is not told for a bid because the store was busy.</summary>
    [Fact]
    public async Task SoldCopy_WhoseBidCannotBeReadNow_IsNotMade()
    {
        var (handover, delivery) = Prepared("sale.bid", _ => throw new StorageBusyException("away"));
        await Should.ThrowAsync<StorageBusyException>(() => handover.PrepareAsync(delivery));
    }

    private (Handover Handover, LeasedDelivery Delivery) Prepared(string read, Func<PingRecord, Task<PingRecord?>> find)
    {
        var (model, vault, id) = (Catalog(read), new Vault(new byte[Vault.KeyBytes]), LeadId.Create(NowMs, 1, false, 7));
        var (price, payout) = (Money.Parse("11.00"), Money.Parse("5.50"));
        var record = new PingRecord
        {
            Id = id, AtMs = NowMs, Publisher = "pub", Vertical = "auto", Tree = "main", CatalogVersion = 1, Seed = 1, MinPayout = Money.Zero, MaxCopies = 1, Values = [],
            Bids = [new(0, model.Campaigns["a"], Sharing.Exclusive, Money.Parse("12.50"), Money.Zero, false)], Offers = [new("1", 0, Sharing.Exclusive, price, payout, null, true)],
            Notes = [], Turns = [], ExpiresAtMs = NowMs + 60_000, Outcome = Reason.None,
        };
        var row = new LeadRow(id, "pub", "auto", null, false, LeadState.Sold, Reason.None, 1, [], vault.Seal(id, new LeadPayload(new Dictionary<string, string>(), null).ToJson()), null, 1, NowMs,
            [new(new(id, 1), "1", "a", "a", "a", true, CopyState.Captured, price, payout, NowMs, Reason.None, null, null)]);
        var leads = Stub.Of<ILeadStore>((_, _) => Task.FromResult<LeadRow?>(row));
        var pings = Stub.Of<IPingRecords>((_, _) => find(record));
        var store = Stub.Of<IExchangeStore>((name, _) => name switch { "get_Leads" => leads, "get_Pings" => pings, "get_Vault" => vault, _ => throw new NotSupportedException(name) });
        var catalog = Stub.Of<ICatalogHost>((name, _) => name switch
        {
            "get_" + nameof(ICatalogHost.Current) => model,
            nameof(ICatalogHost.ModelAsync) => new ValueTask<CatalogModel>(model),
            _ => throw new NotSupportedException(name),
        });
        return (new(store, catalog, time, NullLogger.Instance), new(new(id, 1), "crm", 1, 1, NowMs, CopyState.Captured, "a", "a", null));
    }

    private static CatalogModel Catalog(string read)
    {
        const string json = """
            {
              "exchange": { "currency": "USD", "time_zone": "UTC" },
              "verticals": { "auto": { "fields": { "state": { "type": "us_state", "ping": "optional" } } } },
              "publishers": { "pub": { "verticals": ["auto"], "payout": { "share": "50%" } } },
              "connectors": { "theirs": { "post": { "url": "https://crm.example.com/leads", "form": { "amount": "READ" }, "reply": { "accepted_when": { "at": "ok", "is": 1 } } } } },
              "buyers": { "a": { "credit_limit": "unlimited", "endpoints": { "crm": { "connector": "theirs" } } } },
              "campaigns": { "a": { "buyer": "a", "vertical": "auto", "bid": "12.50", "delivery": { "to": ["crm"] } } },
              "ping_trees": { "main": { "vertical": "auto", "tiers": [{ "name": "market", "campaigns": "all", "method": "auction" }] } }
            }
            """;
        var errors = new ConfigErrors();
        var root = ConfigJson.Parse(Encoding.UTF8.GetBytes(json.Replace("READ", "{{ " + read + " }}", StringComparison.Ordinal)), errors).ShouldNotBeNull();
        var result = CatalogCompiler.Compile(root, 1, new() { Parsers = new FieldParsers((text, _) => text, text => text), ParseTemplate = Liquid.Parse }, errors);
        result.Errors.Errors.ShouldBeEmpty();
        return result.Model.ShouldNotBeNull();
    }
}
