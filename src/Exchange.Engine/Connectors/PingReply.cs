using System.Collections.ObjectModel;
using System.Globalization;
using Exchange.Engine.Filters;
using Exchange.Engine.Values;

namespace Exchange.Engine.Connectors;

/// <summary>How the answer to a ping is read.</summary>
public sealed class PingReply
{
    /// <summary>Null: by content type.</summary>
    public ReplyFormat? Format { get; init; }
    /// <summary>Null: whatever has a price is a bid.</summary>
    public ReplyCondition? BidWhen { get; init; }
    /// <summary>Null: the answer says yes or no, the campaign's own price counts.</summary>
    public ReplyRead? Price { get; init; }
    public ReplyRead? Currency { get; init; }
    /// <summary>Seconds.</summary>
    public ReplyRead? ExpiresIn { get; init; }
    public ReplyRead? Sharing { get; init; }
    public ReplyRead? Seller { get; init; }
    public IReadOnlyList<KeyValuePair<string, ReplyRead>> Carry { get; init; } = [];
    public ReplyRead? Reason { get; init; }
    /// <summary>Where several bids are; everything else is looked for in each of them first.</summary>
    public ReplyPath? Each { get; init; }

    /// <param name="currency">Ours: a bid in another cannot count.</param>
    public BidReading Read(HttpReply reply, string currency)
    {
        if (reply.Status == 204) return BidReading.Declined(Engine.Reason.NoBid);
        var view = ReplyView.Of(reply, Format);
        var told = Reason?.Told(view);
        if (!MayCount(view)) return BidReading.Declined(Engine.Reason.BadResponse, told);
        var bids = new List<ReplyBid>();
        IEnumerable<ReplyNode?> places = [null];
        if (Each is not null) places = Each.FindAll(view);
        foreach (var place in places)
        {
            if (bids.Count == Limits.OffersPerAnswer) break;
            if (Bid(view, place, currency) is { } bid) bids.Add(bid);
        }
        if (bids.Count > 0) return new(bids, Engine.Reason.None, told);
        // An answer in which nothing is that we look for is not a no, it is nobody's words.
        var known = Each is not null || (BidWhen?.Paths ?? Price!.Places.Select(place => place.Path)).Any(path => path.Find(view) is not null);
        return BidReading.Declined(known ? Engine.Reason.NoBid : Engine.Reason.BadResponse, told);
    }

    /// <summary>What each key found; of several bids in the first of them.</summary>
    public IReadOnlyList<ReplyFinding> Explain(HttpReply reply)
    {
        var view = ReplyView.Of(reply, Format);
        var bids = Each?.FindAll(view);
        var first = bids is [var one, ..] ? one : null;
        var findings = new List<ReplyFinding>();
        if (Each is not null) findings.Add(new("each", Each.Text, string.Create(CultureInfo.InvariantCulture, $"{bids!.Count}"), null));
        if (BidWhen is not null) findings.Add(ReplyFinding.Of("bid_when", BidWhen, view, first, MayCount(view) && (view.Reply.IsSuccess || BidWhen.AsksStatus) && BidWhen.Holds(view, first)));
        foreach (var (key, read) in (IEnumerable<(string, ReplyRead?)>)
            [("price", Price), ("currency", Currency), ("expires_in", ExpiresIn), ("sharing", Sharing), ("seller", Seller), .. Carry.Select(pair => ("carry." + pair.Key, (ReplyRead?)pair.Value))])
            if (read is not null) findings.Add(ReplyFinding.Of(key, read, view, first));
        if (Reason is not null) findings.Add(ReplyFinding.Of("reason", Reason, view, null, told: true));
        return findings;
    }

    /// <summary>A refusal is often a 4xx in the buyer's own words: it can be read too, but only a 2xx can bid, unless the condition asks for the status itself.</summary>
    private bool MayCount(ReplyView view) =>
        (!LooksInside || view.Root is not null) && (view.Reply.IsSuccess || view.Reply.Status is >= 400 and < 500 || BidWhen?.AsksStatus == true);

