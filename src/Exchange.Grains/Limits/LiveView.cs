using System.Collections.Concurrent;
using System.Globalization;
using Exchange.Engine.Catalog;
using Exchange.Engine.Caps;
using Exchange.Storage;

namespace Exchange.Grains.Limits;

/// <summary>
/// The newest counter values this silo has seen: fed by the journal after each commit and healed by a full read. Advice for eligibility,
/// never the fence. Readers never wait.
/// </summary>
public sealed class LiveView : ILiveView
{
    private readonly ConcurrentDictionary<string, Cell> cells = new(StringComparer.Ordinal);
    private volatile Dictionary<string, LimitModel> limits = [];
    // The served model's cells by ordinal: a ping reads some sixty of them.
    private volatile Placed[] placed = [];
    private volatile Glance? glance;

    private readonly record struct Placed(LimitModel Limit, Cell Cell);

    private sealed record Glance(CatalogModel Model, Room[] Rooms);

    /// <summary>The caps, balances and gates of a new model: another limit counts from its next reading on.</summary>
    public void Install(CatalogModel model)
    {
        limits = model.Limits.ToDictionary(limit => limit.Id, StringComparer.Ordinal);
        placed = [.. model.Limits.Select(limit => new Placed(limit, CellOf(limit.Id)))];
        glance = new Glance(model, [.. placed.Select(RoomOf)]);
    }

    /// <summary>Two numbers a limit, written without a lock: a torn pair misleads one ping at most, and the rows are the fence.</summary>
    public Room[]? RoomsOf(CatalogModel model) => glance is { } here && ReferenceEquals(here.Model, model) ? here.Rooms : null;

    public LimitReading Read(LimitModel limit, long unixSeconds, string? value = null) => Read(limit, unixSeconds, soft: true);

    /// <summary>What the rows say, without the offers that are backed by soft holds.</summary>
    public LimitReading ReadHard(LimitModel limit, long unixSeconds) => Read(limit, unixSeconds, soft: false);

    private LimitReading Read(LimitModel limit, long unixSeconds, bool soft)
    {
        var here = placed;
        var cell = limit.Ordinal < here.Length && ReferenceEquals(here[limit.Ordinal].Limit, limit) ? here[limit.Ordinal].Cell : CellOf(limit.Id);
        var values = cell.Values;
        if (values.Window.End == long.MinValue) return new(limit.Limit, 0, soft ? cell.SoftHeld : 0);
        // A window that is over reads as an empty one. A cap's limit is the model's: the row of the next window will say the same.
        if (limit.Kind == LimitKind.Cap && !values.Window.Contains(unixSeconds)) return new(limit.Limit, 0, soft ? cell.SoftHeld : 0);
        return new(limit.Kind == LimitKind.Cap ? limit.Limit : values.Limit, values.Used, values.Held + (soft ? cell.SoftHeld : 0));
    }

    /// <summary>Called on the journal's thread after a commit.</summary>
    public void Apply(IReadOnlyList<CounterValue> changed)
    {
        for (var i = 0; i < changed.Count; i++)
        {
            var value = changed[i];
            if (!limits.TryGetValue(value.LimitId, out var limit)) continue;
            var window = WindowOf(value.Key, limit);
            var cell = CellOf(value.LimitId);
            var known = cell.Values;
            // A late capture in an older window says nothing about the current one.
            if (known.Window.Start > window.Start) continue;
            cell.Values = new(window, value.Limit, value.Used, value.Held);
            Look(new Placed(limit, cell));
        }
    }

    private void Look(Placed changed)
    {
        if (glance is { } here && changed.Limit.Ordinal < here.Rooms.Length) here.Rooms[changed.Limit.Ordinal] = RoomOf(changed);
    }

    private static Room RoomOf(Placed place)
    {
        var (limit, cell) = place;
        var values = cell.Values;
        if (values.Window.End == long.MinValue) return new(limit.Limit - cell.SoftHeld, long.MaxValue);
        var max = limit.Kind == LimitKind.Cap ? limit.Limit : values.Limit;
        return new(max - values.Used - values.Held - cell.SoftHeld, values.Window.End);
    }

    /// <summary>Offers that are out and likely to be posted, counted as held until they are posted or run out.</summary>
    public void SoftHold(LimitModel limit, long amount)
    {
        var cell = CellOf(limit.Id);
        cell.AddSoft(amount);
        Look(new Placed(limit, cell));
    }

    private Cell CellOf(string limitId) => cells.GetOrAdd(limitId, static _ => new Cell());

    private static Window WindowOf(string key, LimitModel limit)
    {
        if (limit.Kind != LimitKind.Cap) return Window.Forever;
        var start = long.Parse(key.AsSpan(key.LastIndexOf(':') + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        return limit.Period!.WindowAt(start, limit.Zone!);
    }

    private sealed record Reading(Window Window, long Limit, long Used, long Held);

    private sealed class Cell
    {
        private volatile Reading values = new(new Window(long.MinValue, long.MinValue), 0, 0, 0);
        private long soft;

        public Reading Values { get => values; set => values = value; }
        public void AddSoft(long amount) => Interlocked.Add(ref soft, amount);
        public long SoftHeld => Math.Max(0, Interlocked.Read(ref soft));
    }
}
