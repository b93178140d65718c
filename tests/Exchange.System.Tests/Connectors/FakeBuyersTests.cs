using System.Collections.Concurrent;
using System.Globalization;
using Exchange.Delivery;
using Exchange.Delivery.Connectors;
using Exchange.Engine;
using Exchange.Engine.Catalog;
using Exchange.Engine.Deliveries;
using Exchange.LoadTests.Buyers.Shapes;
using Exchange.System.Tests.Delivery;
using Shouldly;

namespace Exchange.System.Tests.Connectors;

/// <summary>Every connector against buyers of its shape on real sockets, behaving in every way: a bid brought back as a post, and never a no for what was taken.</summary>
public sealed class FakeBuyersTests
{
    public static TheoryData<string> Shapes => [.. Shape.Names];

    [Theory]
    [MemberData(nameof(Shapes))]
    public async Task Honest_BidsAndTakesWhatComesBackWithIt(string shape)
    {
        await using var buyers = await FakeBuyers.StartAsync(0, 7, BuyerProfile.Find("honest"));
        using var exchange = new Caller(shape, buyers.Port);
        var carried = await exchange.PingAsync();
        var first = await exchange.PostAsync("+12025550100", carried);
        first.Kind.ShouldBe(AttemptKind.Accepted, Told.Of(first));
        first.Ref.ShouldNotBeNull();
        // The same person again: known as had before, never as a second sale.
        (await exchange.PostAsync("+12025550100", carried)).Kind.ShouldBeOneOf(AttemptKind.Duplicate, AttemptKind.Rejected);
        buyers.Calls.Count(call => call.Took).ShouldBe(1);
    }

