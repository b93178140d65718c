using System.Globalization;
using System.Text.Json.Nodes;
using Shouldly;

namespace Exchange.System.Tests.BlackBox;

/// <summary>What keeps a campaign from buying, each alone, with exactly its reason and the numbers that decided.</summary>
[Collection(OffersAndRaces.Name)]
public sealed class ExclusionTests
{
    private const string Campaign = "wanting";
    private readonly ExchangeProcess exchange;

    public ExclusionTests(RunningExchange running) => exchange = running.Process;

    [Fact]
    public async Task Filter_NotMet_TellsFieldWantedAndGiven()
    {
        var (ping, told) = await AskAsync("unfit", "bid: \"12.00\", filter: { field: state, in: [CA, OR] }", fields: new { zip = "75001", state = "TX" });
        ping["reason"].ShouldBe("no_eligible_campaign");
        told.Text("verdict").ShouldBe("excluded");
        told.Text("reason").ShouldBe("filter");
        told["miss"].Text("field").ShouldBe("state");
        told["miss"].Text("operator").ShouldBe("in");
        told["miss"].Text("given").ShouldBe("TX");
        told["miss"].Text("wanted")!.ShouldContain("CA");
        told["miss"].Text("wanted")!.ShouldContain("OR");
    }

    [Fact]
    public async Task Filter_FieldNotGiven_TellsThatNothingWasGiven()
    {
        var (_, told) = await AskAsync("ungiven", "bid: \"12.00\", filter: { field: age, at_least: 25 }", fields: new { zip = "75001" });
        told.Text("reason").ShouldBe("filter");
        told["miss"].Text("field").ShouldBe("age");
        told["miss"].Text("wanted").ShouldBe("25");
        told["miss"]!["given"].ShouldBeNull();
    }

    [Fact]
    public async Task Schedule_Closed_TellsWhenItOpens()
    {
        // Open on one day of the week, three days from now: whenever this runs, it is closed.
        var zone = TimeZoneInfo.FindSystemTimeZoneById("America/New_York");
        var day = TimeZoneInfo.ConvertTime(TimeProvider.System.GetUtcNow(), zone).Date.AddDays(3);
        var name = day.ToString("ddd", CultureInfo.InvariantCulture).ToLowerInvariant();
        var (ping, told) = await AskAsync("closed", $"bid: \"12.00\", schedule: {{ time_zone: America/New_York, open: {{ {name}: \"08:00-18:30\" }} }}");
        ping["reason"].ShouldBe("no_eligible_campaign");
        told.Text("verdict").ShouldBe("excluded");
        told.Text("reason").ShouldBe("schedule_closed");
        var opens = TimeZoneInfo.ConvertTimeToUtc(day.AddHours(8), zone);
        DateTimeOffset.Parse(told["opens"].Text("at")!, CultureInfo.InvariantCulture).UtcDateTime.ShouldBe(opens);
        told["opens"].Text("time_zone").ShouldBe("America/New_York");
        told["opens"].Text("text")!.ShouldContain("08:00");
        (await StateAsync("closed")).Text("reason").ShouldBe("schedule_closed");
    }

    [Fact]
    public async Task Cap_Full_TellsUsedAndLimit()
    {
        var zone = Market.ZoneAtDaytime();
        var (ping, told) = await AskAsync("full", $"bid: \"12.00\", caps: [ {{ per: day, leads: 1, time_zone: {zone} }} ]", soldBefore: 1);
        ping["reason"].ShouldBe("no_eligible_campaign");
        told.Text("verdict").ShouldBe("excluded");
        told.Text("reason").ShouldBe("cap_day");
        told["limit"].Text("limit").ShouldBe("1");
        told["limit"].Text("used").ShouldBe("1");
        told["limit"].Text("left").ShouldBe("0");
        told["limit"].Text("needed").ShouldBe("1");
        told["limit"].Text("time_zone").ShouldBe(zone);
        var state = await StateAsync("full");
        state.Text("open").ShouldBe("false");
        state.Text("reason").ShouldBe("cap_day");
    }

    [Fact]
    public async Task SpendCap_LessLeftThanTheBid_TellsMoneyLeft()
    {
        var (_, told) = await AskAsync("spent", "bid: \"12.00\", caps: [ { per: total, spend: \"20.00\" } ]", soldBefore: 1);
        told.Text("reason").ShouldBe("cap_total");
        told["limit"].Text("limit").ShouldBe("20.00");
        told["limit"].Text("used").ShouldBe("12.00");
        told["limit"].Text("left").ShouldBe("8.00");
        told["limit"].Text("needed").ShouldBe("12.00");
    }

