using System.Buffers.Binary;
using System.Text;
using Exchange.Engine;
using Exchange.Engine.Catalog;
using Exchange.Engine.Fields;
using Exchange.Engine.Filters;
using Exchange.Engine.PingTrees;
using Exchange.Engine.Values;

namespace Exchange.Storage;

/// <summary>
/// A ping record as bytes: version, catalog version, then every member in the order below; numbers are varints, texts are length + 1 (0 = null)
/// and UTF-8. A campaign is its ordinal in its vertical, a limit its ordinal in the catalog: so a record is small, and is read with the model of
/// its catalog version. Values of sensitive fields stand in one sealed part of their own, so that a record in the clear holds none.
/// </summary>
public static class PingCodec
{
    private const byte Version = 2;
    private const byte Absent = 0, Plain = 1, Sealed = 2;
    private const byte HasFloor = 1, SameFloor = 2;

    /// <summary>The cent: most amounts are whole ones, and are written as such.</summary>
    private const long Cent = 10_000;

    public static byte[] Encode(PingRecord record, FieldSet fields, IVault vault)
    {
        ArgumentNullException.ThrowIfNull(record);
        ArgumentNullException.ThrowIfNull(fields);
        ArgumentNullException.ThrowIfNull(vault);
        var to = new Output();
        to.Byte(Version);
        to.Signed(record.CatalogVersion);
        to.Signed(record.AtMs);
        to.Text(record.Publisher);
        to.Text(record.Vertical);
        to.Text(record.Tree);
        to.Text(record.SubId);
        to.Text(record.Channel);
        to.Number(record.Tags.Length);
        foreach (var (key, value) in record.Tags) { to.Text(key); to.Text(value); }
        to.Fixed(record.Seed);
        to.Money(record.MinPayout);
        to.Number(record.MaxCopies);
        to.Number(record.SoldElsewhereCopies);
        to.Number(record.SoldElsewhereSellers.Length);
        foreach (var seller in record.SoldElsewhereSellers) to.Text(seller);
        EncodeValues(to, record, fields, vault);
        EncodeBids(to, record.Bids);
        to.Number(record.Offers.Length);
        foreach (var offer in record.Offers)
        {
            to.Text(offer.OfferId);
            to.Number(offer.BidIndex);
            to.Money(offer.Price);
            to.Money(offer.Payout);
            to.Byte(offer.Best ? (byte)1 : (byte)0);
        }
        to.Number(record.Notes.Length);
        foreach (var note in record.Notes)
        {
            to.Number(note.Of is null ? 0 : note.Of.Ordinal + 1);
            to.Signed((short)note.Reason);
            to.Number(note.At is null ? 0 : note.At.Ordinal + 1);
            to.Signed(note.Limit);
            to.Signed(note.Used);
            to.Signed(note.Held);
            to.Signed(note.Needed);
            to.Text(note.Value);
            to.Signed(note.UntilMs);
        }
        to.Number(record.Shares.Length);
        foreach (var share in record.Shares) { to.Number(share.Tier); to.Number(share.Of.Ordinal); to.Signed(share.Sold); }
        to.Number(record.Turns.Length);
        foreach (var (tier, campaign) in record.Turns) { to.Number(tier); to.Text(campaign); }
        to.Number(record.Persons.Length);
        foreach (var person in record.Persons) { to.Number(person.Field); to.Bytes(person.Hmac); }
        to.Signed(record.ExpiresAtMs - record.AtMs);
        to.Signed((short)record.Outcome);
        return to.ToArray();
    }

    /// <summary>Which catalog version a record is to be read with. Throws <see cref="InvalidDataException"/> if the bytes are no record of this format.</summary>
    public static long CatalogVersionOf(ReadOnlySpan<byte> bytes)
    {
        var from = new Input(bytes);
        return from.Byte() == Version ? from.Signed() : throw new InvalidDataException("A ping record of an unknown version");
    }

