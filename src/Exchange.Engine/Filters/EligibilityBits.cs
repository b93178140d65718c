using System.Runtime.Intrinsics;

namespace Exchange.Engine.Filters;

/// <summary>
/// Bitmaps of positions: bit n of word w is position 64·w + n. Rows of bits are as long as whole vectors, what is asked of them only as long as
/// there are positions.
/// </summary>
internal static class EligibilityBits
{
    private static int Step => Vector512<ulong>.Count;

    /// <summary>Words of a row of so many positions.</summary>
    public static int RowWords(int count) => (count + 64 * Step - 1) / (64 * Step) * Step;

    public static void Set(ulong[] bitmap, int position) => bitmap[position / 64] |= 1UL << position % 64;
    public static void Clear(ulong[] bitmap, int position) => bitmap[position / 64] &= ~(1UL << position % 64);
    public static bool Has(ulong[] bitmap, int position) => (bitmap[position / 64] >> position % 64 & 1) != 0;

    /// <summary>What four rows have in common, in one pass: the rows come from farther away than the sum of their ANDs costs.</summary>
    /// <param name="narrow">True: and what the bitmap has already; false: whatever it had.</param>
    public static void Common(Span<ulong> bitmap, ReadOnlySpan<ulong> a, ReadOnlySpan<ulong> b, ReadOnlySpan<ulong> c, ReadOnlySpan<ulong> d, bool narrow)
    {
        b = b[..a.Length];
        c = c[..a.Length];
        d = d[..a.Length];
        var at = 0;
        for (; at + Step <= bitmap.Length; at += Step)
        {
            var part = bitmap[at..];
            var common = At(a, at) & At(b, at) & At(c, at) & At(d, at);
            (narrow ? common & Vector512.Create<ulong>(part) : common).CopyTo(part);
        }
        for (; at < bitmap.Length; at++)
        {
            var common = a[at] & b[at] & c[at] & d[at];
            bitmap[at] = narrow ? bitmap[at] & common : common;
        }
    }

    public static void And(Span<ulong> bitmap, ReadOnlySpan<ulong> with)
    {
        for (var i = 0; i < bitmap.Length && i < with.Length; i++) bitmap[i] &= with[i];
    }

    public static void Or(Span<ulong> bitmap, ReadOnlySpan<ulong> with)
    {
        for (var i = 0; i < bitmap.Length && i < with.Length; i++) bitmap[i] |= with[i];
    }

    public static void Xor(Span<ulong> bitmap, ReadOnlySpan<ulong> with)
    {
        for (var i = 0; i < bitmap.Length && i < with.Length; i++) bitmap[i] ^= with[i];
    }

    private static Vector512<ulong> At(ReadOnlySpan<ulong> row, int at) => Vector512.Create(row[at..]);
}
