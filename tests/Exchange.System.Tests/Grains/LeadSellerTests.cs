using Exchange.Engine.Ledger;
using Exchange.Engine.Values;
using Exchange.Grains.Leads;
using Exchange.Storage;
using Exchange.System.Tests.BlackBox;
using Exchange.System.Tests.Cluster;
using Shouldly;

namespace Exchange.System.Tests.Grains;

/// <summary>An operator's word on a doubt, and a buyer's answer, on whose lead somebody else changes something just when it is to be made durable.</summary>
public sealed class LeadSellerTests : IAsyncLifetime
{
    private BuyerApp buyers = null!;
    private TestCluster cluster = null!;
    private LeadServices services = null!;
    private LeadId lead;

    public async Task InitializeAsync()
    {
        buyers = await BuyerApp.StartAsync();
        buyers["asked"].SaysGarbage();
        string[] ranks = [.. Enumerable.Range(1, Engine.Limits.CallsPerPost + 2).Select(rank => "rank-" + Market.Text(rank))];
        var asked = BuyerAt("asked");
        const string sale = "vertical: auto, bid: \"10.00\", delivery: { sold: on_accept, to: [crm] }";
        cluster = await TestCluster.StartAsync(1, Market.With(
            $$"""
            publishers:
              pub: { verticals: [auto], payout: { share: 80% } }
              sends: { verticals: [auto], payout: { share: 80% } }
              many: { verticals: [auto], payout: { share: 80% } }
            buyers:
              asked: {{asked}}
              sends: {{BuyerAt("sends")}}
              {{string.Join("\n  ", ranks.Select(id => id + ": " + asked))}}
            campaigns:
              call: { buyer: asked, {{sale}} }
              send: { buyer: sends, {{sale}} }
              {{string.Join("\n  ", ranks.Select(id => id + ": { buyer: " + id + ", " + sale + " }"))}}
            ping_trees:
              tree: { vertical: auto, publishers: [pub], tiers: [ { name: only, method: priority, campaigns: [call] } ] }
              sends: { vertical: auto, publishers: [sends], tiers: [ { name: only, method: priority, campaigns: [send] } ] }
              many: { vertical: auto, publishers: [many], tiers: [ { name: only, method: priority, campaigns: [{{string.Join(", ", ranks)}}] } ] }
            """));
        services = cluster[0].Get<LeadServices>();
        lead = (await cluster[0].PingAsync("pub")).Answer!.PingId;
        (await cluster[0].PostAsync("pub", lead)).Status.ShouldBe(202);
        (await StateAsync()).ShouldBe(CopyState.InDoubt);
    }

    public async Task DisposeAsync()
    {
        await cluster.DisposeAsync();
        await buyers.DisposeAsync();
    }

    /// <summary>It is no answer that the copy is not in doubt: it is.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Resolve_OthersComeBetweenEachTime_IsToComeAgain(bool accepted)
    {
        var items = 0;
        var seller = SellerOver(() =>
        {
            items++;
            return Task.CompletedTask;
        });

        (await seller.ResolveAsync(new(1, accepted, "operator"))).ShouldBe(ResolveReply.Moved);

        items.ShouldBe(3);
        (await StateAsync()).ShouldBe(CopyState.InDoubt);
        // When nobody comes between any more.
        (await new LeadSeller(services, lead).ResolveAsync(new(1, accepted, "operator"))).ShouldBe(ResolveReply.Done);
    }

    [Theory]
    [InlineData(true, ResolveReply.Done)]
    [InlineData(false, ResolveReply.NotInDoubt)]
    public async Task Resolve_OthersCaptureItTheLastTime_IsToldByHowItEnded(bool accepted, ResolveReply reply)
    {
        var items = 0;
        var seller = SellerOver(async () =>
        {
            if (++items == 3) (await new LeadSeller(services, lead).ResolveAsync(new(1, true, "another"))).ShouldBe(ResolveReply.Done);
        });

        (await seller.ResolveAsync(new(1, accepted, "operator"))).ShouldBe(reply);
        (await StateAsync()).ShouldBe(CopyState.Captured);
    }

    /// <summary>Each word reads the lead from its rows: whoever had a copy counts there.</summary>
    [Fact]
    public async Task Resolve_EachInRankIsInDoubtToo_NoMoreAreCalledThanAPostMay()
    {
        var ping = (await cluster[0].PingAsync("many")).Answer!.PingId;
        (await cluster[0].PostAsync("many", ping)).Status.ShouldBe(202);
        var seller = new LeadSeller(services, ping);
        var called = 0;
        while ((await RowAsync(ping)).Copies.FirstOrDefault(copy => copy.State == CopyState.InDoubt) is { } copy)
        {
            called++;
            await MarketCalls.Until(async () => await seller.ResolveAsync(new(copy.Id.No, false, "operator")) == ResolveReply.Done, "the operator's word counts");
            await TestCluster.UntilAsync(() => seller.IsIdle, "whoever is next has answered");
        }

        called.ShouldBe(Engine.Limits.CallsPerPost);
        (await RowAsync(ping)).State.ShouldBe(LeadState.Unsold);
    }

