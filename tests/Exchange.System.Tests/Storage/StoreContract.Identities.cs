using Exchange.Storage;
using Shouldly;

namespace Exchange.System.Tests.Storage;

public abstract partial class StoreContract
{
    [Fact]
    public async Task Campaign_AppliedOnce_StandsForTheSameForEver()
    {
        (await Store.Catalog.LatestVersionAsync(default)).ShouldBe(0);
        await ApplyAsync(null, new("a", "acme", "auto"), new("b", "best", "auto"));
        // It left and another tries to come back under its id: what was first stands.
        await ApplyAsync(1, new CampaignIdentity("a", "thief", "solar"), new("c", "acme", "solar"));
        (await Store.Catalog.IdentitiesAsync(["a", "c", "nobody"], default)).ShouldBe([new("a", "acme", "auto"), new("c", "acme", "solar")], ignoreOrder: true);
        (await Store.Catalog.LatestVersionAsync(default)).ShouldBe(2);
    }

    [Fact]
    public async Task Campaign_OfAnApplyThatLost_StandsForNothing()
    {
        await ApplyAsync(null);
        (await ApplyAsync(7, new CampaignIdentity("a", "acme", "auto"))).ShouldBeNull();
        (await Store.Catalog.IdentitiesAsync(["a"], default)).ShouldBeEmpty();
    }

    private Task<long?> ApplyAsync(long? expected, params CampaignIdentity[] campaigns) =>
        Store.Catalog.ApplyAsync(new CatalogApply("{}"u8.ToArray(), "tests", expected, []) { NewCampaigns = campaigns }, Sample.Now, default);
}
