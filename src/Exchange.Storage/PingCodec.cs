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
    private const byte Version = 4;
    /// <summary>The same without the moments of standing bids; still written where none bid, so that a server of the version before reads it.</summary>
    private const byte WithoutStanding = 3;
    /// <summary>The same without live bids.</summary>
    private const byte WithoutLive = 2;
    private const byte Absent = 0, Plain = 1, Sealed = 2;
    private const byte HasFloor = 1, SameFloor = 2;

    // A ping is recorded by the thread that walks it: its writer's room is used again.
    [ThreadStatic] private static RecordWriter? own;

    public static byte[] Encode(PingRecord record, FieldSet fields, IVault vault)
    {
        var to = own ??= new();
        to.Clear();
        Encode(record, fields, vault, to);
        return to.Written.ToArray();
    }

    /// <summary>Appends the record to what is written already; a writer that is used again and again allocates nothing but for sealed values.</summary>
    internal static void Encode(PingRecord record, FieldSet fields, IVault vault, RecordWriter to)
    {
        ArgumentNullException.ThrowIfNull(record);
        ArgumentNullException.ThrowIfNull(fields);
        ArgumentNullException.ThrowIfNull(vault);
        var tellsStanding = Array.Exists(record.LiveBids, static bid => bid.StandingSince != 0);
        to.Byte(tellsStanding ? Version : WithoutStanding);
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
        EncodeLive(to, record, tellsStanding);
        to.Signed(record.ExpiresAtMs - record.AtMs);
        to.Signed((short)record.Outcome);
        // Behind everything, and only where there is something: a server of the version before reads as far as it knows.
        if (record.NamedSellers.Length == 0) return;
        to.Number(record.NamedSellers.Length);
        foreach (var seller in record.NamedSellers) to.Text(seller);
    }

    /// <summary>Which catalog version a record is to be read with. Throws <see cref="InvalidDataException"/> if the bytes are no record of this format.</summary>
    public static long CatalogVersionOf(ReadOnlySpan<byte> bytes)
    {
        var from = new RecordReader(bytes);
        return from.Byte() switch
        {
            Version or WithoutStanding or WithoutLive => from.Signed(),
            PingCodecV1.Version => PingCodecV1.CatalogVersionOf(ref from),
            _ => throw new InvalidDataException("A ping record of an unknown version"),
        };
    }

    /// <summary>Reads a stored record with the model of its catalog version.</summary>
    internal static async ValueTask<PingRecord> DecodeAsync(LeadId id, byte[] bytes, IVault vault, CatalogModels models, CancellationToken cancel)
    {
        var model = await models(CatalogVersionOf(bytes), cancel).ConfigureAwait(false);
        return Decode(id, bytes, vault, model);
    }

    /// <summary>The same of many, in their order.</summary>
    internal static async Task<IReadOnlyList<PingRecord>> DecodeAsync(IEnumerable<KeyValuePair<LeadId, byte[]>> stored, IVault vault, CatalogModels models, CancellationToken cancel)
    {
        var records = new List<PingRecord>();
        foreach (var (id, bytes) in stored) records.Add(await DecodeAsync(id, bytes, vault, models, cancel).ConfigureAwait(false));
        return records;
    }

    /// <summary>Throws <see cref="InvalidDataException"/> if the bytes are not a record of this format, or not of this model's catalog version.</summary>
    public static PingRecord Decode(LeadId id, ReadOnlySpan<byte> bytes, IVault vault, CatalogModel model)
    {
        ArgumentNullException.ThrowIfNull(vault);
        ArgumentNullException.ThrowIfNull(model);
        var from = new RecordReader(bytes);
        var version = from.Byte();
        if (version == PingCodecV1.Version) return PingCodecV1.Decode(id, ref from, vault, model);
        if (version is not (Version or WithoutStanding or WithoutLive)) throw new InvalidDataException("A ping record of an unknown version");
        if (from.Signed() != model.Version) throw new InvalidDataException("A ping record of another catalog version");
        var atMs = from.Signed();
        var publisher = from.Text()!;
        var vertical = from.Text()!;
        var campaigns = model.Verticals.TryGetValue(vertical, out var known) ? known.Campaigns : [];
        var (tree, subId, channel) = (from.Text(), from.Text(), from.Text());
        var tags = from.Array(static (ref RecordReader from) => new KeyValuePair<string, string>(from.Text()!, from.Text()!));
        var seed = from.Fixed();
        var minPayout = from.Money();
        var (maxCopies, elsewhere) = (from.Number(), from.Number());
        var sellers = from.Array(static (ref RecordReader from) => from.Text()!);
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
        var turns = from.Array(static (ref RecordReader from) => new KeyValuePair<int, string>(from.Number(), from.Text()!));
        var persons = from.Array(static (ref RecordReader from) => new PersonHash(from.Number(), from.Bytes().ToArray()));
        var live = version == WithoutLive ? [] : DecodeLive(ref from, campaigns, atMs, tellsStanding: version == Version);
        if (live.Length > 0)
        {
            for (var i = 0; i < bids.Length; i++) bids[i] = bids[i] with { Live = Array.Find(live, said => ReferenceEquals(said.Of, bids[i].Of) && said.Sharing == bids[i].Sharing) };
            for (var i = 0; i < offers.Length; i++) offers[i] = offers[i] with { Seller = bids[offers[i].BidIndex].Seller };
        }
        return new PingRecord
        {
            Id = id, AtMs = atMs, Publisher = publisher, Vertical = vertical, Tree = tree, SubId = subId, Channel = channel, Tags = tags,
            CatalogVersion = model.Version, Seed = seed, MinPayout = minPayout, MaxCopies = maxCopies, SoldElsewhereCopies = elsewhere,
            SoldElsewhereSellers = sellers, Values = values, Bids = bids, Offers = offers, Notes = notes, Shares = shares,
            Turns = turns, Persons = persons, LiveBids = live,
            ExpiresAtMs = atMs + from.Signed(),
            Outcome = (Reason)from.Signed(),
            NamedSellers = from.IsAtEnd ? [] : from.Array(static (ref RecordReader from) => from.Text()!),
        };
    }

    private static T At<T>(IReadOnlyList<T> list, int index) =>
        index < list.Count ? list[index] : throw new InvalidDataException("A ping record that names what its catalog does not have");

    private static void EncodeBids(RecordWriter to, RankedBid[] bids)
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

    private static RankedBid[] DecodeBids(ref RecordReader from, IReadOnlyList<CampaignModel> campaigns)
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

    private static void EncodeLive(RecordWriter to, PingRecord record, bool tellsStanding)
    {
        to.Number(record.LiveBids.Length);
        foreach (var live in record.LiveBids)
        {
            to.Number(live.Of.Ordinal);
            to.Byte((byte)live.Sharing);
            to.Signed((short)live.Reason);
            to.Byte(live.Price is null ? Absent : Plain);
            if (live.Price is { } price) to.Money(price);
            to.Text(live.Seller);
            to.Signed(live.UntilMs == 0 ? 0 : live.UntilMs - record.AtMs);
            to.Text(live.Said);
            to.Number(live.TookMs);
            if (tellsStanding) to.Signed(live.StandingSince);
            to.Number(live.Carry.Length);
            foreach (var (name, value) in live.Carry) { to.Text(name); to.Text(value); }
        }
    }

    private static LiveBid[] DecodeLive(ref RecordReader from, IReadOnlyList<CampaignModel> campaigns, long atMs, bool tellsStanding)
    {
        var live = new LiveBid[from.Count()];
        for (var i = 0; i < live.Length; i++)
        {
            var bid = new LiveBid(At(campaigns, from.Number()), (Sharing)from.Byte(), (Reason)from.Signed());
            var price = from.Byte() == Absent ? (Money?)null : from.Money();
            var seller = from.Text();
            var until = from.Signed();
            live[i] = bid with
            {
                Price = price, Seller = seller, UntilMs = until == 0 ? 0 : atMs + until, Said = from.Text(), TookMs = from.Number(), StandingSince = tellsStanding ? from.Signed() : 0,
                Carry = from.Array(static (ref RecordReader from) => new KeyValuePair<string, string>(from.Text()!, from.Text()!)),
            };
        }
        return live;
    }

    private static void EncodeValues(RecordWriter to, PingRecord record, FieldSet fields, IVault vault)
    {
        RecordWriter? secret = null;
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
            var part = isSecret ? secret ??= to.Inner() : to;
            part.Signed(value.Number);
            part.Text(value.Text);
        }
        to.Bytes(secret is null ? [] : vault.Seal(record.Id, secret.Written));
    }

    internal static FieldValue[] DecodeValues(ref RecordReader from, LeadId id, IVault vault)
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
        var opened = new RecordReader(vault.Open(id, sealedPart));
        foreach (var i in secret)
        {
            var number = opened.Signed();
            values[i] = new(opened.Text(), number);
        }
        return values;
    }
}
