using System.Collections.Concurrent;
using System.Threading;
using Exchange.Engine.Catalog;
using Exchange.Engine.Weights;

namespace Exchange.Engine.PingTrees;

/// <summary>The rotations of one process, by <see cref="TierModel.RotationKey"/>. Thread-safe.</summary>
public sealed class TierRotations : IRotations
{
    private readonly ConcurrentDictionary<string, Place> places = new(StringComparer.Ordinal);

    /// <summary>One tier's claims, to be saved or restored.</summary>
    public SmoothRotation Of(string rotationKey) => PlaceOf(rotationKey).Rotation;

    /// <summary>Rotations that were used or restored so far.</summary>
    public IReadOnlyCollection<string> Keys => [.. places.Keys];

    public ITurns Enter(TierModel tier)
    {
        var place = PlaceOf(tier.RotationKey);
        place.Gate.Enter();
        return new Turns(place);
    }

    private Place PlaceOf(string key) => places.GetOrAdd(key, static _ => new Place());

    private sealed class Place
    {
        public Lock Gate { get; } = new();
        public SmoothRotation Rotation { get; } = new();
    }

    private sealed class Turns(Place place) : ITurns
    {
        private readonly List<((string Id, int Weight)[] Open, long[] Claims)> drafted = [];

        public string Draft(IReadOnlyList<(string Id, int Weight)> open, IReadOnlyList<string> served)
        {
            drafted.Add(([.. open], place.Rotation.ClaimsOf(open)));
            var winner = place.Rotation.Take(open, served);
            Invariant.Require(winner is not null);
            return winner;
        }

        public string Peek(IReadOnlyList<(string Id, int Weight)> open)
        {
            var next = place.Rotation.Peek(open);
            Invariant.Require(next is not null);
            return next;
        }

        public void Keep() => drafted.Clear();

        public void Dispose()
        {
            for (var i = drafted.Count - 1; i >= 0; i--) place.Rotation.Restore(drafted[i].Open, drafted[i].Claims);
            place.Gate.Exit();
        }
    }
}
