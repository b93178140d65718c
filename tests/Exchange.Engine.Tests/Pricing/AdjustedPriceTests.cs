using Exchange.Engine.Catalog;
using Exchange.Engine.Fields;
using Exchange.Engine.Filters;
using Exchange.Engine.Pricing;
using Exchange.Engine.Tests.Catalog;
using Exchange.Engine.Values;
using Shouldly;

namespace Exchange.Engine.Tests.Pricing;

/// <summary>Bids with adjustments and a maximum, as the catalog writes them.</summary>
public class AdjustedPriceTests
{
    [Theory]
    //          price     adjustments, each of which matches   bid
    [InlineData("10.00",  "-10%",                              "9.00")]
    [InlineData("10.00",  "+10%",                              "11.00")]
    [InlineData("10.00",  "10%",                               "11.00")]     // without a sign it is more
    [InlineData("10.00",  "-1.50",                             "8.50")]
    [InlineData("10.00",  "+2",                                "12.00")]
    [InlineData("10.00",  "-10% -1.00",                        "8.00")]      // percent of the price as it is by then
    [InlineData("10.00",  "-1.00 -10%",                        "8.10")]
    [InlineData("10.00",  "-10% -10%",                         "8.10")]
    [InlineData("1.00",   "-1.50",                             "0.00")]      // never below zero
    [InlineData("1.00",   "-1.50 +1.00",                       "0.50")]      // what comes out in the end is not, whatever is on the way
    [InlineData("10.00",  "-100%",                             "0.00")]
    [InlineData("10.00",  "+1000%",                            "110.00")]
    [InlineData("10.00",  "-33.3333%",                         "6.66667")]
    [InlineData("0.000001", "-0.0001%",                        "0.00")]      // whole micros, downward
    [InlineData("0.000001", "-50% +100%",                      "0.000001")]  // only the end is cut, not each percentage
    [InlineData("9.99",   "-33.3333% -33.3333% +50% +50%",     "9.990009")] // 9.99 × 0.666667² × 2.25 = 9.99000999…, cut once
    [InlineData("1.00",   "-50% -50% -50% -50% -50% -50% -50% -50%", "0.003906")] // 1/256, cut once
    public void Adjust_EveryMatchInOrder_GivesTheBid(string price, string changes, string bid)
    {
        var model = new PriceModel([], Money.Parse(price))
        {
            Adjustments = [.. changes.Split(' ').Select(text => new PriceAdjustment(Condition.Always, Change(text)))],
        };
        var quote = model.Quote(TestSubject.Of());
        (quote.Price!.Value, quote.Reason).ShouldBe((Money.Parse(bid), Reason.None));
    }

    [Theory]
    //          price    adjust  max      over_max  bid
    [InlineData("10.00", "+10%", "11.00", "cut",     "11.00")]
    [InlineData("10.00", "+20%", "11.00", "cut",     "11.00")]
    [InlineData("10.00", "+20%", "11.00", "decline", "invalid_price")]
    [InlineData("10.00", "+10%", "11.00", "decline", "11.00")]   // at its maximum it bids
    [InlineData("12.00", "-10%", "11.00", "decline", "10.80")]   // the maximum is asked after the adjustments
    [InlineData("12.00", null,   "11.00", "cut",     "11.00")]
    [InlineData(null,    "+10%", "11.00", "decline", "no_bid")]  // nothing to adjust
    public void Max_AfterAdjustments_CutsOrDeclines(string? price, string? by, string max, string overMax, string told)
    {
        var model = new PriceModel([], price is null ? null : Money.Parse(price))
        {
            Adjustments = by is null ? [] : [new(Condition.Always, Change(by))], Max = Money.Parse(max),
            OverMax = overMax == "cut" ? OverMax.Cut : OverMax.Decline,
        };
        Tell(model.Quote(TestSubject.Of())).ShouldBe(told);
    }

