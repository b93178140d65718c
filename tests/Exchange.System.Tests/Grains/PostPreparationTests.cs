using System.Globalization;
using Exchange.Engine.Fields;
using Exchange.Grains.Intake;
using Exchange.Grains.Leads;
using Exchange.System.Tests.Cluster;
using Microsoft.Extensions.Time.Testing;
using Shouldly;

namespace Exchange.System.Tests.Grains;

/// <summary>Dates are judged by the day on which they came: the pinged ones by the ping's, new ones by the post's, whenever it is taken up.</summary>
public sealed class PostPreparationTests : IAsyncLifetime
{
    private TestCluster cluster = null!;

    public async Task InitializeAsync() => cluster = await TestCluster.StartAsync(1,
        """
        exchange: { currency: USD, time_zone: UTC }
        verticals:
          moving:
            fields:
              move_date: { type: date, min: today, ping: required }
              call_date: { type: date, min: today, post: required }
        publishers:
          pub: { verticals: [moving], payout: { share: 80% } }
        buyers:
          buyer: { credit_limit: unlimited }
        campaigns:
          camp: { buyer: buyer, vertical: moving, bid: "10.00" }
        ping_trees:
          tree: { vertical: moving, tiers: [ { name: only, method: priority, campaigns: [camp] } ] }
        """);

    public async Task DisposeAsync() => await cluster.DisposeAsync();

    [Theory]
    // The post of an offer of yesterday: what was pinged comes again.
    [InlineData(false, 2, 1)]
    // A direct post came before midnight, whole.
    [InlineData(true, -1, 0)]
    public async Task Post_TakenUpAfterMidnight_IsNotRefusedForADateOfBefore(bool direct, int cameSeconds, int callDays)
    {
        var midnight = new DateTimeOffset(TimeProvider.System.GetUtcNow().UtcDateTime.Date.AddDays(1), TimeSpan.Zero);
        var before = DateOnly.FromDateTime(midnight.UtcDateTime).AddDays(-1);
        var ping = (await cluster[0].Intake.PingAsync(new PingCommand
        {
            Publisher = "pub", ReceivedAt = midnight.AddSeconds(-2), Vertical = "moving", Fields = [new RawField("move_date", RawKind.String, Text(before))], BodyHash = [],
        }, CancellationToken.None)).Answer!;
        var services = cluster[0].Get<LeadServices>() with { Time = new FakeTimeProvider(midnight.AddSeconds(3)) };
        var record = (await services.Homes.FindAsync(ping.PingId))!;

        var (problem, post) = new PostPreparation(services).Prepare(new PostCommand
        {
            Publisher = "pub", ReceivedAt = midnight.AddSeconds(cameSeconds), PingId = ping.PingId.ToBytes(), BodyHash = new byte[32], Direct = direct,
            Fields = [new("move_date", RawKind.String, Text(before)), new("call_date", RawKind.String, Text(before.AddDays(callDays)))],
        }, record, services.Catalog.Current);

        problem.ShouldBeNull();
        post!.Warnings.ShouldBeEmpty();

        static string Text(DateOnly day) => day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
    }
}
