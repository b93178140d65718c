using Exchange.Engine.Values;

namespace Exchange.Grains.Pings;

/// <summary>
/// A part of the <see cref="OfferBook"/>, for many threads. Records lie in blocks in the order they came, and their places are numbers: to the collector a hundred
/// offers are one object, which it neither follows nor moves one by one (docs/decisions/0062). A block goes with the last offers in it.
/// </summary>
internal sealed class OfferShelf
{
    /// <summary>Some hundred records; far from what the runtime treats as a large object.</summary>
    private const int BlockBytes = 16 * 1024;

    private readonly Lock gate = new();
    private readonly Dictionary<LeadId, Place> places = [];
    // By number, in the order they were begun.
    private readonly Dictionary<int, Block> blocks = [];
    // Of blocks: no lower number is in use; the one that is written to, or none.
    private int oldest, last = -1;

    /// <summary>False: there is one, and it stays as it is.</summary>
    public bool TryAdd(LeadId id, ReadOnlySpan<byte> record, long endMs)
    {
        lock (gate)
        {
            if (places.ContainsKey(id)) return false;
            var block = BlockFor(record.Length);
            places.Add(id, new(last, block.Add(id, record, endMs)));
            return true;
        }
    }

    /// <summary>A copy; null: it is not here.</summary>
    public byte[]? Find(LeadId id)
    {
        lock (gate) return places.TryGetValue(id, out var place) ? blocks[place.Block].Record(place.Index).ToArray() : null;
    }

    public bool TryRemove(LeadId id)
    {
        lock (gate)
        {
            if (!places.Remove(id, out var place)) return false;
            var block = blocks[place.Block];
            block.Record(place.Index).Clear();
            if (--block.Left == 0) blocks.Remove(place.Block);
            return true;
        }
    }

    /// <summary>Removes the one that has been here longest. Null: there is none.</summary>
    public LeadId? TakeOldest()
    {
        lock (gate)
        {
            while (places.Count > 0)
            {
                if (!blocks.TryGetValue(oldest, out var block))
                {
                    oldest++;
                    continue;
                }
                var index = block.First++;
                var id = block.Offers[index].Id;
                if (IsAt(id, new(oldest, index)) && TryRemove(id)) return id;
            }
            return null;
        }
    }

    /// <summary>Removes those whose end has come.</summary>
    public IReadOnlyList<LeadId> TakeEnded(long nowMs)
    {
        List<LeadId>? ended = null;
        List<int>? moving = null;
        lock (gate)
        {
            foreach (var (number, block) in blocks)
            {
                if (block.NextEndMs > nowMs) continue;
                block.NextEndMs = long.MaxValue;
                for (var index = block.First; index < block.Offers.Count; index++)
                {
                    var offer = block.Offers[index];
                    if (!IsAt(offer.Id, new(number, index))) continue;
                    if (offer.EndMs > nowMs) block.NextEndMs = Math.Min(block.NextEndMs, offer.EndMs);
                    else if (TryRemove(offer.Id)) (ended ??= []).Add(offer.Id);
                }
                // Few that live long among many that did not: they move, or the block would stay for them.
                if (block.Left > 0 && block.Left < block.Offers.Count / 4) (moving ??= []).Add(number);
            }
            foreach (var number in moving ?? []) Move(number);
        }
        return ended ?? [];
    }

    /// <summary>Those that are left in a block go to the end, as if they had come now.</summary>
    private void Move(int number)
    {
        blocks.Remove(number, out var block);
        for (var index = block!.First; index < block.Offers.Count; index++)
        {
            var offer = block.Offers[index];
            if (!IsAt(offer.Id, new(number, index))) continue;
            var to = BlockFor(offer.Length);
            places[offer.Id] = new(last, to.Add(offer.Id, block.Record(index), offer.EndMs));
        }
    }

    /// <summary>Whether it is still there: it may have been removed, and may have come again since.</summary>
    private bool IsAt(LeadId id, Place place) => places.TryGetValue(id, out var found) && found == place;

    /// <summary>The last one, if there is room for so much.</summary>
    private Block BlockFor(int bytes)
    {
        if (blocks.TryGetValue(last, out var block) && block.Room >= bytes) return block;
        return blocks[++last] = new Block(Math.Max(BlockBytes, bytes));
    }

    private readonly record struct Place(int Block, int Index);

    private readonly record struct Offer(LeadId Id, long EndMs, int At, int Length);

    private sealed class Block(int size)
    {
        private readonly byte[] bytes = new byte[size];
        private int used;

        public int Room => bytes.Length - used;
        /// <summary>All that came, in that order.</summary>
        public List<Offer> Offers { get; } = new(64);
        /// <summary>Those before it were removed as the oldest.</summary>
        public int First { get; set; }
        /// <summary>How many were not removed.</summary>
        public int Left { get; set; }
        /// <summary>None of those that are left ends before.</summary>
        public long NextEndMs { get; set; } = long.MaxValue;

        public Span<byte> Record(int index) => bytes.AsSpan(Offers[index].At, Offers[index].Length);

        /// <summary>The index of the new one.</summary>
        public int Add(LeadId id, ReadOnlySpan<byte> record, long endMs)
        {
            record.CopyTo(bytes.AsSpan(used));
            Offers.Add(new(id, endMs, used, record.Length));
            used += record.Length;
            Left++;
            NextEndMs = Math.Min(NextEndMs, endMs);
            return Offers.Count - 1;
        }
    }
}
