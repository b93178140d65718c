using System.Globalization;
using System.Text;
using Exchange.Engine.Caps;
using Exchange.Engine.Catalog;
using Exchange.Engine.Fields;
using Exchange.Engine.Filters;
using Exchange.Engine.Pricing;
using Exchange.Engine.Values;
using Shouldly;

namespace Exchange.Engine.Tests.Catalog;

public sealed class CatalogCompilerTests
{
    private static readonly CatalogModel Basic = Catalogs.Model(Catalogs.Json(Catalogs.Basic));

    [Fact]
    public void Exchange_WithoutAStep_PricesInCents()
    {
        (Basic.Version, Basic.Currency, Basic.Zone.Id, Basic.PriceStep).ShouldBe((7, "USD", "America/New_York", Money.Parse("0.01")));
        Catalogs.Model(Catalogs.With("exchange time_zone", "-")).Zone.ShouldBe(TimeZoneInfo.Utc);
    }

    [Fact]
    public void Vertical_WithLittleWritten_HasTheDocumentedDefaults()
    {
        var auto = Basic.Verticals["auto"];
        (auto.PingTtl, auto.PingDeadline, auto.PostDeadline).ShouldBe((TimeSpan.FromMinutes(5), TimeSpan.FromSeconds(3), TimeSpan.FromSeconds(20)));
        (auto.PostChanges, auto.Consent).ShouldBe((PostChanges.Refuse, ConsentLevel.None));
        var duplicate = auto.Duplicate.ShouldNotBeNull();
        (duplicate.MatchAll, duplicate.Window, duplicate.AmongReceived, duplicate.PerPublisher).ShouldBe((false, TimeSpan.FromDays(30), false, false));
        duplicate.Keys.Select(key => key.Name).ShouldBe(["phone", "email"]);
        auto.Suppressed.ShouldBe(["+12025550101"]);
        Basic.Verticals["solar"].Duplicate.ShouldBeNull();
    }

    [Theory]
    [InlineData("zip", FieldType.UsZip, FieldUse.Required, FieldUse.Optional)]
    [InlineData("age", FieldType.Integer, FieldUse.Optional, FieldUse.Optional)]
    [InlineData("notes", FieldType.Text, FieldUse.None, FieldUse.Optional)]
    [InlineData("phone", FieldType.Phone, FieldUse.None, FieldUse.Required)]
    public void Field_PingAndPost_FollowTheTable(string name, FieldType type, FieldUse ping, FieldUse post)
    {
        var field = Basic.Verticals["auto"].Fields.Find(name).ShouldNotBeNull();
        (field.Type, field.Ping, field.Post).ShouldBe((type, ping, post));
        Basic.Verticals["auto"].Fields.All[field.Ordinal].ShouldBe(field);
    }

    [Fact]
    public void Field_Bounds_AreRead()
    {
        var fields = Basic.Verticals["auto"].Fields;
        (fields.Find("age")!.Min, fields.Find("age")!.Max).ShouldBe((16L, 110L));
        (fields.Find("start")!.MinDate, fields.Find("start")!.MaxDate).ShouldBe((new DateBound(true, 0), new DateBound(true, 370)));
        fields.Find("cover")!.Values.ShouldBe(["minimum", "standard"]);
        fields.Find("phone")!.Pii.ShouldBeTrue();
    }

    [Fact]
    public void Campaign_Takes_AreInTheOrderInWhichReasonsAreTold() =>
        Basic.Campaigns["acme-a"].Takes.Select(limit => limit.Id.StartsWith("open:", StringComparison.Ordinal) ? limit.Id[..limit.Id.LastIndexOf(':')] : limit.Id).ShouldBe(
        [
            "open:acme-a", "open:buyer:acme", "c:acme-a:leads:hour:America/New_York", "c:acme-a:leads:day:America/New_York",
            "b:acme:spend:day:America/New_York", "c:acme-a:spend:month:America/New_York", "bal:acme",
        ]);

    [Fact]
    public void Limits_StandAtTheirOrdinal_AndHaveIdsOfTheirOwn()
    {
        Basic.Limits.Select(limit => limit.Ordinal).ShouldBe(Enumerable.Range(0, Basic.Limits.Count));
        Basic.Limits.Select(limit => limit.Id).ShouldBeUnique();
        Basic.Campaigns["acme-a"].Takes.ShouldAllBe(limit => ReferenceEquals(Basic.Limits[limit.Ordinal], limit));
        Basic.Buyers["acme"].Balance.Limit.ShouldBe(500_000_000);
        Basic.Buyers["zenith"].Balance.Limit.ShouldBe(long.MaxValue / 4);
    }