    /// <summary>Throws <see cref="InvalidDataException"/> if the bytes are not a record of this format, or not of this model's catalog version.</summary>
    public static PingRecord Decode(LeadId id, ReadOnlySpan<byte> bytes, IVault vault, CatalogModel model)
    {
        ArgumentNullException.ThrowIfNull(vault);
        ArgumentNullException.ThrowIfNull(model);
        var from = new Input(bytes);
        if (from.Byte() != Version) throw new InvalidDataException("A ping record of an unknown version");
        if (from.Signed() != model.Version) throw new InvalidDataException("A ping record of another catalog version");
        var atMs = from.Signed();
        var publisher = from.Text()!;
        var vertical = from.Text()!;
        var campaigns = model.Verticals.TryGetValue(vertical, out var known) ? known.Campaigns : [];
        var (tree, subId, channel) = (from.Text(), from.Text(), from.Text());
        var tags = from.Array(static (ref Input from) => new KeyValuePair<string, string>(from.Text()!, from.Text()!));
        var seed = from.Fixed();
        var minPayout = from.Money();
        var (maxCopies, elsewhere) = (from.Number(), from.Number());
        var sellers = from.Array(static (ref Input from) => from.Text()!);
        var values = DecodeValues(ref from, id, vault);
        var bids = DecodeBids(ref from, campaigns);
        var offers = new Offer[from.Count()];
        for (var i = 0; i < offers.Length; i++)
        {
            var (offerId, bid) = (from.Text()!, from.Number());
            if (bid >= bids.Length) throw new InvalidDataException("A ping record whose offer has no bid");
            offers[i] = new(offerId, bid, bids[bid].Sharing, from.Money(), from.Money(), bids[bid].Seller, from.Byte() == 1);
        }
        var notes = new StateNote[from.Count()];
        for (var i = 0; i < notes.Length; i++)
        {
            var of = from.Number();
            var reason = (Reason)from.Signed();
            var at = from.Number();
            notes[i] = new(of == 0 ? null : At(campaigns, of - 1), reason, at == 0 ? null : At(model.Limits, at - 1), from.Signed(), from.Signed(), from.Signed(),
                from.Signed(), from.Text(), from.Signed());
        }
        var shares = new ShareNote[from.Count()];
        for (var i = 0; i < shares.Length; i++) shares[i] = new(from.Number(), At(campaigns, from.Number()), from.Signed());
        return new PingRecord
        {
            Id = id, AtMs = atMs, Publisher = publisher, Vertical = vertical, Tree = tree, SubId = subId, Channel = channel, Tags = tags,
            CatalogVersion = model.Version, Seed = seed, MinPayout = minPayout, MaxCopies = maxCopies, SoldElsewhereCopies = elsewhere,
            SoldElsewhereSellers = sellers, Values = values, Bids = bids, Offers = offers, Notes = notes, Shares = shares,
            Turns = from.Array(static (ref Input from) => new KeyValuePair<int, string>(from.Number(), from.Text()!)),
            Persons = from.Array(static (ref Input from) => new PersonHash(from.Number(), from.Bytes().ToArray())),
            ExpiresAtMs = atMs + from.Signed(),
            Outcome = (Reason)from.Signed(),
        };
    }

    private static T At<T>(IReadOnlyList<T> list, int index) =>
        index < list.Count ? list[index] : throw new InvalidDataException("A ping record that names what its catalog does not have");

    private static void EncodeBids(Output to, RankedBid[] bids)
    {
        to.Number(bids.Length);
        var floor = Engine.Values.Money.Zero;
        foreach (var bid in bids)
        {
            to.Number(bid.Tier);
            to.Number(bid.Of.Ordinal);
            to.Byte((byte)((int)bid.Sharing << 2 | (bid.HasFloor ? HasFloor : 0) | (bid.Floor == floor ? SameFloor : 0)));
            to.Money(bid.Bid);
            if (bid.Floor != floor) to.Money(bid.Floor);
            floor = bid.Floor;
        }
    }

    private static RankedBid[] DecodeBids(ref Input from, IReadOnlyList<CampaignModel> campaigns)
    {
        var bids = new RankedBid[from.Count()];
        var floor = Engine.Values.Money.Zero;
        for (var i = 0; i < bids.Length; i++)
        {
            var (tier, of, marks, bid) = (from.Number(), At(campaigns, from.Number()), from.Byte(), from.Money());
            if ((marks & SameFloor) == 0) floor = from.Money();
            bids[i] = new(tier, of, (Sharing)(marks >> 2), bid, floor, (marks & HasFloor) != 0);
        }
        return bids;
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
        public void Money(Money value) => Unsigned(value.Micros % Cent == 0
            ? Varint.ZigZag(value.Micros / Cent) << 1
            : checked(Varint.ZigZag(value.Micros) * 2 + 1));
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
        public Money Money()
        {
            var written = Varint.Read(ref rest);
            return new(Varint.UnZigZag(written >> 1) * ((written & 1) == 0 ? Cent : 1));
        }
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