    [Theory]
    [InlineData("refusing", "NoBid", "Rejected")]
    [InlineData("hanging", "Timeout", "Unknown timeout")]
    [InlineData("dropping", "Unreachable", "Unknown connection_lost")]
    public async Task Profile_IsUnderstoodByEveryShape(string profile, string bid, string post)
    {
        await using var buyers = await FakeBuyers.StartAsync(0, 7, BuyerProfile.Find(profile));
        // Only who hangs is not waited for: the others answer, however busy this machine is.
        var limit = profile == "hanging" ? "timeout: { ping: 300ms, post: 2s }" : "timeout: { ping: 5s, post: 5s }";
        await Task.WhenAll(Shape.Names.Select(async shape =>
        {
            using var exchange = new Caller(shape, buyers.Port, limit);
            if (exchange.Endpoint.CanPing) (await exchange.AskAsync()).Reason.ToString().ShouldBe(bid, shape);
            Told.Of(await exchange.PostAsync("+12025550100", null)).ShouldStartWith(post, Case.Sensitive, shape);
        }));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Mixed_NeverSaysNoToWhatTheBuyerTook(int seed)
    {
        await using var buyers = await FakeBuyers.StartAsync(0, seed, BuyerProfile.Find("mixed"));
        var kinds = new ConcurrentDictionary<AttemptKind, int>();
        var reasons = new ConcurrentDictionary<Reason, int>();
        foreach (var shape in Shape.Names)
        {
            using var exchange = new Caller(shape, buyers.Port, "{ timeout: { ping: 500ms, post: 500ms }, limits: { in_flight: 16 } }");
            var outcomes = new ConcurrentDictionary<string, AttemptKind>(StringComparer.Ordinal);
            await Parallel.ForEachAsync(Enumerable.Range(0, 120), new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (i, _) =>
            {
                var person = string.Create(CultureInfo.InvariantCulture, $"+1202555{1000 + i}");
                IReadOnlyDictionary<string, string>? carried = null;
                if (exchange.Endpoint.CanPing)
                {
                    var answer = await exchange.AskAsync();
                    reasons.AddOrUpdate(answer.Reason, 1, (_, count) => count + 1);
                    answer.Offers.ShouldAllBe(offer => offer.Wrong != Reason.None || offer.Price != null && offer.Price.Value.Micros > 0);
                    carried = answer.Offers.Count > 0 ? answer.Offers[0].Carry : null;
                }
                var result = await exchange.PostAsync(person, carried, i);
                outcomes[exchange.PersonAtBuyer(person, i)] = result.Kind;
                kinds.AddOrUpdate(result.Kind, 1, (_, count) => count + 1);
            });
            var taken = buyers.Calls.Where(call => call.Shape == shape && call.Took).Select(call => call.Person).ToHashSet(StringComparer.Ordinal);
            foreach (var (person, kind) in outcomes)
            {
                if (taken.Contains(person)) kind.ShouldBeOneOf(AttemptKind.Accepted, AttemptKind.Unknown);
                else kind.ShouldNotBe(AttemptKind.Accepted);
            }
        }
        // Or the buyers were not as mixed as they should be.
        ((AttemptKind[])[AttemptKind.Accepted, AttemptKind.Rejected, AttemptKind.Unknown]).ShouldBeSubsetOf(kinds.Keys);
        reasons.Keys.ShouldBeSubsetOf([Reason.None, Reason.NoBid, Reason.BadResponse, Reason.Timeout, Reason.Unreachable]);
        reasons.Count.ShouldBeGreaterThanOrEqualTo(4);
    }

    [Fact]
    public async Task Check_AfterADoubt_FindsWhatBecameOfThePost()
    {
        await using var buyers = await FakeBuyers.StartAsync(0, 7, BuyerProfile.Find("dropping"));
        await using var honest = await FakeBuyers.StartAsync(0, 7, BuyerProfile.Find("honest"));
        using (var exchange = new Caller("phonexa", buyers.Port)) (await exchange.PostAsync("+12025550100", null)).Kind.ShouldBe(AttemptKind.Unknown);
        buyers.Calls.Single().Took.ShouldBeTrue();
        // At the other one it never arrived: the check says so, and the post goes again; after that the check finds it, and nothing is posted.
        using var other = new Caller("phonexa", honest.Port);
        (await other.PostAsync("+12025550100", null, afterDoubt: true)).Kind.ShouldBe(AttemptKind.Accepted);
        honest.Calls.Select(call => call.Asked).Order().ShouldBe([BuyerAsked.Post, BuyerAsked.Check]);
        (await other.PostAsync("+12025550100", null, afterDoubt: true)).Kind.ShouldBe(AttemptKind.Accepted);
        honest.Calls.Count(call => call.Asked == BuyerAsked.Post).ShouldBe(1);
        // Who must not be posted to again is only asked.
        using var once = new Caller("phonexa", honest.Port, "repeatable: false");
        Told.Of(await once.PostAsync("+12025550101", null, 1, afterDoubt: true)).ShouldBe("Unknown not_repeatable");
        honest.Calls.Count(call => call.Asked == BuyerAsked.Post).ShouldBe(1);
    }

    /// <summary>The exchange's side of one connector, over sockets.</summary>
    private sealed class Caller : IDisposable
    {
        private readonly OutboundHttp http = new(Samples.Loopback);
        private readonly ConnectorList connectors;

        public Caller(string shape, int port, string? change = null)
        {
            var host = string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{port}");
            connectors = ConnectorList.Create(http, new(), TimeProvider.System);
            var file = File.ReadAllText(Path.Combine(Shape.Folder(shape), "connector.yaml")).Replace("https://{{ with.host }}", "http://{{ with.host }}", StringComparison.Ordinal);
            Endpoint = Shape.Of(file, change, shape == "plain-text" ? ("url", $"http://{host}/incoming.cgi") : ("host", host)).Endpoint;
        }

        public EndpointModel Endpoint { get; }

        public Task<BidAnswer> AskAsync() => connectors.FindBidder(ConnectorKind.Http)!.AskAsync(Endpoint, Shape.Secrets, Shape.Call([new("zip", "02139", OutKind.Text)]), Shape.Now, CancellationToken.None);

        public async Task<IReadOnlyDictionary<string, string>?> PingAsync()
        {
            if (!Endpoint.CanPing) return null;
            var offer = (await AskAsync()).Offers.ShouldHaveSingleItem();
            offer.Price.ShouldNotBeNull();
            offer.Carry.ShouldNotBeEmpty();
            return offer.Carry;
        }

        public Task<AttemptResult> PostAsync(string phone, IReadOnlyDictionary<string, string>? carried, int copy = 0, bool afterDoubt = false)
        {
            var message = Shape.Message([new("zip", "02139", OutKind.Text), new("phone", phone, OutKind.Text), new("first_name", phone, OutKind.Text)], carried) with
            {
                Copy = new(LeadOf(copy), 1), AfterDoubt = afterDoubt,
            };
            return connectors.Find(ConnectorKind.Http)!.SendAsync(Endpoint, Shape.Secrets, message, Shape.Now, CancellationToken.None);
        }

        /// <summary>By what the buyer of this shape knows the person again.</summary>
        public string PersonAtBuyer(string phone, int copy) => Endpoint.Shape!.Post.Url.Text.Contains("/lead/", StringComparison.Ordinal) && Endpoint.Shape.Check is not null
            ? new Engine.Values.CopyId(LeadOf(copy), 1).ToString()
            : Endpoint.With.ContainsKey("user") ? phone : phone[2..];

        private static Engine.Values.LeadId LeadOf(int copy) => Engine.Values.LeadId.Create(1_790_000_000_000, 1, false, 1_000 + (ulong)copy);

        public void Dispose() => http.Dispose();
    }
}