    private const string Modifiers = """
        { "rules": [{ "when": { "field": "state", "is": "NY" }, "price": "8.00" }], "otherwise": "10.00",
          "adjust": [
            { "when": { "field": "publisher", "is": "social" }, "by": "-10%" },
            { "when": { "field": "hour", "between": [9, 17] }, "by": "+0.50" },
            { "when": { "field": "weekday", "in": ["sat", "sun"] }, "by": "-20%" },
            { "when": { "all": [{ "field": "sharing", "is": "shared" }] }, "by": "-50%" },
            { "when": { "field": "age", "at_least": 60 }, "by": "+1" }
          ], "max": "11.00" }
        """;

    [Theory]
    // 2026-11-23 is a Monday; New York is five hours behind.
    //          publisher  state  age   sharing           UTC                 bid
    [InlineData("search",  "CA",  null, Sharing.Exclusive, "2026-11-23T07:00", "10.00")]
    [InlineData("search",  "NY",  null, Sharing.Exclusive, "2026-11-23T07:00", "8.00")]
    [InlineData("social",  "CA",  null, Sharing.Exclusive, "2026-11-23T07:00", "9.00")]
    [InlineData("search",  "CA",  null, Sharing.Exclusive, "2026-11-23T14:00", "10.50")]    // 09:00 in New York
    [InlineData("search",  "CA",  null, Sharing.Exclusive, "2026-11-23T13:59", "10.00")]
    [InlineData("search",  "CA",  null, Sharing.Exclusive, "2026-11-23T22:59", "10.50")]    // 17:59
    [InlineData("search",  "CA",  null, Sharing.Exclusive, "2026-11-22T07:00", "8.00")]     // Sunday
    [InlineData("search",  "CA",  null, Sharing.Exclusive, "2026-11-23T04:00", "8.00")]     // still Sunday there
    [InlineData("search",  "CA",  null, Sharing.Shared,    "2026-11-23T07:00", "5.00")]
    [InlineData("search",  "CA",  70,   Sharing.Exclusive, "2026-11-23T15:00", "11.00")]    // 10.00 + 0.50 + 1 is cut to the maximum
    [InlineData("social",  "NY",  70,   Sharing.Shared,    "2026-11-22T15:00", "4.08")]     // ((8.00 × 0.9 + 0.50) × 0.8) × 0.5 + 1
    public void Adjust_ByPublisherHourWeekdaySharingAndField_IsReadByTheConditions(
        string publisher, string state, int? age, Sharing sharing, string utc, string bid)
    {
        var model = Catalogs.Model(Catalogs.With("campaigns acme-a bid", Modifiers));
        var fields = model.Verticals["auto"].Fields;
        var values = new FieldValue[fields.All.Count];
        values[fields.Find("state")!.Ordinal] = new(state, 0);
        if (age is { } years) values[fields.Find("age")!.Ordinal] = new(years.ToString(System.Globalization.CultureInfo.InvariantCulture), years);
        var subject = new Subject
        {
            Vertical = "auto", Publisher = publisher, Values = values, Sharing = sharing,
            Now = DateTimeOffset.Parse(utc + "Z", System.Globalization.CultureInfo.InvariantCulture),
        };
        Tell(model.Campaigns["acme-a"].Bid.Quote(subject)).ShouldBe(bid);
    }

    [Fact]
    public void Bid_WithEveryKey_CompilesToWhatItSays()
    {
        var bid = Catalogs.Model(Catalogs.With("campaigns acme-a bid",
            "{ \"fixed\": \"12.50\", \"adjust\": [{ \"when\": { \"field\": \"publisher\", \"is\": \"social\" }, \"by\": \"-12.5%\" }], \"max\": \"20.00\", \"over_max\": \"decline\", \"pays\": \"bid\" }"))
            .Campaigns["acme-a"].Bid;
        (bid.Otherwise, bid.Max, bid.OverMax, bid.PaysBid).ShouldBe((Money.Parse("12.50"), Money.Parse("20.00"), OverMax.Decline, true));
        bid.Adjustments.ShouldHaveSingleItem().By.ShouldBe(Change("-12.5%"));
        var plain = Catalogs.Model(Catalogs.With("campaigns acme-a bid", "{ \"fixed\": \"12.50\", \"max\": \"20.00\" }")).Campaigns["acme-a"].Bid;
        (plain.OverMax, plain.PaysBid, plain.Adjustments.Count).ShouldBe((OverMax.Cut, false, 0));
    }

