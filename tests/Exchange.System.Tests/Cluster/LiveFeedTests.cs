using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using Exchange.Grains.Feed;
using Exchange.System.Tests.BlackBox;
using Microsoft.Extensions.Time.Testing;
using Shouldly;

namespace Exchange.System.Tests.Cluster;

/// <summary>What admins see happen.</summary>
[Collection(LeadsAndReturns.Name)]
public sealed class LiveFeedTests
{
    private static readonly string Catalog = Market.With(
        """
        publishers:
          pub-feed: { verticals: [auto], payout: { share: 80% } }
        buyers:
          buyer-feed: { credit_limit: unlimited }
        campaigns:
          camp-feed: { buyer: buyer-feed, vertical: auto, bid: "10.00" }
        ping_trees:
          tree-feed: { vertical: auto, tiers: [ { name: only, method: priority, campaigns: [camp-feed] } ] }
        """);

    private readonly ExchangeProcess exchange;

    public LiveFeedTests(RunningExchange running) => exchange = running.Process;

    [Fact]
    public async Task Live_TellsOfPingsLeadsAndCatalogs_WithoutWhatWasTyped()
    {
        await exchange.ApplyAsync(Catalog);
        using var publisher = await Sender.OfAsync(exchange, "pub-feed");
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/admin/live");
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", ExchangeProcess.AdminKey);
        using var response = await exchange.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        response.Content.Headers.ContentType!.MediaType.ShouldBe("text/event-stream");
        using var lines = new StreamReader(await response.Content.ReadAsStreamAsync());
        (await lines.ReadLineAsync()).ShouldStartWith(":");

        var ping = await publisher.OfferedAsync();
        (await publisher.PostAsync(ping))["status"].ShouldBe("sold");
        await exchange.ApplyAsync(Catalog.Replace("10.00", "11.00", StringComparison.Ordinal));

        var (kind, pinged) = await NextAsync(lines);
        (kind, pinged["ping_id"]!.ToString(), pinged["status"]!.ToString(), pinged["offers"]![0]!["price"]!.ToString()).ShouldBe(("ping", ping, "offered", "10.00"));
        (kind, var lead) = await NextAsync(lines);
        (kind, lead["lead_id"]!.ToString(), lead["status"]!.ToString(), lead["copies"]![0]!["campaign"]!.ToString()).ShouldBe(("lead", ping, "sold", "camp-feed"));
        foreach (var typed in (string[])["90210", "person", "+1310", "Pat"]) (pinged.ToJsonString() + lead.ToJsonString()).ShouldNotContain(typed);
        (kind, var applied) = await NextAsync(lines);
        (kind, applied["version"]!.GetValue<long>()).ShouldBe(("catalog", long.Parse((await exchange.GetAsync("/v1/admin/catalog")).Headers["ETag"].Trim('"'), global::System.Globalization.CultureInfo.InvariantCulture)));
    }

    [Fact]
    public async Task Live_IsForAdminsAndViewersAlone()
    {
        await exchange.ApplyAsync(Catalog);
        (await exchange.GetAsync("/v1/admin/live", null)).Status.ShouldBe(401);
        (await exchange.GetAsync("/v1/admin/live", await exchange.KeyAsync("buyer", "buyer-feed"))).Status.ShouldBe(403);
    }

    [Fact]
    public void Feed_ThatNobodyWatches_MakesNothing()
    {
        var feed = new LiveFeed(TimeProvider.System);
        feed.Tell("ping", 1, (_, _) => throw new InvalidOperationException("made"));
        feed.TakeOutgoing().ShouldBeEmpty();
    }

    [Fact]
    public void Watcher_ThatIsSlow_MissesTheOldest_AndASecondHasABound()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UnixEpoch + TimeSpan.FromDays(20_000));
        var feed = new LiveFeed(time);
        var reader = feed.Watch(out var ticket)!;
        for (var i = 0; i < 1_200; i++) feed.Tell("n", i, static (json, i) => json.WriteNumber("n", i));
        var read = new List<int>();
        while (reader.TryRead(out var told)) read.Add(JsonNode.Parse(told.Json)!["n"]!.GetValue<int>());
        read.ShouldBe(Enumerable.Range(500, 500));
        time.Advance(TimeSpan.FromSeconds(1));
        feed.Tell("n", 7, static (json, i) => json.WriteNumber("n", i));
        reader.TryRead(out _).ShouldBeTrue();
        // Nobody watches elsewhere, so nothing goes there; where a silo says so, it does for three seconds.
        feed.TakeOutgoing().ShouldBeEmpty();
        feed.Leave(ticket);
        feed.IsWanted.ShouldBeFalse();
        feed.WantedElsewhere();
        feed.Tell("n", 8, static (json, i) => json.WriteNumber("n", i));
        feed.TakeOutgoing().Length.ShouldBe(1);
        time.Advance(TimeSpan.FromSeconds(3));
        feed.IsWanted.ShouldBeFalse();
    }

    private static async Task<(string Kind, JsonNode Data)> NextAsync(StreamReader lines)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        while (true)
        {
            var line = await lines.ReadLineAsync(patience.Token) ?? throw new InvalidOperationException("the stream ended");
            if (!line.StartsWith("event: ", StringComparison.Ordinal)) continue;
            var data = await lines.ReadLineAsync(patience.Token);
            return (line["event: ".Length..], JsonNode.Parse(data!["data: ".Length..])!);
        }
    }
}
