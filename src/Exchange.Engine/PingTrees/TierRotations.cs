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
        return place;
    }

    public void GiveBack(IReadOnlyList<TakenTurns> taken)
    {
        foreach (var turns in taken) PlaceOf(turns.RotationKey).GiveBack(turns.Claims);
    }

    private Place PlaceOf(string key) => places.GetOrAdd(key, static key => new Place(key));

    /// <summary>One rotation; whoever is in it has sole use, so that its drafts need no object of their own.</summary>
    private sealed class Place(string key) : ITurns
    {
        // Drafts one after another: who was open, the claims before, and where each draft begins.
        private readonly List<(string Id, int Weight)> drafted = [];
        private readonly List<long> claims = [];
        private readonly List<int> begins = [];
        private bool kept;

        public Lock Gate { get; } = new();
        public SmoothRotation Rotation { get; } = new();

        public string Draft(TierModel tier, IReadOnlyList<(string Id, int Weight)> open, IReadOnlyList<string> served)
        {
            begins.Add(drafted.Count);
            for (var i = 0; i < open.Count; i++)
            {
                drafted.Add(open[i]);
                claims.Add(Rotation.ClaimOf(open[i]));
            }
            var winner = Rotation.Take(open, served);
            Invariant.Require(winner is not null);
            return winner;
        }

        public string Peek(TierModel tier, IReadOnlyList<(string Id, int Weight)> open)
        {
            var next = Rotation.Peek(open);
            Invariant.Require(next is not null);
            return next;
        }

        public void Keep() => kept = true;

        public TakenTurns? Taken()
        {
            if (drafted.Count == 0) return null;
            // Of a campaign that was open for several copies: from its claim before the first.
            var changes = new List<ClaimChange>(drafted.Count);
            for (var i = 0; i < drafted.Count; i++)
                if (!changes.Exists(change => change.Campaign == drafted[i].Id)) changes.Add(new(drafted[i].Id, drafted[i].Weight, Rotation.ClaimOf(drafted[i]) - claims[i]));
            return new(key, [.. changes]);
        }

        public void GiveBack(ClaimChange[] changes)
        {
            lock (Gate)
                foreach (var change in changes) Rotation.Move((change.Campaign, change.Weight), -change.By);
        }

        public void Dispose()
        {
            for (var draft = begins.Count - 1; draft >= 0 && !kept; draft--)
            {
                var end = draft + 1 < begins.Count ? begins[draft + 1] : drafted.Count;
                for (var i = begins[draft]; i < end; i++) Rotation.Restore(drafted[i], claims[i]);
            }
            drafted.Clear();
            claims.Clear();
            begins.Clear();
            kept = false;
            Gate.Exit();
        }
    }
}
