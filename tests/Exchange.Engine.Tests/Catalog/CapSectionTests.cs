using Exchange.Engine.Caps;
using Exchange.Engine.Catalog;
using Exchange.Engine.Fields;
using Exchange.Engine.Filters;
using Exchange.Engine.Values;
using Shouldly;

namespace Exchange.Engine.Tests.Catalog;

/// <summary>Caps as written become limits: what they are called, what they count, in which order their reasons are told.</summary>
public sealed class CapSectionTests
{
    private const string California = "{ \"field\": \"state\", \"is\": \"CA\" }";

    [Theory]
    // cap of campaign acme-b | id | name | reason
    [InlineData("{ \"per\": \"day\", \"leads\": 5 }", "c:acme-b:leads:day:America/New_York", "day.leads", Reason.CapDay)]
    [InlineData("{ \"per\": \"minute\", \"pings\": 5 }", "c:acme-b:pings:minute:America/New_York", "minute.pings", Reason.PingCap)]
    [InlineData("{ \"per\": \"month\", \"pings\": 5 }", "c:acme-b:pings:month:America/New_York", "month.pings", Reason.PingCap)]
    [InlineData("{ \"per\": \"week\", \"offers\": 5, \"time_zone\": \"UTC\" }", "c:acme-b:offers:week:UTC", "week.offers", Reason.CapWeek)]
    [InlineData("{ \"per\": \"total\", \"spend\": \"5.00\", \"each\": \"zip\" }", "c:acme-b:spend:total:America/New_York:by:zip", "total.spend.by.zip", Reason.CapTotal)]
    [InlineData("{ \"per\": \"hour\", \"leads\": 5, \"when\": " + California + " }", "c:acme-b:leads:hour:America/New_York:when:HASH", "hour.leads.when.HASH", Reason.CapHour)]
    [InlineData("{ \"per\": \"hour\", \"leads\": 5, \"each\": \"sub_id\", \"when\": " + California + " }", "c:acme-b:leads:hour:America/New_York:by:sub_id:when:HASH", "hour.leads.by.sub_id.when.HASH", Reason.CapHour)]
    public void Cap_HasAnIdThatSaysWhatItCounts(string cap, string id, string name, Reason reason)
    {
        var hash = CapName.HashOf(Catalogs.Json(California));
        var read = Caps($"[{cap}]").ShouldHaveSingleItem();
        (read.Id, read.Name, read.Reason).ShouldBe((id.Replace("HASH", hash, StringComparison.Ordinal), name.Replace("HASH", hash, StringComparison.Ordinal), reason));
        CapName.Of(((ConfigList)Catalogs.Json($"[{cap}]")).Items[0]).ShouldBe(read.Name);
    }

    [Theory]
    [InlineData("{ \"is\": \"CA\", \"field\": \"state\" }", true)] // the order of keys is no other condition
    [InlineData("{ \"field\": \"state\", \"is\": \"ca\" }", false)]
    [InlineData("{ \"field\": \"state\", \"in\": [\"CA\"] }", false)]
    [InlineData("{ \"all\": [{ \"field\": \"state\", \"is\": \"CA\" }] }", false)]
    public void Condition_HasAHashOfItsText(string other, bool same) =>
        (CapName.HashOf(Catalogs.Json(California)) == CapName.HashOf(Catalogs.Json(other))).ShouldBe(same);

    [Fact]
    public void Limits_ByWeekday_AreThoseOfTheWindowsDay()
    {
        var cap = Caps("[{ \"per\": \"day\", \"leads\": { \"mon-fri\": 40, \"sat\": 15, \"sun\": 0 }, \"time_zone\": \"Asia/Tokyo\" }]").ShouldHaveSingleItem();
        cap.Limit.ShouldBe(40);
        // 2026-11-28 is a Saturday; in Tokyo it begins at 15:00 UTC of the day before.
        var told = new[] { "2026-11-27T14:59:59Z", "2026-11-27T15:00:00Z", "2026-11-28T15:00:00Z", "2026-11-29T15:00:00Z" }
            .Select(at => cap.WindowAt(DateTimeOffset.Parse(at, System.Globalization.CultureInfo.InvariantCulture).ToUnixTimeSeconds())).Select(window => (cap.WeekdayOf(window), cap.LimitIn(window), cap.RowLimitIn(window)));
        told.ShouldBe([(5, 40L, 40L), (6, 15L, 15L), (7, 0L, 0L), (1, 40L, 40L)]);
    }

    [Fact]
    public void Options_AreKept()
    {
        var caps = Caps("""[{ "per": "day", "spend": "80.00", "soft": true, "warn_at": "90%" }, { "per": "day", "leads": 5, "pace": "even" }]""");
        (caps[0].Soft, caps[0].WarnAt, caps[0].Paced, caps[0].Limit).ShouldBe((true, new Percent(900_000), false, 80_000_000L));
        caps[0].RowLimitIn(Window.Forever).ShouldBe(LimitModel.NoLimit);
        (caps[1].Soft, caps[1].WarnAt, caps[1].Paced).ShouldBe((false, null, true));
    }

    [Fact]
    public void Takes_AreWhatSalesTake_CountedTheRest_BothInTheOrderOfReasons()
    {
        var root = ConfigPatch.Set(Catalogs.With("buyers acme caps", """[{ "per": "minute", "pings": 100 }, { "per": "hour", "spend": "900.00" }, { "per": "total", "offers": 9 }]"""),
            ["campaigns", "acme-b", "caps"], Catalogs.Json("""[{ "per": "day", "pings": 5 }, { "per": "day", "offers": 5 }, { "per": "month", "leads": 5 }, { "per": "day", "leads": 5, "each": "zip" }]"""));
        var campaign = Catalogs.Model(root).Campaigns["acme-b"];
        campaign.Takes.Select(limit => limit.Name).ShouldBe(["", "", "hour.spend", "day.leads.by.zip", "month.leads", ""]);
        campaign.Counted.Select(limit => limit.Name).ShouldBe(["day.offers", "total.offers", "minute.pings", "day.pings"]);
        campaign.Takes.Concat(campaign.Counted).ShouldAllBe(limit => limit.Id.Length > 0 && limit.IsTake != campaign.Counted.Contains(limit));
    }

