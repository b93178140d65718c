using System.Buffers.Binary;
using System.Text;
using Exchange.Engine.Values;

namespace Exchange.Storage;

internal delegate T RecordPart<out T>(ref RecordReader from);

/// <summary>Reads what a <see cref="RecordWriter"/> wrote. Throws <see cref="InvalidDataException"/> where the bytes are cut.</summary>
internal ref struct RecordReader(ReadOnlySpan<byte> rest)
{
    private ReadOnlySpan<byte> rest = rest;

    public byte Byte() => Take(1)[0];
    public int Number() => checked((int)Varint.Read(ref rest));
    public long Signed() => Varint.UnZigZag(Varint.Read(ref rest));
    public Money Money()
    {
        var written = Varint.Read(ref rest);
        return new(Varint.UnZigZag(written >> 1) * ((written & 1) == 0 ? RecordWriter.Cent : 1));
    }
    public LeadId Id() => LeadId.FromBytes(Take(16));
    public bool IsAtEnd => rest.IsEmpty;
    public ulong Fixed() => BinaryPrimitives.ReadUInt64LittleEndian(Take(8));
    public ReadOnlySpan<byte> Bytes() => Take(Number());

    public string? Text()
    {
        var length = Number();
        return length == 0 ? null : Encoding.UTF8.GetString(Take(length - 1));
    }

    /// <summary>A count of things that take at least a byte each: never more than there are bytes.</summary>
    public int Count()
    {
        var count = Number();
        return count <= rest.Length ? count : throw new InvalidDataException("A ping record is cut");
    }

    public T[] Array<T>(RecordPart<T> read)
    {
        var count = Count();
        // Most records have nothing of most kinds, and a record is read at each post.
        T[] items = count == 0 ? [] : new T[count];
        for (var i = 0; i < items.Length; i++) items[i] = read(ref this);
        return items;
    }

    private ReadOnlySpan<byte> Take(int count)
    {
        if (count > rest.Length) throw new InvalidDataException("A ping record is cut");
        var taken = rest[..count];
        rest = rest[count..];
        return taken;
    }
}
