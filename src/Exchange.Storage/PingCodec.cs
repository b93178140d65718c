using System.Buffers.Binary;
using System.Text;
using Exchange.Engine;
using Exchange.Engine.Fields;
using Exchange.Engine.Filters;
using Exchange.Engine.PingTrees;
using Exchange.Engine.Values;

namespace Exchange.Storage;

/// <summary>
/// A ping record as bytes: version, then every member in the order below; numbers are varints, texts are length + 1 (0 = null) and UTF-8.
/// Values of sensitive fields stand in one sealed part of their own, so that a record in the clear holds none. A member added later goes to
/// the end under a new version; old versions stay readable for as long as records are kept.
/// </summary>
public static class PingCodec
{
    private const byte Version = 1;
    private const byte Absent = 0, Plain = 1, Sealed = 2;

    public static byte[] Encode(PingRecord record, FieldSet fields, IVault vault)
    {
        ArgumentNullException.ThrowIfNull(record);
        ArgumentNullException.ThrowIfNull(fields);
        ArgumentNullException.ThrowIfNull(vault);
        var to = new Output();
        to.Byte(Version);
        to.Signed(record.AtMs);
        to.Text(record.Publisher);
        to.Text(record.Vertical);
        to.Text(record.Tree);
        to.Text(record.SubId);
        to.Text(record.Channel);
        to.Number(record.Tags.Length);
        foreach (var (key, value) in record.Tags) { to.Text(key); to.Text(value); }
        to.Signed(record.CatalogVersion);
        to.Fixed(record.Seed);
        to.Signed(record.MinPayout.Micros);
        to.Number(record.MaxCopies);
        to.Number(record.SoldElsewhereCopies);
        to.Number(record.SoldElsewhereSellers.Length);
        foreach (var seller in record.SoldElsewhereSellers) to.Text(seller);
        EncodeValues(to, record, fields, vault);
        to.Number(record.Bids.Length);
        foreach (var bid in record.Bids)
        {
            to.Number(bid.Tier);
            to.Text(bid.Campaign);
            to.Text(bid.Buyer);
            to.Text(bid.Company);
            to.Text(bid.Seller);
            to.Number((int)bid.Sharing);
            to.Signed(bid.Bid.Micros);
            to.Signed(bid.Floor.Micros);
            to.Byte(bid.HasFloor ? (byte)1 : (byte)0);
            to.Signed(bid.Handicap.Millionths);
        }
        to.Number(record.Offers.Length);
        foreach (var offer in record.Offers)
        {
            to.Text(offer.OfferId);
            to.Number(offer.BidIndex);
            to.Number((int)offer.Sharing);
            to.Signed(offer.Price.Micros);
            to.Signed(offer.Payout.Micros);
            to.Text(offer.Seller);
            to.Byte(offer.Best ? (byte)1 : (byte)0);
        }
        to.Number(record.Notes.Length);
        foreach (var note in record.Notes)
        {
            to.Text(note.Campaign);
            to.Signed((short)note.Reason);
            to.Text(note.LimitId);
            to.Signed(note.Limit);
            to.Signed(note.Used);
            to.Signed(note.Held);
            to.Signed(note.Needed);
        }
        to.Number(record.Turns.Length);
        foreach (var (tier, campaign) in record.Turns) { to.Number(tier); to.Text(campaign); }
        to.Signed(record.ExpiresAtMs);
        to.Signed((short)record.Outcome);
        to.Text(record.RequestKey);
        return to.ToArray();
    }

