using System.Buffers.Binary;
using System.Text;
using Exchange.Engine.Values;

namespace Exchange.Storage;

/// <summary>Bytes of records, one after the other, in a buffer that is kept: numbers as varints, texts as length + 1 (0 = null) and UTF-8.</summary>
internal sealed class RecordWriter
{
    /// <summary>The cent: most amounts are whole ones, and are written as such.</summary>
    internal const long Cent = 10_000;

    /// <summary>So short a text has a length of one byte, whatever its characters.</summary>
    private const int ShortText = 0x7F / 3;

    private byte[] buffer = new byte[1024];
    private int length;
    private RecordWriter? inner;

    public ReadOnlySpan<byte> Written => buffer.AsSpan(0, length);
    public int Length => length;

    public void Clear() => length = 0;

    /// <summary>Forgets what was written after this length.</summary>
    public void CutTo(int written) => length = written;

    /// <summary>An empty writer of its own for a part that is not written in the clear.</summary>
    public RecordWriter Inner()
    {
        inner ??= new();
        inner.Clear();
        return inner;
    }

    public void Byte(byte value) => Room(1)[0] = value;
    public void Number(int value) => Unsigned(checked((ulong)value));
    public void Signed(long value) => Unsigned(Varint.ZigZag(value));

    public void Money(Money value) => Unsigned(value.Micros % Cent == 0
        ? Varint.ZigZag(value.Micros / Cent) << 1
        : checked(Varint.ZigZag(value.Micros) * 2 + 1));

    public void Fixed(ulong value) => BinaryPrimitives.WriteUInt64LittleEndian(Room(8), value);
    public void Id(LeadId value) => value.WriteTo(Room(16));

    public void Text(string? value)
    {
        if (value is null)
        {
            Byte(0);
            return;
        }
        if (value.Length <= ShortText)
        {
            if (buffer.Length - length < 0x80) Grow(0x80);
            var written = Encoding.UTF8.GetBytes(value, buffer.AsSpan(length + 1));
            buffer[length] = (byte)(written + 1);
            length += written + 1;
            return;
        }
        var count = Encoding.UTF8.GetByteCount(value);
        Number(count + 1);
        Encoding.UTF8.GetBytes(value, Room(count));
    }

    public void Bytes(ReadOnlySpan<byte> value)
    {
        Number(value.Length);
        value.CopyTo(Room(value.Length));
    }

    private void Unsigned(ulong value)
    {
        if (buffer.Length - length < Varint.MaxBytes) Grow(Varint.MaxBytes);
        length += Varint.Write(buffer.AsSpan(length), value);
    }

    private Span<byte> Room(int count)
    {
        if (buffer.Length - length < count) Grow(count);
        length += count;
        return buffer.AsSpan(length - count, count);
    }

    private void Grow(int count) => Array.Resize(ref buffer, Math.Max(buffer.Length * 2, length + count));
}
