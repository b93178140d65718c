namespace Exchange.Simulation.Scheduling;

/// <summary>All chance of one world, from one seed (SplitMix64). The same in every process and on every machine.</summary>
internal sealed class SimRandom(ulong seed)
{
    private ulong state = unchecked(seed * 0xD1342543DE82EF95UL + 0x2545F4914F6CDD1DUL);

    public ulong Next()
    {
        unchecked
        {
            state += 0x9E3779B97F4A7C15UL;
            var z = state;
            z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9UL;
            z = (z ^ (z >> 27)) * 0x94D049BB133111EBUL;
            return z ^ (z >> 31);
        }
    }

    /// <summary>From 0 to less than <paramref name="bound"/>.</summary>
    public int Next(int bound) => (int)((Next() >> 33) % (ulong)bound);

    /// <summary>Both ends included.</summary>
    public int Between(int from, int to) => from + Next(to - from + 1);

    /// <summary>True so many times in a thousand.</summary>
    public bool Chance(int perMille) => perMille > 0 && Next(1000) < perMille;

    public T Pick<T>(IReadOnlyList<T> among) => among[Next(among.Count)];
}
