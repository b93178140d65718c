using Exchange.Engine;
using Exchange.Engine.Fields;
using Exchange.Engine.Ledger;
using Exchange.Grains.Intake;
using Exchange.V1;
using Google.Protobuf.Collections;
using Google.Protobuf.WellKnownTypes;

namespace Exchange.Server.Grpc;

/// <summary>The desk's answers as protobuf messages.</summary>
internal static class GrpcAnswers
{
    public static PingResponse Ping(PingAnswer answer)
    {
        var response = new PingResponse
        {
            PingId = answer.PingId.ToString(),
            Status = answer.Offered ? PingStatus.Offered : PingStatus.NoOffer,
            Reason = answer.Offered ? "" : answer.Reason.Wire(),
            Test = answer.Test,
        };
        if (answer.Offered)
        {
            response.PayoutMicros = answer.Payout.Micros;
            response.Currency = answer.Currency;
            response.ExpiresAt = Timestamp.FromDateTimeOffset(answer.ExpiresAt);
            for (var i = 0; i < answer.Best.Count; i++) response.Best.Add(answer.Best[i]);
            for (var i = 0; i < answer.Offers.Count; i++)
            {
                var offer = answer.Offers[i];
                response.Offers.Add(new Offer
                {
                    OfferId = offer.OfferId, PayoutMicros = offer.Payout.Micros, Sharing = offer.Exclusive ? Sharing.Exclusive : Sharing.Shared, Seller = offer.Seller ?? "",
                });
            }
        }
        AddWarnings(response.Warnings, answer.Warnings);
        AddTags(response.Tags, answer.Tags);
        return response;
    }

    public static PostResponse Post(LeadAnswer answer, bool replayed)
    {
        var response = new PostResponse
        {
            LeadId = answer.LeadId.ToString(),
            Status = answer.State switch
            {
                LeadState.Sold => LeadStatus.Sold,
                LeadState.InDoubt => LeadStatus.InDoubt,
                LeadState.Unsold => LeadStatus.Unsold,
                _ => LeadStatus.Pending,
            },
            Reason = answer.State == LeadState.Unsold ? answer.Reason.Wire() : "",
            PayoutMicros = answer.Payout.Micros,
            PayoutPendingMicros = answer.PayoutPending.Micros,
            Currency = answer.Currency,
            RedirectUrl = answer.RedirectUrl ?? "",
            Test = answer.Test,
            IdempotencyReplayed = replayed,
        };
        foreach (var copy in answer.Copies)
        {
            response.Copies.Add(new Copy
            {
                OfferId = copy.OfferId,
                Status = copy.State switch
                {
                    CopyState.Captured => CopyStatus.Sold,
                    CopyState.InDoubt => CopyStatus.InDoubt,
                    CopyState.Held => CopyStatus.Pending,
                    CopyState.Reversed => CopyStatus.Returned,
                    _ => CopyStatus.Rejected,
                },
                PayoutMicros = copy.Payout.Micros,
                RedirectUrl = copy.RedirectUrl ?? "",
            });
        }
        AddWarnings(response.Warnings, answer.Warnings);
        AddTags(response.Tags, answer.Tags);
        return response;
    }

    private static void AddWarnings(RepeatedField<Warning> to, IReadOnlyList<InputError> warnings)
    {
        for (var i = 0; i < warnings.Count; i++) to.Add(new Warning { Pointer = warnings[i].Pointer, Code = warnings[i].Code, Message = warnings[i].Message });
    }

    private static void AddTags(MapField<string, string> to, IReadOnlyList<KeyValuePair<string, string>> tags)
    {
        for (var i = 0; i < tags.Count; i++) to.Add(tags[i].Key, tags[i].Value);
    }
}