    [Fact]
    public void Limits_TellTheirReason()
    {
        Basic.Publishers["search"].Caps.ShouldHaveSingleItem().Reason.ShouldBe(Reason.PublisherCap);
        Basic.Publishers["search"].Gate.Reason.ShouldBe(Reason.PublisherPaused);
        Basic.Campaigns["acme-a"].Takes.Select(limit => limit.Reason).ShouldBe(
            [Reason.CampaignPaused, Reason.BuyerPaused, Reason.CapHour, Reason.CapDay, Reason.CapDay, Reason.CapMonth, Reason.Balance]);
        var spend = Basic.Campaigns["acme-a"].Caps[2];
        (spend.Metric, spend.Limit, spend.Kind, spend.Owner).ShouldBe((CapMetric.Spend, 2_000_000_000L, LimitKind.Cap, "acme-a"));
    }

    [Theory]
    [InlineData("campaigns acme-a caps", "[{ \"per\": \"month\", \"spend\": \"99.00\" }, { \"per\": \"hour\", \"leads\": 1 }, { \"per\": \"day\", \"leads\": 7 }]", true)] // order and limits
    [InlineData("campaigns acme-a bid", "\"9.00\"", true)]
    [InlineData("campaigns acme-a status", "\"paused\"", true)]
    [InlineData("campaigns acme-a caps", "[{ \"per\": \"day\", \"leads\": 20 }]", false)]
    [InlineData("campaigns acme-a caps", "[{ \"per\": \"day\", \"leads\": 20, \"time_zone\": \"UTC\" }, { \"per\": \"hour\", \"leads\": 5 }, { \"per\": \"month\", \"spend\": \"2000.00\" }]", false)]
    [InlineData("campaigns acme-a caps", "-", false)]
    public void Gate_IsTheSame_AsLongAsTheSetOfCapsIs(string keys, string json, bool same) =>
        (Catalogs.Model(Catalogs.With(keys, json)).Campaigns["acme-a"].Gate.Id == Basic.Campaigns["acme-a"].Gate.Id).ShouldBe(same);

    [Fact]
    public void Paused_ClosesTheGate()
    {
        var model = Catalogs.Model(Catalogs.With("buyers acme status", "\"paused\""));
        (model.Buyers["acme"].Status, model.Buyers["acme"].Gate.Limit, model.Campaigns["acme-a"].Gate.Limit).ShouldBe((EntryStatus.Paused, -1L, 0L));
    }

    [Fact]
    public void Campaign_DuplicateAndTellLosses_HaveTheirDefaults()
    {
        (Basic.Campaigns["acme-a"].Duplicate, Basic.Campaigns["acme-a"].TellLosses).ShouldBe((null, false));
        var usual = Catalogs.Model(Catalogs.With("campaigns acme-a duplicate", "{}")).Campaigns["acme-a"].Duplicate.ShouldNotBeNull();
        (usual.Window, usual.OfBuyer, string.Join(' ', usual.Keys.Select(key => key.Name))).ShouldBe((TimeSpan.FromDays(30), true, "phone email"));
        var own = Catalogs.Model(Catalogs.With("campaigns acme-a duplicate", "{ \"window\": \"90d\", \"of\": \"campaign\", \"keys\": [\"email\"] }")).Campaigns["acme-a"].Duplicate!;
        (own.Window, own.OfBuyer, own.Keys.Single().Name).ShouldBe((TimeSpan.FromDays(90), false, "email"));
        Catalogs.Model(Catalogs.With("campaigns acme-a tell_losses", "true")).Campaigns["acme-a"].TellLosses.ShouldBeTrue();
    }

    [Fact]
    public void Field_PingedHashed_CarriesNoValueInAPing_AndReservesTheNameOfItsHash()
    {
        var field = Catalogs.Model(Catalogs.With("verticals auto fields phone", "{ \"type\": \"phone\", \"pii\": true, \"ping\": \"hashed\" }")).Verticals["auto"].Fields.Find("phone")!;
        (field.Ping, field.PingHashed, field.Post, field.HashName).ShouldBe((FieldUse.None, true, FieldUse.Optional, "phone_sha256"));
        var root = ConfigPatch.Set(Catalogs.With("verticals auto fields phone ping", "\"hashed\""), ["verticals", "auto", "fields", "phone_sha256"], Catalogs.Json("{ \"type\": \"text\" }"));
        Catalogs.Compile(root).Errors.Errors.Select(error => (error.Code, error.Pointer)).ShouldBe([("reserved_name", "verticals.auto.fields.phone_sha256")]);
    }

    [Fact]
    public void Delivery_NotWritten_IsTheInbox()
    {
        var delivery = Basic.Campaigns["acme-a"].Delivery;
        (delivery.Sold, delivery.SendAll, delivery.RetryFor).ShouldBe((SoldWhen.OnPost, false, TimeSpan.FromHours(24)));
        delivery.To.ShouldHaveSingleItem().Endpoint.Connector.ShouldBe(ConnectorKind.Inbox);
        var native = Basic.Campaigns["acme-b"].Delivery;
        native.Sold.ShouldBe(SoldWhen.OnAccept);
        native.To.ShouldHaveSingleItem().Endpoint.ShouldBe(new EndpointModel("crm", ConnectorKind.Native, new Uri("https://crm.acme.example/copies"), "acme-key", TimeSpan.FromSeconds(10)) { Buyer = "acme" });
    }

