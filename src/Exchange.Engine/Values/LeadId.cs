using System.Buffers.Binary;

namespace Exchange.Engine.Values;

/// <summary>
/// The id of a ping and of the lead it may become: 16 bytes, big-endian, so that byte order is time order
/// (random ids halve the store's speed). Milliseconds since 1970 (48 bits) · home silo (16) · test flag (1) · sequence and random (63).
/// As text: 26 characters of Crockford's base 32 in lower case, with <c>test_</c> before a test's.
/// </summary>
public readonly record struct LeadId(ulong High, ulong Low) : IComparable<LeadId>
{
    private const string Alphabet = "0123456789abcdefghjkmnpqrstvwxyz";
    private const string TestPrefix = "test_";
    private const ulong TestBit = 1UL << 63;

    public static LeadId Create(long unixMilliseconds, ushort silo, bool test, ulong unique63) =>
        new((ulong)unixMilliseconds << 16 | silo, unique63 & ~TestBit | (test ? TestBit : 0));

    public long UnixMilliseconds => (long)(High >> 16);
    public ushort Silo => (ushort)(High & 0xFFFF);
    public bool IsTest => (Low & TestBit) != 0;

    /// <summary>The one right after it in order.</summary>
    public LeadId Next => Low == ulong.MaxValue ? new(High + 1, 0) : new(High, Low + 1);

    public int CompareTo(LeadId other) => High != other.High ? High.CompareTo(other.High) : Low.CompareTo(other.Low);

    public byte[] ToBytes()
    {
        var bytes = new byte[16];
        WriteTo(bytes);
        return bytes;
    }

    public void WriteTo(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt64BigEndian(destination, High);
        BinaryPrimitives.WriteUInt64BigEndian(destination[8..], Low);
    }

    public static LeadId FromBytes(ReadOnlySpan<byte> bytes) =>
        new(BinaryPrimitives.ReadUInt64BigEndian(bytes), BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]));

    /// <summary>The same 16 bytes as a Guid, for grain keys.</summary>
    public Guid ToGuid()
    {
        Span<byte> bytes = stackalloc byte[16];
        WriteTo(bytes);
        return new Guid(bytes, bigEndian: true);
    }

    public static LeadId FromGuid(Guid guid)
    {
        Span<byte> bytes = stackalloc byte[16];
        guid.TryWriteBytes(bytes, bigEndian: true, out _);
        return FromBytes(bytes);
    }

    public override string ToString() => string.Create(IsTest ? 31 : 26, this, static (span, id) =>
    {
        if (id.IsTest) { TestPrefix.CopyTo(span); span = span[TestPrefix.Length..]; }
        var value = new UInt128(id.High, id.Low);
        for (var i = 25; i >= 0; i--) { span[i] = Alphabet[(int)(value & 31)]; value >>= 5; }
    });

    public static bool TryParse(ReadOnlySpan<char> text, out LeadId id)
    {
        id = default;
        var test = text.StartsWith(TestPrefix, StringComparison.Ordinal);
        if (test) text = text[TestPrefix.Length..];
        if (text.Length != 26 || text[0] > '7') return false;
        UInt128 value = 0;
        foreach (var c in text)
        {
            var digit = Alphabet.IndexOf(c, StringComparison.Ordinal);
            if (digit < 0) return false;
            value = value << 5 | (uint)digit;
        }
        id = new((ulong)(value >> 64), (ulong)(value & ulong.MaxValue));
        return id.IsTest == test;
    }
}