    [Fact]
    public async Task Balance_Empty_TellsNeededAndLeft()
    {
        var (ping, told) = await AskAsync("broke", "bid: \"12.00\"", credit: "0.00");
        ping["reason"].ShouldBe("no_eligible_campaign");
        told.Text("verdict").ShouldBe("excluded");
        told.Text("reason").ShouldBe("balance");
        told["limit"].Text("needed").ShouldBe("12.00");
        told["limit"].Text("left").ShouldBe("0.00");
        (await StateAsync("broke")).Text("reason").ShouldBe("balance");
    }

    [Fact]
    public async Task Floor_AboveTheBid_TellsBoth()
    {
        var (ping, told) = await AskAsync("floor", "bid: \"11.40\"", floor: "12.00");
        ping["reason"].ShouldBe("all_below_floor");
        told.Text("verdict").ShouldBe("lost");
        told.Text("reason").ShouldBe("below_floor");
        told.Text("bid").ShouldBe("11.40");
        told.Text("floor").ShouldBe("12.00");
        told.Text("bid_more").ShouldBe("0.60");
        told["numbers"]!.ToJsonString().ShouldContain("floor 12.00 against bid 11.40");
    }

    [Fact]
    public async Task NoPrice_ForThisLead_Declines()
    {
        var (ping, told) = await AskAsync("unpriced", "bid: { rules: [ { when: { field: state, is: TX }, price: \"9.00\" } ] }");
        ping["reason"].ShouldBe("no_bids");
        told.Text("verdict").ShouldBe("declined");
        told.Text("reason").ShouldBe("no_bid");
    }

    [Fact]
    public async Task Campaigns_ThatTakeOthersPublishers_AreExcludedAsNotAllowed()
    {
        var (_, told) = await AskAsync("barred", "bid: \"12.00\", publishers: [other-barred]");
        told.Text("reason").ShouldBe("publisher_not_allowed");
    }

    [Fact]
    public async Task Auction_Won_TellsPriceAndWhoWasOutbid()
    {
        await exchange.ApplyAsync(Catalog("won", "bid: \"12.50\"", "1000.00", "5.00", $"\n  second-won: {{ buyer: rival-won, vertical: auto, bid: \"11.00\" }}", ", second-won"));
        using var publisher = await Sender.OfAsync(exchange, "pub-won");
        var ping = await publisher.OfferedAsync();
        var won = await exchange.ExplainedAsync(ping, $"{Campaign}-won");
        won.Text("verdict").ShouldBe("won");
        won["reason"].ShouldBeNull();
        won.Text("bid").ShouldBe("12.50");
        won.Text("price").ShouldBe("11.00");
        won.Text("payout").ShouldBe("8.80");
        var lost = await exchange.ExplainedAsync(ping, "second-won");
        lost.Text("verdict").ShouldBe("lost");
        lost.Text("reason").ShouldBe("outbid");
        lost.Text("bid").ShouldBe("11.00");
    }

    /// <summary>A market of one campaign, a ping, and what the explanation says of the campaign.</summary>
    private async Task<(Reply Ping, JsonNode Told)> AskAsync(
        string id, string campaign, string credit = "1000.00", string floor = "5.00", object? fields = null, int soldBefore = 0)
    {
        await exchange.ApplyAsync(Catalog(id, campaign, credit, floor));
        using var publisher = await Sender.OfAsync(exchange, "pub-" + id);
        for (var i = 0; i < soldBefore; i++) (await publisher.PingAndPostAsync(fields))["status"].ShouldBe("sold");
        var ping = await publisher.PingAsync(fields);
        ping.Status.ShouldBe(200, ping.Text);
        ping["status"].ShouldBe("no_offer", ping.Text);
        return (ping, await exchange.ExplainedAsync(ping["ping_id"]!, $"{Campaign}-{id}"));
    }

    private async Task<JsonNode> StateAsync(string id) => (await exchange.AdminAsync($"campaigns/{Campaign}-{id}"))["state"]!;

    private static string Catalog(string id, string campaign, string credit, string floor, string more = "", string asked = "") => Market.With(
        $$"""
        publishers:
          pub-{{id}}: { verticals: [auto], payout: { share: 80% } }
          other-{{id}}: { verticals: [auto], payout: { share: 80% } }
        buyers:
          buyer-{{id}}: { credit_limit: "{{credit}}" }
          rival-{{id}}: { credit_limit: "{{credit}}" }
        campaigns:
          {{Campaign}}-{{id}}: { buyer: buyer-{{id}}, vertical: auto, {{campaign}} }{{more}}
        ping_trees:
          tree-{{id}}:
            vertical: auto
            tiers:
              - { name: market, method: auction, pricing: {{(asked.Length == 0 ? "first_price" : "second_price")}}, floor: "{{floor}}", campaigns: [{{Campaign}}-{{id}}{{asked}}] }
        """);
}