    [Theory]
    [InlineData("[{ \"per\": \"day\", \"leads\": 5 }, { \"per\": \"hour\", \"pings\": 9 }]", true)] // pings are not taken
    [InlineData("[{ \"per\": \"day\", \"leads\": { \"mon-sat\": 1, \"sun\": 0 } }]", true)]
    [InlineData("[{ \"per\": \"day\", \"leads\": 5, \"soft\": true, \"warn_at\": \"1%\" }]", true)]
    [InlineData("[{ \"per\": \"day\", \"leads\": 5, \"each\": \"zip\" }]", false)]
    [InlineData("[{ \"per\": \"day\", \"leads\": 5, \"when\": " + California + " }]", false)]
    public void Gate_IsAnother_WhenSalesTakeAnotherSet(string caps, bool same) =>
        (Catalogs.Model(Catalogs.With("campaigns acme-b caps", caps)).Campaigns["acme-b"].Gate.Id
            == Catalogs.Model(Catalogs.With("campaigns acme-b caps", "[{ \"per\": \"day\", \"leads\": 5 }]")).Campaigns["acme-b"].Gate.Id).ShouldBe(same);

    [Fact]
    public void When_OfAPublisherWithSeveralVerticals_HoldsByEachOnesFields()
    {
        var root = Catalogs.With("publishers social caps", """[{ "per": "day", "pings": 5, "when": { "field": "roof", "is": "flat" }, "each": "roof" }]""");
        var cap = Catalogs.Model(root).Publishers["social"].Caps.ShouldHaveSingleItem();
        cap.Counts(Of("solar", 2, new(1, "FLAT"))).ShouldBeTrue();
        cap.ValueOf(Of("solar", 2, new(1, "FLAT"))).ShouldBe("flat");
        cap.Counts(Of("solar", 2, new(1, "steep"))).ShouldBeFalse();
        cap.Counts(Of("auto", 8, new(1, "CA"))).ShouldBeFalse();
        cap.ValueOf(Of("auto", 8, new(1, "CA"))).ShouldBe("");
    }

    [Theory]
    [InlineData("CA", "CA")] // always written so
    [InlineData(null, "")]
    public void Each_OfAState_IsTheState(string? given, string value) =>
        Caps("[{ \"per\": \"day\", \"leads\": 5, \"each\": \"state\" }]")[0].ValueOf(Of("auto", 8, given is null ? null : new(1, given))).ShouldBe(value);

    [Fact]
    public void Each_OfLongSubIds_KeepsThemApartUnderShortKeys()
    {
        var cap = Caps("[{ \"per\": \"day\", \"leads\": 5, \"each\": \"sub_id\" }]")[0];
        string[] ids = [new string('A', 300), new string('a', 299) + "b", new string('a', 63) + "\U0001F600" + new string('a', 99), "Sub: 1=2"];
        var values = ids.Select(id => cap.ValueOf(new Subject { Vertical = "auto", Publisher = "search", SubId = id, Values = [], Now = default })!).ToArray();
        values.ShouldBeUnique();
        values.ShouldAllBe(value => value.Length <= 100);
        cap.ValueOf(new Subject { Vertical = "auto", Publisher = "search", SubId = new string('a', 300), Values = [], Now = default }).ShouldBe(values[0]);
        foreach (var value in values.Append(null))
        {
            var key = cap.KeyAt(1_800_000_000, out var window, value);
            (cap.ReadKey(key, out var read), read).ShouldBe((window.Start, value));
        }
    }

    [Fact]
    public void Paced_CapsOfABuyer_AreOpenWhileAnyOfItsCampaignsIs()
    {
        var root = ConfigPatch.Set(Catalogs.With("buyers acme caps", """[{ "per": "day", "leads": 5, "pace": "even" }]"""), ["campaigns", "acme-a", "schedule"],
            Catalogs.Json("""{ "open": { "mon-fri": "08:00-12:00" } }"""));
        Schedules(root).ShouldBe(0); // acme-b is always open
        var both = ConfigPatch.Set(root, ["campaigns", "acme-b", "schedule"], Catalogs.Json("""{ "open": { "mon-fri": "10:00-18:00" } }"""));
        Schedules(both).ShouldBe(2);
        Schedules(ConfigPatch.Set(root, ["campaigns", "acme-b", "status"], Catalogs.Json("\"paused\""))).ShouldBe(1);

        static int Schedules(ConfigNode of) => Catalogs.Model(of) is var model ? Pacing.SchedulesOf(model.Buyers["acme"].Caps[0], model).Count : -1;
    }

    private static IReadOnlyList<LimitModel> Caps(string caps) => Catalogs.Model(Catalogs.With("campaigns acme-b caps", caps)).Campaigns["acme-b"].Caps;

    private sealed record Given(int Ordinal, string Text);

    private static Subject Of(string vertical, int fields, Given? given)
    {
        var values = new FieldValue[fields];
        if (given is not null) values[given.Ordinal] = new(given.Text, 0);
        return new() { Vertical = vertical, Publisher = "social", Values = values, Now = DateTimeOffset.UnixEpoch };
    }
}
