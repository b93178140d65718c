using Exchange.Engine.Ledger;
using Exchange.Engine.Values;
using Exchange.Grains.Leads;
using Exchange.Storage;
using Exchange.System.Tests.BlackBox;
using Exchange.System.Tests.Cluster;
using Shouldly;

namespace Exchange.System.Tests.Grains;

/// <summary>An operator's word on a doubt, on whose lead somebody else changes something each time that it is to be made durable.</summary>
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
        cluster = await TestCluster.StartAsync(1, Market.With(
            $$"""
            publishers:
              pub: { verticals: [auto], payout: { share: 80% } }
            buyers:
              asked: { credit_limit: unlimited, endpoints: { crm: { connector: native, with: { url: "{{buyers.Url("asked")}}", secret: { secret: signing } } } } }
            campaigns:
              call: { buyer: asked, vertical: auto, bid: "10.00", delivery: { sold: on_accept, to: [crm] } }
            ping_trees:
              tree: { vertical: auto, tiers: [ { name: only, method: priority, campaigns: [call] } ] }
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

    /// <param name="between">What others do before an item of this seller is judged; it is always as if they had moved another copy.</param>
    private LeadSeller SellerOver(Func<Task> between)
    {
        var journal = Stub.Of<IJournal>((_, _) => ConflictAsync());
        var store = Stub.Of<IExchangeStore>((name, arguments) => name == "get_Journal" ? journal : typeof(IExchangeStore).GetMethod(name)!.Invoke(cluster.Store, arguments));
        return new(services with { Store = store }, lead);

        async Task<Verdict> ConflictAsync()
        {
            await between();
            return new(VerdictCode.EndedOtherwise);
        }
    }

    private async Task<CopyState> StateAsync() => (await cluster.Store.Leads.FindAsync(lead, CancellationToken.None))!.Copies.ShouldHaveSingleItem().State;
}
