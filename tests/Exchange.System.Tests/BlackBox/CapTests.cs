using System.Globalization;
using System.Net;
using System.Text.Json.Nodes;
using Shouldly;

namespace Exchange.System.Tests.BlackBox;

/// <summary>Caps as admins change them in the middle of the day and under load, over the real server.</summary>
[Collection(OffersAndRaces.Name)]
public sealed class CapTests
{
    private readonly ExchangeProcess exchange;

    public CapTests(RunningExchange running) => exchange = running.Process;

    [Fact]
    public async Task CapLoweredUnderLoad_ActsAtOnce_AndUnsellsNothing()
    {
        await exchange.ApplyAsync(Catalog("low", """[ { per: total, leads: 100000 } ]"""));
        using var publisher = await Sender.OfAsync(exchange, "pub-low");
        using var stop = new CancellationTokenSource();
        var sold = 0;
        var senders = Enumerable.Range(0, 8).Select(_ => Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested) if (await SellAsync(publisher)) Interlocked.Increment(ref sold);
        })).ToArray();
        while (Volatile.Read(ref sold) < 100) await SellAsync(publisher);
        await exchange.PatchAsync("campaigns/camp-low/caps/total.leads", new { limit = 5 });
        var atPatch = (await CapAsync("low", "total.leads"))["used"]!.GetValue<long>();
        // What is decided after the answer is decided by the new limit.
        for (var i = 0; i < 30; i++) (await SellAsync(publisher)).ShouldBeFalse();
        await stop.CancelAsync();
        await Task.WhenAll(senders);
        var cap = await CapAsync("low", "total.leads");
        cap["used"]!.GetValue<long>().ShouldBe(atPatch);
        cap["left"]!.GetValue<long>().ShouldBe(5 - atPatch);
        // Raised again by one, exactly one more is sold.
        await exchange.PatchAsync("campaigns/camp-low/caps/total.leads", new { leads = atPatch + 1 });
        (await SellAsync(publisher)).ShouldBeTrue();
        (await SellAsync(publisher)).ShouldBeFalse();
    }

    /// <summary>
    /// Each time the campaign has other caps, a gate closes for whoever decided on those before. Nobody is paused, and no lead that was on its way is told so.
    /// </summary>
    [Fact]
    public async Task CapsThatComeAndGoUnderLoad_RefuseNobody()
    {
        await exchange.ApplyAsync(Catalog("churn", """[ { per: total, leads: 100000 } ]"""));
        using var publisher = await Sender.OfAsync(exchange, "pub-churn");
        using var stop = new CancellationTokenSource();
        var unsold = new global::System.Collections.Concurrent.ConcurrentQueue<string>();
        var senders = Enumerable.Range(0, 8).Select(_ => Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested) if (await publisher.PingAndPostAsync() is var reply && reply["status"] != "sold") unsold.Enqueue(reply.Text);
        })).ToArray();
        for (var round = 0; round < 60; round++)
        {
            object[] caps = round % 2 == 0 ? [new { per = "total", leads = 100_000 }, new { per = "day", leads = 100_000 }] : [new { per = "total", leads = 100_000 }];
            await exchange.PatchAsync("campaigns/camp-churn", new { caps });
        }
        await stop.CancelAsync();
        await Task.WhenAll(senders);
        unsold.ShouldBeEmpty();
    }

    [Fact]
    public async Task CapOfATreeSetUnderLoad_CountsEverySale()
    {
        // Whatever was decided on the catalog before is refused once the tree has caps, and decided again.
        await exchange.ApplyAsync(Catalog("tree", """[ { per: total, leads: 100000 } ]"""));
        using var publisher = await Sender.OfAsync(exchange, "pub-tree");
        using var stop = new CancellationTokenSource();
        var sold = 0;
        var senders = Enumerable.Range(0, 8).Select(_ => Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested) if (await SellAsync(publisher)) Interlocked.Increment(ref sold);
        })).ToArray();
        for (var round = 0; round < 6; round++)
        {
            var before = Volatile.Read(ref sold);
            while (Volatile.Read(ref sold) < before + 20) await Task.Delay(5);
            await exchange.ApplyAsync(Catalog("tree", """[ { per: total, leads: 100000 } ]""", treeCaps: round % 2 == 0 ? """[ { per: total, leads: 200000 } ]""" : ""));
        }
        await exchange.ApplyAsync(Catalog("tree", """[ { per: total, leads: 100000 } ]""", treeCaps: """[ { per: total, leads: 200000 } ]"""));
        await stop.CancelAsync();
        await Task.WhenAll(senders);
        (await CapAsync("tree", "total.leads"))["used"]!.GetValue<long>().ShouldBe(sold);
        await CounterRows.UntilUsedAsync(exchange.Folder, "t:tree-tree:leads:total:America/New_York", sold);
    }

    [Theory]
    [InlineData("plain", """{ per: day, leads: 5, ZONE }""", "day.leads", "3")]
    [InlineData("spend", """{ per: month, spend: "45.00", ZONE }""", "month.spend", "30.00")]
    [InlineData("days", """{ per: day, leads: { mon-sat: 5, sun: 5 }, ZONE }""", "day.leads", "3")]
    [InlineData("when", """{ per: day, leads: 4, when: { field: state, is: CA }, ZONE }""", "day.leads.when.", "2")]
    public async Task CapSetInMidPeriod_CountsWhatThePeriodSold(string id, string cap, string name, string used)
    {
        cap = cap.Replace("ZONE", $"time_zone: {Market.ZoneAtDaytime()}", StringComparison.Ordinal);
        await exchange.ApplyAsync(Catalog(id, "[ { per: total, leads: 1000 } ]"));
        using var publisher = await Sender.OfAsync(exchange, "pub-" + id);
        foreach (var state in (string[])["CA", "NV", "CA"]) (await SellAsync(publisher, state)).ShouldBeTrue();
        await exchange.ApplyAsync(Catalog(id, $"[ {cap} ]"));
        (await CapAsync(id, name))["used"]!.ToString().ShouldBe(used);
        // What is left is sold in California, and not one more.
        var more = 0;
        while (more < 10 && await SellAsync(publisher, "CA")) more++;
        more.ShouldBe(id == "spend" ? 1 : 2);
        (await SellAsync(publisher, "NV")).ShouldBe(id == "when");
    }

    [Fact]
    public async Task CapByValueSetInMidPeriod_CountsWhatEachValueSold()
    {
        await exchange.ApplyAsync(Catalog("each", "[ { per: total, leads: 1000 } ]"));
        using var publisher = await Sender.OfAsync(exchange, "pub-each");
        foreach (var state in (string[])["CA", "NV", "CA"]) (await SellAsync(publisher, state)).ShouldBeTrue();
        await exchange.ApplyAsync(Catalog("each", $"[ {{ per: day, leads: 3, each: state, time_zone: {Market.ZoneAtDaytime()} }} ]"));
        Values(await CapAsync("each", "day.leads.by.state")).ShouldBe(["CA 2", "NV 1"]);
        (await SellAsync(publisher, "CA")).ShouldBeTrue();
        (await SellAsync(publisher, "CA")).ShouldBeFalse();
        (await SellAsync(publisher, "NV")).ShouldBeTrue();
        await exchange.PatchAsync("campaigns/camp-each/caps/day.leads.by.state", new { limit = 4 });
        (await SellAsync(publisher, "CA")).ShouldBeTrue();
        Values(await CapAsync("each", "day.leads.by.state")).ShouldBe(["CA 4", "NV 2"]);
    }

    [Fact]
    public async Task PublishersPings_BeyondTheirCap_GetNoOffer()
    {
        await exchange.ApplyAsync(Catalog("pings", "[ { per: total, leads: 1000 } ]", """[ { per: total, pings: 20, each: sub_id } ]"""));
        using var publisher = await Sender.OfAsync(exchange, "pub-pings");
        var answers = await Task.WhenAll(Enumerable.Range(0, 60).Select(_ => publisher.PingAsync(with: new { sub_id = "kw-1" })));
        answers.ShouldAllBe(answer => answer.Status == (int)HttpStatusCode.OK);
        answers.Count(answer => answer["status"] == "offered").ShouldBe(20);
        answers.Where(answer => answer["status"] != "offered").Select(answer => answer["reason"]).Distinct().ShouldBe(["publisher_cap"]);
        (await publisher.PingAsync(with: new { sub_id = "kw-2" }))["status"].ShouldBe("offered");
    }

    [Fact]
    public async Task SoftCap_SellsOn_AndTellsOnce()
    {
        await exchange.ApplyAsync(Catalog("soft", """[ { per: total, leads: 4, soft: true, warn_at: 50% } ]"""));
        using var publisher = await Sender.OfAsync(exchange, "pub-soft");
        var before = await ReachedAsync();
        for (var i = 0; i < 6; i++) (await SellAsync(publisher)).ShouldBeTrue();
        var cap = await CapAsync("soft", "total.leads");
        (cap["left"]!.GetValue<long>(), cap["warned"]!.GetValue<bool>(), cap["reached"]!.GetValue<bool>()).ShouldBe((-2, true, true));
        var alerts = (await exchange.AdminAsync("alerts"))["alerts"]!.AsArray().Where(alert => alert.Text("id") == "camp-soft");
        alerts.Select(alert => (alert.Text("level"), alert.Text("used"), alert.Text("cap"))).ShouldBe([("reached", "4", "total.leads"), ("warned", "2", "total.leads")]);
        (await ReachedAsync()).ShouldBe(before + 1);

        async Task<int> ReachedAsync()
        {
            const string Metric = """leadexchange_cap_alerts_total{of="campaign",level="reached"} """;
            return (await exchange.MetricsAsync()).Split('\n').SingleOrDefault(line => line.StartsWith(Metric, StringComparison.Ordinal)) is { } line
                ? int.Parse(line[Metric.Length..], CultureInfo.InvariantCulture) : 0;
        }
    }

    [Fact]
    public async Task PacedCap_TurnsTheNextPingAway_AndSaysUntilWhen()
    {
        await exchange.ApplyAsync(Catalog("pace", $"[ {{ per: day, leads: 2, pace: even, time_zone: {Market.ZoneAtDaytime()} }} ]"));
        using var publisher = await Sender.OfAsync(exchange, "pub-pace");
        (await SellAsync(publisher)).ShouldBeTrue();
        var ping = await publisher.PingAsync();
        ping["status"].ShouldBe("no_offer");
        (await exchange.ExplainedAsync(ping["ping_id"]!, "camp-pace")).Text("reason").ShouldBe("pacing");
        var state = (await exchange.AdminAsync("campaigns/camp-pace"))["state"]!;
        state.Text("reason").ShouldBe("pacing");
        state["caps"]!.AsArray().Single()!["pace"]!["next_at"].ShouldNotBeNull();
    }

    private static async Task<bool> SellAsync(Sender publisher, string state = "CA")
    {
        var ping = await publisher.PingAsync(new { zip = "90210", state });
        if (ping["status"] != "offered") return false;
        return (await publisher.PostAsync(ping["ping_id"]!))["status"] == "sold";
    }

    private async Task<JsonNode> CapAsync(string id, string name) =>
        (await exchange.AdminAsync("campaigns/camp-" + id))["state"]!["caps"]!.AsArray().Single(cap => cap.Text("cap")!.StartsWith(name, StringComparison.Ordinal))!;

    private static IEnumerable<string> Values(JsonNode cap) => cap["values"]!.AsArray().Select(value => $"{value.Text("value")} {value.Text("used")}");

    private static string Catalog(string id, string caps, string publisherCaps = "", string treeCaps = "") => Market.With($$"""
        publishers:
          pub-{{id}}: { verticals: [auto], payout: { share: 80% }{{(publisherCaps.Length == 0 ? "" : ", caps: " + publisherCaps)}} }
        buyers:
          buyer-{{id}}: { credit_limit: unlimited }
        campaigns:
          camp-{{id}}: { buyer: buyer-{{id}}, vertical: auto, bid: "10.00", caps: {{caps}} }
        ping_trees:
          tree-{{id}}: { vertical: auto, {{(treeCaps.Length == 0 ? "" : "caps: " + treeCaps + ", ")}}tiers: [ { name: only, method: priority, campaigns: [camp-{{id}}] } ] }
        """);
}

