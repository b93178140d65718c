using Exchange.Engine.Caps;
using Exchange.Engine.Catalog;
using Exchange.Engine.Fields;
using Exchange.Engine.Filters;
using Exchange.Engine.Pricing;
using Exchange.Engine.Values;
using Shouldly;

namespace Exchange.System.Tests.Catalog;

public sealed class CatalogFileTests
{
    [Fact]
    public void AutoInsurance_Compiles_ToWhatItSays()
    {
        var result = Files.Compile(Files.Read(File.ReadAllBytes(Files.AutoInsurance)));
        result.Errors.Errors.ShouldBeEmpty();
        result.Errors.Warnings.ShouldBeEmpty();
        var model = result.Model.ShouldNotBeNull();
        (model.Currency, model.Zone.Id, model.PriceStep).ShouldBe(("USD", "America/New_York", Money.Parse("0.01")));

        var vertical = model.Verticals["auto-insurance"];
        vertical.Fields.Count.ShouldBe(10);
        vertical.Fields.All.Where(field => field.Ping == FieldUse.Required).Select(field => field.Name).ShouldBe(["zip", "state"]);
        vertical.Fields.All.Where(field => field.Pii).Select(field => field.Name).ShouldBe(["first_name", "last_name", "email", "phone"]);
        vertical.Duplicate!.Keys.Select(key => key.Name).ShouldBe(["phone", "email"]);
        vertical.Campaigns.Select(campaign => campaign.Id).ShouldBe(["acme-west", "best-auto-any", "pool-a", "pool-b", "pool-c"]);

        var publisher = model.Publishers["search-partner"];
        publisher.Verticals["auto-insurance"].Payout.Otherwise.ShouldBe(PayoutTerms.Share(new Percent(800_000)));
        publisher.Caps.ShouldHaveSingleItem().Limit.ShouldBe(5000);

        var acme = model.Campaigns["acme-west"];
        acme.Takes.Select(limit => limit.Kind == LimitKind.Gate ? limit.Id[..limit.Id.LastIndexOf(':')] : limit.Id).ShouldBe(
            ["open:acme-west", "open:buyer:acme", "c:acme-west:leads:day:America/Los_Angeles", "c:acme-west:spend:month:America/New_York", "bal:acme"]);
        acme.Bid.Otherwise.ShouldBe(Money.Parse("12.50"));
        acme.Schedule!.IsOpen(new DateTimeOffset(2026, 11, 22, 3, 0, 0, TimeSpan.Zero)).ShouldBeTrue();
        var best = model.Campaigns["best-auto-any"];
        (best.Sharing, best.Schedule, best.Bid.Rules.Count, best.Bid.Otherwise).ShouldBe((Sharing.Either, null, 2, Money.Parse("7.00")));

        var tree = model.Trees["auto-default"];
        tree.Tiers.Select(tier => (tier.Name, tier.Method, tier.Pricing, tier.Copies)).ShouldBe(
            [("market", TierMethod.Auction, TierPricing.SecondPrice, 1), ("overflow", TierMethod.Weighted, TierPricing.FirstPrice, 1)]);
        tree.Tiers[0].Deadline.ShouldBe(TimeSpan.FromMilliseconds(300));
        tree.Tiers[1].Weights.ShouldBe([60, 20, 20]);
    }

    [Fact]
    public void AutoInsurance_Filters_AreThoseOfTheFile()
    {
        var model = Files.Compile(Files.Read(File.ReadAllBytes(Files.AutoInsurance))).Model!;
        var fields = model.Verticals["auto-insurance"].Fields;
        Subject Ping(string state, int age)
        {
            var values = new FieldValue[fields.Count];
            values[fields.Find("state")!.Ordinal] = new(state, 0);
            values[fields.Find("age")!.Ordinal] = new(age.ToString(global::System.Globalization.CultureInfo.InvariantCulture), age);
            values[fields.Find("currently_insured")!.Ordinal] = new("true", 1);
            return new() { Vertical = "auto-insurance", Publisher = "search-partner", Values = values, Now = DateTimeOffset.UnixEpoch };
        }
        var acme = model.Campaigns["acme-west"];
        (acme.Filter.Holds(Ping("CA", 35)), acme.Filter.Holds(Ping("NY", 35)), acme.Filter.Holds(Ping("CA", 66))).ShouldBe((true, false, false));
        model.Campaigns["best-auto-any"].Bid.PriceFor(Ping("CA", 35)).ShouldBe(Money.Parse("11.00"));
        model.Campaigns["best-auto-any"].Bid.PriceFor(Ping("NY", 35)).ShouldBe(Money.Parse("7.00"));
    }

    [Fact]
    public void Sample_HasNoErrorsAndNoWarnings()
    {
        var result = Files.Compile(Files.Sample());
        result.Errors.Errors.ShouldBeEmpty();
        result.Errors.Warnings.ShouldBeEmpty();
        result.Model!.Verticals.Keys.Order().ShouldBe(["car-insurance", "home-solar"]);
    }

    /// <summary>A newcomer's first ping must sell, at any hour and with nothing but what the vertical requires.</summary>
    [Theory]
    [InlineData("car-insurance", "state", "WY")]
    [InlineData("car-insurance", "state", "NY")]
    [InlineData("home-solar", "homeowner", "own")]
    [InlineData("home-solar", "homeowner", "rent")]
    public void Sample_AnyPing_HasAnUncappedTakerAtAnyHour(string verticalId, string field, string value)
    {
        var model = Files.Compile(Files.Sample()).Model!;
        var vertical = model.Verticals[verticalId];
        var values = new FieldValue[vertical.Fields.Count];
        var schema = vertical.Fields.Find(field)!;
        values[schema.Ordinal] = new(value, schema.Values.ToList().IndexOf(value));
        var subject = new Subject { Vertical = verticalId, Publisher = "rate-finder", Values = values, Now = DateTimeOffset.UnixEpoch };
        vertical.Trees.ShouldHaveSingleItem().Publishers.ShouldBe(PublisherSet.All);
        vertical.Trees[0].Tiers.SelectMany(tier => tier.Campaigns.Where((campaign, index) => tier.Method != TierMethod.Weighted || tier.Weights[index] > 0))
            .ShouldContain(campaign => campaign.Filter.Holds(subject) && campaign.Bid.PriceFor(subject) > Money.Parse("1.00") && campaign.Caps.Count == 0
                && campaign.Schedule == null && campaign.Buyer.Balance.Limit == long.MaxValue / 4);
    }
}