    /// <summary>It stood still while its buyer thought, and the buyer was asked again meanwhile: told is what that came to, now as later.</summary>
    [Fact]
    public async Task Post_AnotherHasCapturedItMeanwhile_TellsWhatIsRecorded_AndCountsNothing()
    {
        var asked = 0;
        buyers["sends"].Decides(_ => $$"""{ "answer": "accepted", "redirect_url": "https://buyer.example/{{Market.Text(Interlocked.Increment(ref asked))}}" }""");
        var ping = (await cluster[0].PingAsync("sends")).Answer!.PingId;
        await cluster.Store.Pings.FlushAsync(CancellationToken.None);
        var post = TestSilo.Post("sends", ping);
        var counted = services.Promises.InTime;
        var seller = SellerBy(ping, async item =>
        {
            var now = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();
            if (item.Ends is [{ Move: CopyMove.Capture }]) await new LeadSeller(services, ping).ResumeAsync(new(1, "crm", IDeliveryStore.FirstFence + 1, 2, now, null, now + 20_000));
            return await cluster.Store.Journal.SubmitAsync(item, CancellationToken.None);
        });

        var reply = await seller.PostAsync(post);

        asked.ShouldBe(2);
        reply.Read().Copies.ShouldHaveSingleItem().RedirectUrl.ShouldBe("https://buyer.example/2");
        (await new LeadSeller(services, ping).PostAsync(post)).Answer.ShouldBe(reply.Answer);
        services.Promises.InTime.ShouldBe(counted + 1);
    }

    /// <summary>A call that is under way cannot be called back: what its buyer says is recorded, without what may name the person.</summary>
    [Fact]
    public async Task Post_ErasedWhileItsBuyerThinks_IsSold_AndKeepsNothingThatTheBuyerCallsIt()
    {
        buyers["sends"].Answers("""{ "answer": "accepted", "ref": "jane.doe@example.com", "redirect_url": "https://buyer.example/jane" }""");
        var ping = (await cluster[0].PingAsync("sends")).Answer!.PingId;
        await cluster.Store.Pings.FlushAsync(CancellationToken.None);
        var erased = false;
        var seller = SellerBy(ping, async item =>
        {
            if (erased || item.Ends is not [{ Move: CopyMove.Capture }]) return await cluster.Store.Journal.SubmitAsync(item, CancellationToken.None);
            await new LeadSeller(services, ping).EraseAsync(new("operator"));
            erased = true;
            return new(VerdictCode.EndedOtherwise);
        });

        await seller.PostAsync(TestSilo.Post("sends", ping));
        await TestCluster.UntilAsync(() => seller.IsIdle, "its buyer's answer is recorded");

        var row = await RowAsync(ping);
        var copy = row.Copies.ShouldHaveSingleItem();
        (row.IsErased, copy.State, copy.BuyerRef, copy.RedirectUrl).ShouldBe((true, CopyState.Captured, null, null));
    }

    private string BuyerAt(string desk) =>
        $$"""{ credit_limit: unlimited, endpoints: { crm: { connector: native, with: { url: "{{buyers.Url(desk)}}", secret: { secret: signing } } } } }""";

    /// <param name="between">What others do before an item of this seller is judged; it is always as if they had moved another copy.</param>
    private LeadSeller SellerOver(Func<Task> between) => SellerBy(lead, async _ =>
    {
        await between();
        return new(VerdictCode.EndedOtherwise);
    });

    /// <param name="submit">What becomes of its items.</param>
    private LeadSeller SellerBy(LeadId id, Func<JournalItem, Task<Verdict>> submit)
    {
        var journal = Stub.Of<IJournal>((_, arguments) => submit((JournalItem)arguments[0]!));
        var store = Stub.Of<IExchangeStore>((name, arguments) => name == "get_Journal" ? journal : typeof(IExchangeStore).GetMethod(name)!.Invoke(cluster.Store, arguments));
        return new(services with { Store = store }, id);
    }

    private async Task<CopyState> StateAsync() => (await RowAsync(lead)).Copies.ShouldHaveSingleItem().State;

    private async Task<LeadRow> RowAsync(LeadId id) => (await cluster.Store.Leads.FindAsync(id, CancellationToken.None))!;
}