/// <summary>Counts of offers outlive a kill but for the last moment.</summary>
[Collection(OffersAndRaces.Name)]
public sealed class CountsAfterAKillTests(RunningExchange running)
{
    [Fact]
    public async Task Offers_CountedBeforeAKill_AreCountedAfterwards()
    {
        var exchange = running.Process;
        await exchange.ApplyAsync(Market.With("""
            publishers:
              pub-killed: { verticals: [auto], payout: { share: 80% } }
            buyers:
              buyer-killed: { credit_limit: unlimited }
            campaigns:
              camp-killed: { buyer: buyer-killed, vertical: auto, bid: "10.00", caps: [ { per: total, offers: 30 } ] }
            ping_trees:
              tree-killed: { vertical: auto, tiers: [ { name: only, method: priority, campaigns: [camp-killed] } ] }
            """));
        using var publisher = await Sender.OfAsync(exchange, "pub-killed");
        for (var i = 0; i < 20; i++) await publisher.OfferedAsync();
        var before = (await exchange.CapAsync("camp-killed", "total.offers"))["used"]!.GetValue<long>();
        before.ShouldBe(20);
        await CounterRows.UntilUsedAsync(exchange.Folder, "c:camp-killed:offers:total:America/New_York", 20);
        await running.KillAndRestartAsync();
        (await exchange.CapAsync("camp-killed", "total.offers"))["used"]!.GetValue<long>().ShouldBe(20);
        var offered = 0;
        while (offered < 40 && (await publisher.PingAsync())["status"] == "offered") offered++;
        offered.ShouldBe(10);
    }
}
