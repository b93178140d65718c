extern alias server;

using Exchange.Engine;
using Exchange.Engine.Catalog;
using Exchange.Engine.Filters;
using Exchange.Engine.Values;
using Exchange.System.Tests.Scenarios;
using server::Exchange.Server.Catalog;
using Shouldly;

namespace Exchange.System.Tests.Catalog;

/// <summary>The full example catalog: it is accepted, and sells as its first lines say.</summary>
public sealed class SolarTests
{
    [Fact]
    public void Solar_AsWritten_IsAccepted()
    {
        var result = Files.Compile(Files.Read(File.ReadAllBytes(Files.Solar)));
        result.Errors.Errors.ShouldBeEmpty();
        result.Errors.Warnings.Select(warning => (warning.Code, warning.Pointer)).ShouldBe([("no_credit", "buyers.desert-solar.credit_limit")]);
        result.Model.ShouldNotBeNull();
    }

    /// <summary>The example without what calls somebody or waits: Sunworks bids a fixed 27.00 in the place of its live answer.</summary>
    private static ConfigNode WithoutThem()
    {
        var root = Files.Read(File.ReadAllBytes(Files.Solar));
        string[] gone =
        [
            "connectors", "publishers coreg-network intake",
            "buyers sunworks endpoints", "buyers brightroof office", "buyers brightroof endpoints", "campaigns sunworks-live delivery", "campaigns brightroof-shared delivery",
            "campaigns helios-surveyed delivery", "campaigns hearth-renewals delivery", "campaigns sunworks-live bid live",
        ];
        foreach (var path in gone)
        {
            ConfigPatch.Find(root, path.Split(' ')).ShouldNotBeNull(path);
            root = ConfigPatch.Set(root, path.Split(' '), null);
        }
        return ConfigPatch.Set(root, ["campaigns", "sunworks-live", "bid", "fixed"], new ConfigText("", 1, "27.00"));
    }

    /// <summary>Monday noon in Phoenix; Desert Solar, who is prepaid, has paid.</summary>
    private static ScenarioExchange Open()
    {
        var result = Files.Compile(WithoutThem());
        result.Errors.Errors.ShouldBeEmpty();
        result.Errors.Warnings.Select(warning => (warning.Code, warning.Pointer)).ShouldBe([("no_credit", "buyers.desert-solar.credit_limit")]);
        var exchange = new ScenarioExchange { Now = new(2026, 11, 23, 19, 0, 0, TimeSpan.Zero) };
        exchange.Apply(result.Model!);
        exchange.Fund("desert-solar", Money.Parse("500.00"));
        return exchange;
    }

    private static PingCall Ping(string publisher, string vertical, string fields) =>
        new(publisher, vertical, [.. fields.Split(' ').Select(pair => KeyValuePair.Create(pair.Split('=')[0], pair.Split('=')[1]))]);

    private const string House = "zip=85004 state=AZ homeowner=own monthly_bill=240 property=house";

    private static string Told(Deal deal) => deal.Record.Outcome == Reason.None
        ? string.Join(", ", deal.Record.Offers.Select(offer =>
            $"{(offer.Best ? "" : "or ")}{deal.Record.Bids[offer.BidIndex].Campaign} {offer.Price} pays {offer.Payout}{(offer.Sharing == Sharing.Exclusive ? " exclusive" : "")}"))
        : deal.Record.Outcome.ToString();

    [Theory]
    // As the first lines of the file say: 27 + 24 + 21 = 72 beats 62; three copies earn 54.00, the exclusive sale 50.84.
    [InlineData("sun-compare", House, "sunworks-live 27.00 pays 20.25, brightroof-shared 24.00 pays 18.00, desert-shared 21.00 pays 15.75, or helios-exclusive 62.00 pays 50.84 exclusive")]
    // Outside of Phoenix Desert does not bid: 62 beats 51.
    [InlineData("sun-compare", "zip=89101 state=NV homeowner=own monthly_bill=240", "helios-exclusive 62.00 pays 50.84 exclusive, or sunworks-live 27.00 pays 20.25, or brightroof-shared 24.00 pays 18.00")]
    // A commercial roof: 45 + 27 + 21.
    [InlineData("sun-compare", "zip=85004 state=AZ homeowner=own monthly_bill=240 property=commercial", "brightroof-shared 45.00 pays 33.75, sunworks-live 27.00 pays 20.25, desert-shared 21.00 pays 15.75, or helios-exclusive 62.00 pays 50.84 exclusive")]
    // A tenth off for the other publisher, whom Desert does not take: 62 beats 27 + 21.60.
    [InlineData("coreg-network", House, "helios-exclusive 62.00 pays 37.20 exclusive, or sunworks-live 27.00 pays 16.20, or brightroof-shared 21.60 pays 12.96")]
    // California: nobody reaches the floor of 60 for an exclusive sale, nor do a renter's small bills reach 18; the second tier takes it.
    [InlineData("sun-compare", "zip=90210 state=CA homeowner=rent monthly_bill=80", "helios-surveyed 19.00 pays 14.25")]
    public void Solar_Ping_IsOffered(string publisher, string fields, string offered) => Told(Open().Ping(Ping(publisher, "solar", fields))).ShouldBe(offered);

    [Fact]
    public void Solar_BestOfTheFirstPing_Is54()
    {
        var offers = Open().Ping(Ping("sun-compare", "solar", House)).Record.Offers;
        offers.Where(offer => offer.Best).Aggregate(Money.Zero, (sum, offer) => sum + offer.Payout).ShouldBe(Money.Parse("54.00"));
    }

    [Theory]
    [InlineData("aff-17", "PublisherFilter")]
    [InlineData("kw-1", "helios-exclusive 62.00 pays 37.20 exclusive, or sunworks-live 27.00 pays 16.20, or brightroof-shared 21.60 pays 12.96")]
    public void Solar_SubIdsNotTaken_AreFilteredBeforeAnything(string subId, string told) =>
        Told(Open().Ping(Ping("coreg-network", "solar", House) with { SubId = subId })).ShouldBe(told);

    [Fact]
    public void Solar_HashOfAnAddressOrNumber_MayBePinged()
    {
        var record = Open().Ping(Ping("sun-compare", "solar", House + " phone_sha256=" + new string('a', 64))).Record;
        record.Persons.ShouldHaveSingleItem().Hmac.Length.ShouldBe(32);
        record.Persons[0].Hmac.ShouldNotBe(Convert.FromHexString(new string('a', 64)));
    }

    [Theory]
    [InlineData("2027-01-07", "hearth-renewals 14.00 pays 12.00 exclusive")] // 45 days ahead
    [InlineData("2027-01-08", "hearth-renewals 9.00 pays 7.00 exclusive")]
    public void Home_Ping_IsPaidByTheDaysToItsRenewal(string renewal, string offered) =>
        Told(Open().Ping(Ping("sun-compare", "home-insurance", $"zip=85004 state=AZ renewal_date={renewal}"))).ShouldBe(offered);

    [Fact]
    public void Solar_ExportedAndReadAgain_IsTheSameCatalog()
    {
        var root = Files.Read(File.ReadAllBytes(Files.Solar));
        CatalogDiff.Between(root, Files.Read(global::System.Text.Encoding.UTF8.GetBytes(CatalogYaml.Write(root)))).ShouldBeEmpty();
    }
}
