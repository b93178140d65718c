namespace Exchange.LoadTests.Leads;

/// <summary>Repeatable draws for a numbered thing. Seeds of neighbours would give draws that resemble each other, so the two numbers are mixed first (SplitMix64).</summary>
internal static class SeededDraws
{
    public static Random For(int seed, int index)
    {
        unchecked
        {
            var mixed = ((ulong)(uint)seed << 32 | (uint)index) + 0x9E37_79B9_7F4A_7C15UL;
            mixed = (mixed ^ (mixed >> 30)) * 0xBF58_476D_1CE4_E5B9UL;
            mixed = (mixed ^ (mixed >> 27)) * 0x94D0_49BB_1331_11EBUL;
            return new Random((int)(mixed ^ (mixed >> 31)));
        }
    }
}