    /// <summary>What tells a bid is inside the reply, which must therefore be readable. A price that may also be in plain text or a header is looked for there.</summary>
    private bool LooksInside => Each is not null || (BidWhen?.LooksInside ?? Price!.Places.All(place => place.Path.IsInside));

    private ReplyBid? Bid(ReplyView view, ReplyNode? place, string currency)
    {
        if (!view.Reply.IsSuccess && BidWhen?.AsksStatus != true) return null;
        if (BidWhen?.Holds(view, place) == false) return null;
        var written = Price?.Text(view, place);
        if (BidWhen is null && written is null) return null;
        Money? price = null;
        var wrong = Engine.Reason.None;
        if (Price is not null)
        {
            if (written is null || ReplyPrice.Read(written) is not { } read) wrong = Engine.Reason.InvalidPrice;
            else if (read == Money.Zero) return null;
            else price = read;
        }
        var theirs = Currency?.Text(view, place);
        if (theirs is not null && !string.Equals(theirs, currency, StringComparison.OrdinalIgnoreCase)) wrong = Engine.Reason.InvalidCurrency;
        var (sharing, life) = (Sharing?.Text(view, place), ExpiresIn?.Text(view, place));
        var (known, seconds) = (SharingOf(sharing), Seconds(life));
        // What was said and is not understood is not what was not said: a shared bid would buy the lead alone, one that is over would stand.
        if (sharing is not null && known is null || life is not null && seconds is null) wrong = Engine.Reason.BadResponse;
        Dictionary<string, string>? carried = null;
        foreach (var (name, read) in Carry)
        {
            if (read.Text(view, place) is not { } value) continue;
            // What cannot be brought back whole cannot be sold.
            if (value.Length > Limits.CarriedChars) wrong = Engine.Reason.BadResponse;
            else (carried ??= new(StringComparer.Ordinal))[name] = value;
        }
        return new(price, known)
        {
            Currency = theirs, ExpiresIn = seconds, Seller = Seller?.Text(view, place),
            Carry = (IReadOnlyDictionary<string, string>?)carried ?? ReadOnlyDictionary<string, string>.Empty, Wrong = wrong,
        };
    }

    private static Sharing? SharingOf(string? word) => word?.ToLowerInvariant() switch
    {
        "exclusive" => Filters.Sharing.Exclusive,
        "shared" => Filters.Sharing.Shared,
        _ => null,
    };

    private const int Day = 24 * 60 * 60;

    /// <summary>Whole seconds, at most a day; null where it is no number.</summary>
    private static TimeSpan? Seconds(string? text)
    {
        if (text is null || !PlainNumber.TryParse(text, out var number)) return null;
        if (number.IsNegative) return TimeSpan.Zero;
        var whole = number.Whole;
        return TimeSpan.FromSeconds(whole.Length > 5 ? Day : Math.Min(whole.Length == 0 ? 0 : int.Parse(whole, NumberStyles.None, CultureInfo.InvariantCulture), Day));
    }
}

/// <summary>The bids of an answer, or why there is none.</summary>
/// <param name="Told">The buyer's own words: not yet cleaned.</param>
public sealed record BidReading(IReadOnlyList<ReplyBid> Bids, Reason Reason, string? Told = null)
{
    public static BidReading Declined(Reason reason, string? told = null) => new([], reason, told);
}

/// <summary>One bid as the buyer wrote it.</summary>
/// <param name="Price">Null: a yes without a price, or one that cannot be read (<see cref="Wrong"/>).</param>
/// <param name="Sharing">Null: not said, or not in a word of ours (<see cref="Wrong"/>).</param>
public sealed record ReplyBid(Money? Price, Sharing? Sharing)
{
    public string? Currency { get; init; }
    public TimeSpan? ExpiresIn { get; init; }
    public string? Seller { get; init; }
    public required IReadOnlyDictionary<string, string> Carry { get; init; }
    /// <summary>Set: it cannot count.</summary>
    public Reason Wrong { get; init; }
}