    [Fact]
    public void Tier_All_AsksWhomNoEarlierTierAsked()
    {
        var tiers = Basic.Trees["auto-main"].Tiers;
        tiers[0].Campaigns.Select(campaign => campaign.Id).ShouldBe(["acme-a"]);
        tiers[1].Campaigns.Select(campaign => campaign.Id).ShouldBe(["acme-b"]);
        (tiers[1].Weights[0], tiers[1].RotationKey, tiers[1].Index).ShouldBe((5, "auto-main/overflow", 1));
        (tiers[0].Pricing, tiers[0].Floor!.Otherwise).ShouldBe((TierPricing.SecondPrice, Money.Parse("5.00")));
        (Basic.Trees["auto-main"].Copies, Basic.Trees["solar-main"].Copies).ShouldBe((1, 2));
    }

    [Fact]
    public void Tier_OwnWeights_StandBeforeTheCampaigns()
    {
        var model = Catalogs.Model(Catalogs.With("ping_trees auto-main tiers",
            "[{ \"name\": \"a\", \"method\": \"weighted\", \"campaigns\": [\"acme-b\", \"acme-a\"], \"weights\": { \"acme-b\": 2 } }]"));
        model.Trees["auto-main"].Tiers[0].Campaigns.Select(campaign => campaign.Id).ShouldBe(["acme-b", "acme-a"]);
        model.Trees["auto-main"].Tiers[0].Weights.ShouldBe([2, 1]);
    }

    [Fact]
    public void Trees_ThatNameThePublisher_StandBeforeThoseForAll()
    {
        var root = ConfigPatch.Set(Catalogs.Json(Catalogs.Basic), ["ping_trees", "solar-any"],
            Catalogs.Json("{ \"vertical\": \"solar\", \"tiers\": [{ \"name\": \"a\", \"method\": \"priority\", \"campaigns\": \"all\" }] }"));
        Catalogs.Model(root).Verticals["solar"].Trees.Select(tree => tree.Id).ShouldBe(["solar-main", "solar-any"]);
    }

    [Fact]
    public void Payout_OfTheVertical_IsForPublishersWithoutTheirOwn()
    {
        var model = Catalogs.Model(Catalogs.With("publishers solo", "{ \"verticals\": [\"solar\"] }"));
        model.Publishers["solo"].Verticals["solar"].Payout.Otherwise.ShouldBe(PayoutTerms.Share(new Percent(700_000)));
        model.Publishers["social"].Verticals["solar"].Payout.Otherwise.ShouldBe(PayoutTerms.Fixed(Money.Parse("4.00")));
        model.Publishers["search"].Verticals.Keys.ShouldBe(["auto"]);
    }

    [Fact]
    public void PayoutRules_OnThePrice_FindTheLowestPriceForAPromise()
    {
        var model = Catalogs.Model(Catalogs.With("publishers search payout",
            "{ \"rules\": [{ \"when\": { \"all\": [{ \"field\": \"price\", \"at_least\": \"10.00\" }] }, \"share\": \"90%\" }], \"otherwise\": { \"share\": \"50%\" } }"));
        var payout = model.Publishers["search"].Verticals["auto"].Payout;
        var subject = new Subject { Vertical = "auto", Publisher = "search", Values = new FieldValue[8], Now = DateTimeOffset.UnixEpoch };
        payout.LowestPrice(Money.Parse("6.00"), subject, Money.Parse("0.01")).ShouldBe(Money.Parse("10.00"));
    }

    [Fact]
    public void Publishers_ExceptAndListed_AreSets()
    {
        var except = Catalogs.Model(Catalogs.With("campaigns acme-a publishers", "{ \"except\": [\"search\"] }")).Campaigns["acme-a"].Publishers;
        (except.Has("search"), except.Has("social")).ShouldBe((false, true));
        var listed = Catalogs.Model(Catalogs.With("campaigns acme-a publishers", "[\"search\"]")).Campaigns["acme-a"].Publishers;
        (listed.Has("search"), listed.Has("social")).ShouldBe((true, false));
    }

    [Fact]
    public void Campaigns_AreIndexedByTheirOrdinal()
    {
        var auto = Basic.Verticals["auto"];
        auto.Campaigns.Select(campaign => (campaign.Id, campaign.Ordinal)).ShouldBe([("acme-a", 0), ("acme-b", 1)]);
        auto.Index.Count.ShouldBe(2);
    }

