namespace Exchange.Engine.Auctions;

/// <summary>
/// The numbers drawn from a ping's seed: the same seed gives the same numbers for ever, so that a decision can be repeated.
/// SplitMix64 (G. Steele, D. Lea, C. Flood: Fast splittable pseudorandom number generators, OOPSLA 2014).
/// </summary>
internal struct SeededDraw(ulong seed)
{
    private ulong state = seed;

    /// <summary>At least 0, below <paramref name="bound"/>, which is above 0.</summary>
    public long Below(long bound) => (long)Math.BigMul(Next(), (ulong)bound, out _);

    public ulong Next()
    {
        unchecked
        {
            var z = state += 0x9E3779B97F4A7C15;
            z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9;
            z = (z ^ z >> 27) * 0x94D049BB133111EB;
            return z ^ z >> 31;
        }
    }
}
