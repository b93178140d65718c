namespace Exchange.Grains.Memory;

/// <summary>Tables for many threads lie in so many parts, each with a lock of its own.</summary>
internal static class Stripes
{
    private const int Bits = 4;

    public const int Count = 1 << Bits;

    /// <summary>The part of a key, from 0: by the upper bits of its mixed hash, because the part's own dictionary takes the lower ones.</summary>
    public static int Of<TKey>(TKey key) where TKey : struct, IEquatable<TKey> => (int)(unchecked((uint)key.GetHashCode() * 0x9E3779B1u) >> (32 - Bits));
}
