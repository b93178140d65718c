using Exchange.Engine.Values;
using Exchange.Grains.Bidding;
using Exchange.Grains.Pings;
using Microsoft.Extensions.Logging;
using Orleans.Concurrency;
using Orleans.Runtime;

namespace Exchange.Grains.Cluster;

/// <summary>This silo's ear. Calls interleave; each of them only reads or changes what is safe for many threads.</summary>
[Reentrant]
public sealed class SiloService(GrainId id, Silo silo, ILoggerFactory logs, OfferHomes offers, PingKeys keys, NewsDesk desk, LineDesk lines, StoreWatch watch, KeyNews apiKeys) : GrainService(id, silo, logs), ISiloService
{
    public ValueTask<FoundOffer?> FindOffer(Guid ping) => new(offers.FindForAnother(LeadId.FromGuid(ping)));

    public Task Posted(Guid ping, string publisher)
    {
        offers.PostedHere(LeadId.FromGuid(ping), publisher);
        return Task.CompletedTask;
    }

    public ValueTask<KeyVerdict> ClaimKey(KeyClaim claim) => ValueTask.FromResult(keys.ClaimHere(claim));

    public ValueTask<Guid?> AwaitKey(string publisher, string key) => keys.AwaitHereAsync(publisher, key);

    public ValueTask SettleKey(KeyEnd end)
    {
        keys.SettleHere(end);
        return ValueTask.CompletedTask;
    }

    public Task Hear(SiloNews news)
    {
        desk.Hear(news);
        return Task.CompletedTask;
    }

    public Task HearLines(LineNews news)
    {
        lines.Hear(news);
        return Task.CompletedTask;
    }

    public ValueTask<LineBids?> AskLine(LineBidCall call) => lines.AskHereAsync(call);

    public ValueTask<LineAnswer?> HandOver(LineCopy copy) => lines.HandOverHereAsync(copy);

    public ValueTask<long> StoreHeldMs() => ValueTask.FromResult((long)watch.Held.TotalMilliseconds);

    public async ValueTask ReadKeys() => await apiKeys.Read();
}
