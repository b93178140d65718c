using Exchange.Delivery;
using Exchange.Engine;
using Exchange.Engine.Deliveries;
using Exchange.Engine.Fields;
using Exchange.Engine.Filters;
using Exchange.Engine.Values;
using Exchange.V1;
using Google.Protobuf.WellKnownTypes;
using Sharing = Exchange.Engine.Filters.Sharing;

namespace Exchange.Server.Grpc;

/// <summary>Bid requests, bids, copies and their answers as protobuf messages.</summary>
internal static class BidderMessages
{
    public static BidRequest Of(BidCall call, DateTimeOffset deadline)
    {
        var request = new BidRequest
        {
            BidRequestId = call.RequestId, Campaign = call.Campaign, Vertical = call.Vertical, CopiesMax = call.CopiesMax, Source = call.Source, SubSource = call.SubSource ?? "",
            DeadlineMs = call.DeadlineMs, Deadline = Timestamp.FromDateTimeOffset(deadline), Test = call.Test, Consent = Of(call.Consent),
        };
        foreach (var sharing in call.Sharings) request.Sharing.Add(Word(sharing));
        foreach (var field in call.Fields) request.Fields[field.Name] = field.Text;
        return request;
    }

    public static SoldCopy Of(CopyMessage copy)
    {
        var message = new SoldCopy
        {
            CopyId = copy.Copy.ToString(), Campaign = copy.Campaign, Vertical = copy.Vertical, PriceMicros = copy.Price.Micros, Currency = copy.Currency,
            Sharing = Word(copy.Exclusive ? Sharing.Exclusive : Sharing.Shared), CopiesMax = copy.CopiesMax, SoldAt = Timestamp.FromDateTimeOffset(copy.SoldAt), Source = copy.Source,
            SubSource = copy.SubSource ?? "", Test = copy.Test, Consent = Of(copy.Consent), Ref = copy.Carried.GetValueOrDefault(Ref, ""),
        };
        if (copy.ReturnUntil is { } until) message.ReturnUntil = Timestamp.FromDateTimeOffset(until);
        foreach (var field in copy.Fields) message.Fields[field.Name] = field.Text;
        return message;
    }

    public static BidAnswer Read(Bids bids)
    {
        var said = BuyerText.Clean(bids.Reason);
        if (bids.Bids_.Count == 0) return BidAnswer.Declined(Reason.NoBid, said);
        var offers = new LiveOffer[bids.Bids_.Count];
        for (var i = 0; i < offers.Length; i++)
        {
            var bid = bids.Bids_[i];
            var sharing = SharingOf(bid.Sharing, out var known);
            offers[i] = new(bid.PriceMicros == 0 ? null : new Money(bid.PriceMicros), sharing)
            {
                Currency = bid.Currency.Length == 0 ? null : bid.Currency,
                ExpiresIn = bid.ExpiresInMs == 0 ? null : TimeSpan.FromMilliseconds(bid.ExpiresInMs),
                Seller = BuyerText.Clean(bid.Seller),
                Carry = bid.Ref.Length == 0 ? System.Collections.ObjectModel.ReadOnlyDictionary<string, string>.Empty : new Dictionary<string, string> { [Ref] = bid.Ref },
                Wrong = !known ? Reason.BadResponse : bid.PriceMicros < 0 ? Reason.InvalidPrice : Reason.None,
            };
        }
        return new(offers, Reason.None, said);
    }

    public static AttemptResult Read(CopyAnswer answer)
    {
        AttemptKind? kind = answer.Answer switch
        {
            "accepted" => AttemptKind.Accepted,
            "rejected" => AttemptKind.Rejected,
            "duplicate" => AttemptKind.Duplicate,
            "pending" => AttemptKind.Pending,
            _ => null,
        };
        // It came, whatever it says: the buyer may have the lead.
        if (kind is not { } known) return new(AttemptKind.Unknown, "answer_unreadable");
        return new(known, known == AttemptKind.Accepted ? null : answer.Answer, BuyerText.Clean(answer.Reason), BuyerText.Clean(answer.Ref), BuyerText.CleanUrl(answer.RedirectUrl))
        {
            Refusal = known == AttemptKind.Rejected ? Refusal.Answer : Refusal.None,
        };
    }

    public static StandingBidAnswer Answer(StandingBid bid, IReadOnlyList<InputError> errors)
    {
        var answer = new StandingBidAnswer { CorrelationId = bid.CorrelationId, Campaign = bid.Campaign };
        foreach (var error in errors) answer.Errors.Add(new Warning { Pointer = error.Pointer, Code = error.Code, Message = error.Message });
        return answer;
    }

    /// <summary>Null where it is not set; false where it is no moment of ours.</summary>
    public static bool TryTime(Timestamp? written, out DateTimeOffset? time)
    {
        time = null;
        if (written is null) return true;
        // Years 1 to 9999.
        if (written.Seconds is < -62_135_596_800 or > 253_402_300_799 || written.Nanos is < 0 or > 999_999_999) return false;
        time = written.ToDateTimeOffset();
        return true;
    }

    private const string Ref = "ref";

    private static string Word(Sharing sharing) => sharing == Sharing.Exclusive ? "exclusive" : "shared";

    private static Sharing? SharingOf(string word, out bool known)
    {
        known = word is "" or "exclusive" or "shared";
        return word switch { "exclusive" => Sharing.Exclusive, "shared" => Sharing.Shared, _ => null };
    }

    private static Consent? Of(OutConsent? consent)
    {
        if (consent is null) return null;
        var message = new Consent { Text = consent.Text ?? "", Page = consent.Page ?? "", Ip = consent.Ip ?? "", UserAgent = consent.UserAgent ?? "" };
        if (consent.At is { } at) message.At = Timestamp.FromDateTimeOffset(at);
        message.Sellers.AddRange(consent.Sellers);
        return message;
    }
}