    [Fact]
    public void CompareIdentity_OtherBuyerOrVertical_IsRefused()
    {
        var next = Catalogs.Model(Catalogs.With("campaigns acme-b buyer", "\"zenith\"") is var root
            ? ConfigPatch.Set(root, ["campaigns", "acme-b", "delivery"], null) : throw new InvalidOperationException());
        var errors = new ConfigErrors();
        CatalogCompiler.CompareIdentity(Basic, next, errors);
        errors.Errors.Select(error => (error.Code, error.Pointer)).ShouldBe([("identity_changed", "campaigns.acme-b.buyer")]);
        var none = new ConfigErrors();
        CatalogCompiler.CompareIdentity(Basic, Catalogs.Model(Catalogs.With("campaigns acme-b bid", "\"4.00\"")), none);
        none.Any.ShouldBeFalse();
    }

    [Theory]
    [InlineData("[\"192.0.2.7\"]", "-", true)]
    [InlineData("[\"192.0.2.7\"]", "paused", false)]
    [InlineData("-", "-", false)]
    public void CompareIdentity_PublisherWithAddressesLeaves_IsWarnedOf(string ips, string becomes, bool warns)
    {
        var root = Catalogs.Json(Catalogs.Basic);
        root = ConfigPatch.Set(root, ["publishers", "leaving"], Catalogs.Json("{ \"verticals\": [\"auto\"], \"payout\": { \"share\": \"80%\" } }"));
        if (ips != "-") root = ConfigPatch.Set(root, ["publishers", "leaving", "ips"], Catalogs.Json(ips));
        var next = becomes == "-" ? ConfigPatch.Set(root, ["publishers", "leaving"], null) : ConfigPatch.Set(root, ["publishers", "leaving", "status"], Catalogs.Json($"\"{becomes}\""));
        var errors = new ConfigErrors();
        CatalogCompiler.CompareIdentity(Catalogs.Model(root), Catalogs.Model(next), errors);
        errors.Errors.ShouldBeEmpty();
        errors.Warnings.Select(warning => (warning.Code, warning.Pointer)).ShouldBe(warns ? [("ips_end", "publishers.leaving.ips")] : []);
    }

    [Fact]
    public void Version_OfAFile_IsReadAndNotStored()
    {
        var root = Catalogs.With("version", "42");
        CatalogCompiler.FileVersion(root).ShouldBe(42);
        var result = Catalogs.Compile(root);
        CatalogCompiler.FileVersion(result.Canonical).ShouldBeNull();
        result.Model!.Version.ShouldBe(7);
        CatalogCompiler.FileVersion(CatalogCompiler.WithVersion(result.Canonical, 8)).ShouldBe(8);
    }

    [Fact]
    public void TenThousandCampaigns_Compile()
    {
        var json = new StringBuilder("{");
        for (var i = 0; i < 10_000; i++)
        {
            json.Append(CultureInfo.InvariantCulture, $$"""
                {{(i == 0 ? "" : ",")}}"c-{{i:D5}}": { "buyer": "{{(i % 2 == 0 ? "acme" : "zenith")}}", "vertical": "auto",
                  "filter": { "all": [ { "field": "state", "in": ["{{(i % 3 == 0 ? "CA" : "NY")}}", "TX"] }, { "field": "age", "between": [{{i % 50 + 16}}, 90] } ] },
                  "bid": { "rules": [ { "when": { "field": "cover", "is": "standard" }, "price": "{{i % 40 + 1}}.50" } ], "otherwise": "2.00" },
                  "caps": [ { "per": "day", "leads": {{i + 1}} }, { "per": "month", "spend": "90000.00" } ] }
                """);
        }
        json.Append('}');
        var root = ConfigPatch.Set(Catalogs.Json(Catalogs.Basic), ["campaigns"], Catalogs.Json(json.ToString()));
        root = ConfigPatch.Set(root, ["ping_trees"], Catalogs.Json("{ \"main\": { \"vertical\": \"auto\", \"tiers\": [{ \"name\": \"all\", \"method\": \"auction\", \"campaigns\": \"all\" }] } }"));
        var started = TimeProvider.System.GetTimestamp();
        var model = Catalogs.Model(root);
        // The bound is wide: it is there to catch what grows with the square of the campaigns, not a busy machine.
        TimeProvider.System.GetElapsedTime(started).ShouldBeLessThan(TimeSpan.FromSeconds(20));
        model.Verticals["auto"].Campaigns.Count.ShouldBe(10_000);
        model.Trees["main"].Tiers[0].Campaigns[9_999].Id.ShouldBe("c-09999");
        model.Limits.Count.ShouldBe(10_000 * 3 + 2 /* publishers' gates */ + 1 /* publisher's cap */ + 2 * 2 + 1 /* buyers */ + 1 /* tree */);
    }
}