    /// <summary>Throws <see cref="InvalidDataException"/> if the bytes are not a record of a known version.</summary>
    public static PingRecord Decode(LeadId id, ReadOnlySpan<byte> bytes, IVault vault)
    {
        ArgumentNullException.ThrowIfNull(vault);
        var from = new Input(bytes);
        if (from.Byte() != Version) throw new InvalidDataException("A ping record of an unknown version");
        var record = new PingRecord
        {
            Id = id,
            AtMs = from.Signed(),
            Publisher = from.Text()!,
            Vertical = from.Text()!,
            Tree = from.Text(),
            SubId = from.Text(),
            Channel = from.Text(),
            Tags = from.Array(static (ref Input from) => new KeyValuePair<string, string>(from.Text()!, from.Text()!)),
            CatalogVersion = from.Signed(),
            Seed = from.Fixed(),
            MinPayout = new(from.Signed()),
            MaxCopies = from.Number(),
            SoldElsewhereCopies = from.Number(),
            SoldElsewhereSellers = from.Array(static (ref Input from) => from.Text()!),
            Values = DecodeValues(ref from, id, vault),
            Bids = from.Array(static (ref Input from) => new RankedBid(from.Number(), from.Text()!, from.Text()!, from.Text()!, from.Text(), (Sharing)from.Number(),
                new Money(from.Signed()), new Money(from.Signed()), from.Byte() == 1, new Percent(from.Signed()))),
            Offers = from.Array(static (ref Input from) => new Offer(from.Text()!, from.Number(), (Sharing)from.Number(), new Money(from.Signed()),
                new Money(from.Signed()), from.Text(), from.Byte() == 1)),
            Notes = from.Array(static (ref Input from) => new StateNote(from.Text()!, (Reason)from.Signed(), from.Text()!, from.Signed(), from.Signed(),
                from.Signed(), from.Signed())),
            Turns = from.Array(static (ref Input from) => new KeyValuePair<int, string>(from.Number(), from.Text()!)),
            ExpiresAtMs = from.Signed(),
            Outcome = (Reason)from.Signed(),
            RequestKey = from.Text(),
        };
        return record;
    }

    private static void EncodeValues(Output to, PingRecord record, FieldSet fields, IVault vault)
    {
        Output? secret = null;
        to.Number(record.Values.Length);
        for (var i = 0; i < record.Values.Length; i++)
        {
            var value = record.Values[i];
            if (!value.IsGiven)
            {
                to.Byte(Absent);
                continue;
            }
            // What the vertical does not know is taken for sensitive: the safe mistake.
            var isSecret = i >= fields.Count || fields.All[i].Sensitive || fields.All[i].Pii;
            to.Byte(isSecret ? Sealed : Plain);
            var part = isSecret ? secret ??= new Output() : to;
            part.Signed(value.Number);
            part.Text(value.Text);
        }
        to.Bytes(secret is null ? [] : vault.Seal(record.Id, secret.Written));
    }

    private static FieldValue[] DecodeValues(ref Input from, LeadId id, IVault vault)
    {
        var values = new FieldValue[from.Count()];
        List<int> secret = [];
        for (var i = 0; i < values.Length; i++)
            switch (from.Byte())
            {
                case Plain:
                    var number = from.Signed();
                    values[i] = new(from.Text(), number);
                    break;
                case Sealed: secret.Add(i); break;
            }
        var sealedPart = from.Bytes();
        if (secret.Count == 0) return values;
        var opened = new Input(vault.Open(id, sealedPart));
        foreach (var i in secret)
        {
            var number = opened.Signed();
            values[i] = new(opened.Text(), number);
        }
        return values;
    }

    private sealed class Output
    {
        private byte[] buffer = new byte[512];
        private int length;

        public ReadOnlySpan<byte> Written => buffer.AsSpan(0, length);
        public byte[] ToArray() => Written.ToArray();

        public void Byte(byte value) => Room(1)[0] = value;
        public void Number(int value) => Unsigned(checked((ulong)value));
        public void Signed(long value) => Unsigned(Varint.ZigZag(value));
        public void Fixed(ulong value) => BinaryPrimitives.WriteUInt64LittleEndian(Room(8), value);

        public void Text(string? value)
        {
            if (value is null)
            {
                Number(0);
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

    private delegate T Reader<out T>(ref Input from);

    private ref struct Input(ReadOnlySpan<byte> rest)
    {
        private ReadOnlySpan<byte> rest = rest;

        public byte Byte() => Take(1)[0];
        public int Number() => checked((int)Varint.Read(ref rest));
        public long Signed() => Varint.UnZigZag(Varint.Read(ref rest));
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

        public T[] Array<T>(Reader<T> read)
        {
            var items = new T[Count()];
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
}