    [Theory]
    //          the bid                                                                     code             where
    [InlineData("\"adjust\": []",                                                           "empty",         "adjust")]
    [InlineData("\"adjust\": \"-10%\"",                                                     "wrong_type",    "adjust")]
    [InlineData("\"adjust\": [\"-10%\"]",                                                   "wrong_type",    "adjust[0]")]
    [InlineData("\"adjust\": [{ \"by\": \"-10%\" }]",                                       "missing_key",   "adjust[0].when")]
    [InlineData("\"adjust\": [{ \"when\": WHEN }]",                                         "missing_key",   "adjust[0].by")]
    [InlineData("\"adjust\": [{ \"when\": WHEN, \"by\": \"less\" }]",                       "invalid_format", "adjust[0].by")]
    [InlineData("\"adjust\": [{ \"when\": WHEN, \"by\": \"--5\" }]",                        "invalid_format", "adjust[0].by")]
    [InlineData("\"adjust\": [{ \"when\": WHEN, \"by\": \"+-5%\" }]",                       "invalid_format", "adjust[0].by")]
    [InlineData("\"adjust\": [{ \"when\": WHEN, \"by\": \"-\" }]",                          "invalid_format", "adjust[0].by")]
    [InlineData("\"adjust\": [{ \"when\": WHEN, \"by\": \"%\" }]",                          "invalid_format", "adjust[0].by")]
    [InlineData("\"adjust\": [{ \"when\": WHEN, \"by\": \"-10.12345%\" }]",                 "invalid_format", "adjust[0].by")]
    [InlineData("\"adjust\": [{ \"when\": WHEN, \"by\": \"1.1234567\" }]",                  "invalid_format", "adjust[0].by")]
    [InlineData("\"adjust\": [{ \"when\": WHEN, \"by\": \"-101%\" }]",                      "out_of_range",  "adjust[0].by")]
    [InlineData("\"adjust\": [{ \"when\": WHEN, \"by\": \"1001%\" }]",                      "out_of_range",  "adjust[0].by")]
    [InlineData("\"adjust\": [{ \"when\": WHEN, \"by\": \"+999999999999\" }]",              "out_of_range",  "adjust[0].by")] // 12.50 more than money can be
    [InlineData("\"adjust\": [{ \"when\": WHEN, \"by\": \"-5%\", \"max\": \"5\" }]",        "unknown_key",   "adjust[0].max")]
    [InlineData("\"adjust\": [{ \"when\": { \"field\": \"price\", \"at_least\": 5 }, \"by\": \"-5%\" }]", "field_not_here", "adjust[0].when.field")]
    [InlineData("\"max\": \"0.00\"",                                                        "out_of_range",  "max")]
    [InlineData("\"max\": \"60%\"",                                                         "invalid_format", "max")]
    [InlineData("\"over_max\": \"cut\"",                                                    "misplaced_key", "over_max")]
    [InlineData("\"max\": \"20.00\", \"over_max\": \"clip\"",                               "unknown_value", "over_max")]
    [InlineData("\"pays\": \"floor\"",                                                      "unknown_value", "pays")]
    public void Bid_WithOneWrongThing_IsRefusedWithItsCodeAndPath(string keys, string code, string where)
    {
        var json = $"{{ \"fixed\": \"12.50\", {keys.Replace("WHEN", "{ \"field\": \"hour\", \"at_least\": 9 }", StringComparison.Ordinal)} }}";
        var result = Catalogs.Compile(Catalogs.With("campaigns acme-a bid", json));
        result.Model.ShouldBeNull();
        result.Errors.Errors.Select(error => (error.Code, error.Pointer)).ShouldBe([(code, "campaigns.acme-a.bid." + where)]);
        result.Errors.Errors.ShouldAllBe(error => error.Message.EndsWith('.') || error.Message.EndsWith('?'));
    }

    [Theory]
    [InlineData("adjust", "[]")]
    [InlineData("max", "\"9.00\"")]
    [InlineData("over_max", "\"cut\"")]
    [InlineData("pays", "\"bid\"")]
    [InlineData("live", "\"crm\"")]
    public void Floor_WithAKeyOfBids_IsRefused(string key, string json)
    {
        var result = Catalogs.Compile(Catalogs.With("ping_trees auto-main tiers",
            $"[{{ \"name\": \"market\", \"method\": \"auction\", \"campaigns\": \"all\", \"floor\": {{ \"fixed\": \"5.00\", \"{key}\": {json} }} }}]"));
        result.Errors.Errors.Select(error => (error.Code, error.Pointer)).ShouldBe([("misplaced_key", $"ping_trees.auto-main.tiers[0].floor.{key}")]);
    }

    [Theory]
    //          bid                                                                                                   warning
    [InlineData("{ \"fixed\": \"12.50\", \"max\": \"11.00\", \"over_max\": \"decline\" }",                            "never_used campaigns.acme-a.bid.max")]
    [InlineData("{ \"fixed\": \"12.50\", \"max\": \"11.00\" }",                                                       "")]
    [InlineData("{ \"fixed\": \"12.50\", \"max\": \"4.00\" }",                                                        "below_floor campaigns.acme-a.bid")] // the floor is 5.00
    [InlineData("{ \"fixed\": \"4.00\", \"adjust\": [{ \"when\": { \"field\": \"age\", \"exists\": true }, \"by\": \"+10%\" }] }", "below_floor campaigns.acme-a.bid")]
    [InlineData("{ \"fixed\": \"4.00\", \"adjust\": [{ \"when\": { \"field\": \"age\", \"exists\": true }, \"by\": \"+25%\" }] }", "")] // 5.00 where it matches
    public void Bid_ThatCanNeverCount_IsWarnedOf(string bid, string warning)
    {
        var result = Catalogs.Compile(Catalogs.With("campaigns acme-a bid", bid));
        result.Errors.Errors.ShouldBeEmpty();
        string.Join(", ", result.Errors.Warnings.Select(told => $"{told.Code} {told.Pointer}")).ShouldBe(warning);
    }

    [Fact]
    public void Quote_OfAnyBid_AllocatesNothing()
    {
        var model = new PriceModel([new(When.Exclusive, Money.Parse("12.00"))], Money.Parse("9.00"))
        {
            Adjustments = [new(Condition.Always, Change("-12.5%")), new(When.Exclusive, Change("+2"))], Max = Money.Parse("11.00"), OverMax = OverMax.Decline,
        };
        var subject = TestSubject.Of();
        for (var i = 0; i < 200; i++) model.Quote(subject);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1_000; i++)
        {
            subject.Sharing = (Sharing)(i & 1);
            model.Quote(subject);
        }
        (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBe(0);
    }

    [Theory]
    [InlineData("-10%", "-10%")]
    [InlineData("12.5%", "+12.5%")]
    [InlineData("-0.5%", "-0.5%")]
    [InlineData("+2", "+2.00")]
    [InlineData("-1.5", "-1.50")]
    public void Change_AsWritten_ReadsAndWrites(string written, string text) => Change(written).ToString().ShouldBe(text);

    private static PriceChange Change(string text) => PriceChange.TryParse(text, out var change) ? change : throw new FormatException(text);

    private static string Tell(PriceQuote quote) => quote.Reason == Reason.None ? quote.Price!.Value.ToString() : quote.Reason.Wire();
}
