using System.Collections.Frozen;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Runtime;
using Orleans.Runtime.Services;

namespace Exchange.Grains.Cluster;

/// <summary>
/// The silos of the cluster by number, as membership knows them at this moment, and the way to each one's <see cref="ISiloService"/>. In the
/// embedded exchange there is one, and nobody is ever called.
/// </summary>
public sealed class Silos : GrainServiceClient<ISiloService>, ISilos
{
    private readonly Lazy<IClusterMembershipService> membership;
    private readonly Lazy<ILocalSiloDetails> here;
    private volatile Seen seen = new(null, FrozenDictionary<ushort, ISiloService>.Empty, [], []);

    private sealed record Seen(MembershipVersion? Version, FrozenDictionary<ushort, ISiloService> Others, ISiloService[] List, ushort[] Active);

    public Silos(IServiceProvider services, SiloIdentity self) : base(services)
    {
        Self = self;
        membership = new(services.GetRequiredService<IClusterMembershipService>);
        here = new(services.GetRequiredService<ILocalSiloDetails>);
    }

    public SiloIdentity Self { get; }

    /// <summary>Every active silo but this one.</summary>
    public IReadOnlyList<ISiloService> Others => Now.List;

    /// <summary>Active silos, this one included; at least 1.</summary>
    public int Count => Now.List.Length + 1;

    /// <summary>Whether the others take this silo for one of them.</summary>
    public bool IsActive => membership.Value.CurrentSnapshot.GetSiloStatus(here.Value.SiloAddress) == SiloStatus.Active;

    public ISiloService? Find(ushort number) => Now.Others.GetValueOrDefault(number);

    public bool IsAlive(ushort number) => number == Self.Number || Now.Others.ContainsKey(number);

    public ISiloService? OwnerOf(string name)
    {
        var now = Now;
        if (now.List.Length == 0) return null;
        var (best, highest) = (Self.Number, Weigh(name, Self.Number));
        foreach (var number in now.Active)
            if (Weigh(name, number) is var weight && (weight > highest || weight == highest && number < best)) (best, highest) = (number, weight);
        return best == Self.Number ? null : now.Others[best];
    }

    /// <summary>Whether this silo is the one that does something for all.</summary>
    public bool Owns(string name) => OwnerOf(name) is null;

    private Seen Now
    {
        get
        {
            var snapshot = membership.Value.CurrentSnapshot;
            var known = seen;
            return known.Version == snapshot.Version ? known : seen = See(snapshot);
        }
    }

    private Seen See(ClusterMembershipSnapshot snapshot)
    {
        var others = new Dictionary<ushort, ISiloService>();
        var active = new List<ushort>();
        foreach (var (address, member) in snapshot.Members)
        {
            // One that is leaving still answers for its offers.
            if (member.Status is not (SiloStatus.Active or SiloStatus.ShuttingDown)) continue;
            if (!SiloIdentity.TryNumberOf(member.Name, out var number) || number == Self.Number) continue;
            others[number] = GetGrainService(address);
            if (member.Status == SiloStatus.Active) active.Add(number);
        }
        return new(snapshot.Version, others.ToFrozenDictionary(), [.. active.Select(number => others[number])], [.. active]);
    }

    /// <summary>FNV-1a, then mixed: rendezvous hashing wants weights that differ in every bit.</summary>
    private static ulong Weigh(string name, ushort number)
    {
        unchecked
        {
            var hash = 14695981039346656037UL ^ number;
            foreach (var c in name) hash = (hash ^ c) * 1099511628211UL;
            hash = (hash ^ hash >> 33) * 0xff51afd7ed558ccdUL;
            hash = (hash ^ hash >> 33) * 0xc4ceb9fe1a85ec53UL;
            return hash ^ hash >> 33;
        }
    }
}
