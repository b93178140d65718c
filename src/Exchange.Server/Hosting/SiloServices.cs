using Exchange.Engine.Catalog;
using Exchange.Delivery;
using Exchange.Delivery.Bidders;
using Exchange.Delivery.Connectors;
using Exchange.Delivery.Postbacks;
using Exchange.Delivery.Templates;
using Exchange.Engine.PingTrees;
using Exchange.Grains.Bidding;
using Exchange.Grains.Catalog;
using Exchange.Grains.Cluster;
using Exchange.Grains.Deliveries;
using Exchange.Grains.Feed;
using Exchange.Grains.Firm;
using Exchange.Grains.Intake;
using Exchange.Grains.Leads;
using Exchange.Grains.Limits;
using Exchange.Grains.Memory;
using Exchange.Grains.Pings;
using Exchange.Grains.Postbacks;
using Exchange.Grains.Returns;
using Exchange.Grains.SoftHolds;
using Exchange.Storage;

namespace Exchange.Server.Hosting;

/// <summary>What a silo is made of over its store: catalog, live view, ping desk, leads, deliveries.</summary>
public static class SiloServices
{
    /// <param name="time">The clock by which it goes.</param>
    /// <param name="allowLoopback">Buyers on this machine.</param>
    /// <param name="mail">The server for mails to buyers; null: there is none.</param>
    public static IServiceCollection AddExchange(this IServiceCollection services, IExchangeStore store, TimeProvider time, bool allowLoopback, SmtpOptions? mail = null)
    {
        services.AddSingleton(time).AddSingleton(Parsers.All);
        services.AddSingleton(store).AddSingleton(store.Access).AddSingleton(store.Vault);
        services.AddSingleton<CapAlerts>().AddSingleton<PingCounts>().AddSingleton<LiveFeed>();
        services.AddSingleton<LiveView>().AddSingleton<Engine.Caps.ILiveView>(provider => provider.GetRequiredService<LiveView>());
        services.AddSingleton(new CatalogRules(Parsers.All, Liquid.Parse, url => UrlRules.Check(url, allowLoopback)) { Apart = OnItsOwnThread, HasMailServer = mail is not null });
        services.AddSingleton<CatalogHost>().AddSingleton<ICatalogHost>(provider => provider.GetRequiredService<CatalogHost>());
        services.AddSingleton<TierRotations>().AddSingleton<IRotations>(provider => provider.GetRequiredService<TierRotations>());
        services.AddSingleton(provider => new RotationKeeper(provider.GetRequiredService<TierRotations>(),
            () => provider.GetRequiredService<IGrainFactory>().GetGrain<IRotationGrain>(GrainMemoryNames.Rotation(provider.GetRequiredService<Silos>().Self.Name)),
            time, provider.GetRequiredService<ILogger<RotationKeeper>>()));
        services.AddSingleton<OfferBook>().AddSingleton<PostRates>().AddSingleton<SoftHoldDesk>().AddSingleton<FirmOffers>().AddSingleton<ReturnDesk>().AddSingleton<PingDesk>();
        services.AddSingleton<Grains.Leads.LeadAnswers>().AddSingleton<PromiseCounts>().AddSingleton<LeadServices>().AddSingleton<HeldTests>().AddSingleton<ILeadIntake, LeadIntake>();
        services.AddSingleton(_ => new OutboundHttp(new OutboundOptions { AllowLoopback = allowLoopback }, time: time));
        services.AddSingleton(new InboxPulls(time)).AddSingleton<BidderLines>().AddSingleton<StandingBids>().AddSingleton<UsualWaits>().AddSingleton(new EndpointBreakers(new BreakerOptions(), time)).AddSingleton<LiveBidding>();
        services.AddSingleton(provider => ConnectorList.Create(provider.GetRequiredService<OutboundHttp>(), provider.GetRequiredService<BidderLines>(), time, mail, provider.GetRequiredService<IHostKeys>()));
        services.AddSingleton<IHostKeys, RememberedHostKeys>();
        return services.AddSingleton<BuyerCalls>().AddSingleton<DeliveryTurns>().AddSingleton<DeliveryPump>().AddSingleton<PostbackCalls>().AddSingleton<PostbackPump>().AddSingleton<WaitPump>();
    }

    /// <summary>The pool has a thread for each core: pings must not wait for one that compiles.</summary>
    private static Task<CompileResult> OnItsOwnThread(Func<CompileResult> compile) =>
        Task.Factory.StartNew(compile, CancellationToken.None, TaskCreationOptions.LongRunning | TaskCreationOptions.DenyChildAttach, TaskScheduler.Default);
}
