using CsCheck;
using Exchange.Grains.Memory;
using Shouldly;

namespace Exchange.System.Tests.Grains;

/// <summary>A dictionary in parts is a dictionary.</summary>
public sealed class StripedTableTests
{
    private enum Step
    {
        Add,
        Update,
        Remove,
        Find,
    }

    [Fact]
    public void AnySteps_EndAsInADictionary() =>
        Gen.Select(Gen.Enum<Step>(), Gen.Int[0, 40], Gen.Int).Array[0, 200].Sample(steps =>
        {
            var (table, twin) = (new StripedTable<int, int>(), new Dictionary<int, int>());
            foreach (var (step, key, value) in steps)
            {
                var (same, expected) = step switch
                {
                    Step.Add => (table.TryAdd(key, value), twin.TryAdd(key, value)),
                    Step.Update => (table.TryUpdate(key, value), Update(twin, key, value)),
                    Step.Remove => (table.TryRemove(key), twin.Remove(key)),
                    _ => (table.ContainsKey(key), twin.ContainsKey(key)),
                };
                if (same != expected || table.Count != twin.Count) return false;
                if (table.TryGetValue(key, out var here) != twin.TryGetValue(key, out var there) || here != there) return false;
            }
            return true;
        });

    [Fact]
    public void ManyThreads_EachEntryIsAddedOnce_AndTheCountIsWhatIsThere()
    {
        const int keys = 20_000;
        var table = new StripedTable<long, int>();
        var (added, removed) = (0, 0);
        Parallel.For(0, 4, thread =>
        {
            for (long key = 0; key < keys; key++)
            {
                if (table.TryAdd(key, thread)) Interlocked.Increment(ref added);
                if (key % 3 == 0 && table.TryRemove(key)) Interlocked.Increment(ref removed);
            }
        });
        table.Count.ShouldBe(added - removed);
        Enumerable.Range(0, keys).Count(key => table.ContainsKey(key)).ShouldBe(table.Count);
        Enumerable.Range(0, keys).Where(key => key % 3 != 0).ShouldAllBe(key => table.ContainsKey(key));
    }

    private static bool Update(Dictionary<int, int> twin, int key, int value)
    {
        if (!twin.ContainsKey(key)) return false;
        twin[key] = value;
        return true;
    }
}
