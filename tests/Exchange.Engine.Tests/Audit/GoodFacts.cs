using Exchange.Engine.Audit;
using Exchange.Engine.Caps;
using Exchange.Engine.Ledger;
using Exchange.Engine.Postbacks;
using Exchange.Engine.Values;

namespace Exchange.Engine.Tests.Audit;

/// <summary>
/// An exchange of two buyers in which all is well: one lead of each kind there is. acme (paid in 100, credit 50) has a cap of ten leads a day; of best, that
/// has credit alone, one copy was sold before its cap was in force.
/// </summary>
internal static class GoodFacts
{
    public const int Sold = 0, Held = 1, Doubt = 2, Unsold = 3, Refused = 4, Offered = 5, OfferOver = 6, Returned = 7, ReturnedAndPaid = 8, Test = 9;
    public const int Gate = 0, OldGate = 1, AcmeDay = 2, AcmeMoney = 3, BestDay = 4, BestMoney = 5, Pings = 6;

    private const long Day = 1_780_000_000;
    public const long At = (Day + 60) * 1000;
    private static readonly Money Price = Money.Parse("11.00"), Payout = Money.Parse("8.80");
    private static readonly TakeFact[] AcmeTakes = [new(3, 1), new(4, Price.Micros)], BestTakes = [new(5, 1), new(6, Price.Micros)];

    private static readonly DeliveryFact Waiting = new(1, DeliveryFactState.Waiting, false, true), Done = new(1, DeliveryFactState.Delivered, false, false),
        Inbox = new(1, DeliveryFactState.Waiting, true, false), Given = new(1, DeliveryFactState.Dead, false, false);

    public static PostbackFact Told(PostbackEvent happened, int copy) => new(happened, copy, DeliveryFactState.Delivered);

    public static LeadId Id(int place) => LeadId.Create(At + place, 1, place == Test, (ulong)place);

    public static MemoryFacts All() => new(
        [
            Counter(1, LimitKind.Gate, "open:acme-west:1", 0, 0, 0, 0) with { Catalog = [0] },
            Counter(2, LimitKind.Gate, "open:acme-west:0", 0, -1, 0, 0),
            // Sold, doubt's sold copy, returned, returned and paid; held and the doubt.
            Counter(3, LimitKind.Cap, "c:acme-west:leads:day:UTC", Day, 10, 3, 2) with { Catalog = [10, 20] },
            Counter(4, LimitKind.Balance, "bal:acme", 0, Money.Parse("150.00").Micros, Price.Micros, Price.Micros * 2) with { Catalog = [Money.Parse("50.00").Micros] },
            Counter(5, LimitKind.Cap, "c:best-west:leads:day:UTC", Day, 1, 2, 0) with { Catalog = [1], Over = 2, Seeded = 1 },
            Counter(6, LimitKind.Balance, "bal:best", 0, Money.Parse("90.00").Micros, Price.Micros, 0) with { Catalog = [Money.Parse("90.00").Micros] },
            Counter(7, LimitKind.Cap, "c:acme-west:pings:day:UTC", Day, 5, 9, 0) with { IsCounted = true, Catalog = [5] },
        ],
        [new(0, "fund", "bank", "buyer:acme", Money.Parse("100.00"))],
        [
            Lead(Sold, LeadState.Sold, 1, Payout, Money.Zero, [Copy(1, "acme", CopyState.Captured) with { Exclusive = true }], Booked(1, "acme"), [Done, Inbox]) with { Persons = 2, Postbacks = [Told(PostbackEvent.Sold, 1)] },
            Lead(Held, LeadState.Open, 1, null, [Copy(1, "acme", CopyState.Held)], [], [Waiting]),
            Lead(Doubt, LeadState.Sold, 2, Payout, Payout, [Copy(1, "acme", CopyState.InDoubt), Copy(2, "best", CopyState.Captured)], Booked(2, "best"), [Given, Done with { CopyNo = 2 }]),
            Lead(Unsold, LeadState.Unsold, 2, Money.Zero, Money.Zero, [Copy(1, "acme", CopyState.Voided), Copy(2, "best", CopyState.Voided)], [], [Given with { State = DeliveryFactState.Failed }]) with { Postbacks = [Told(PostbackEvent.Unsold, 0)] },
            Lead(Refused, LeadState.Unsold, 1, Money.Zero, Money.Zero, [], [], []),
            Lead(Offered, LeadState.Open, 1, null, [Copy(1, "other", CopyState.Held) with { Called = false, Takes = [] }], [], [], posted: false),
            Lead(OfferOver, LeadState.Unsold, 1, null, [Copy(1, "acme", CopyState.Expired) with { Called = false }], [], [], posted: false),
            Lead(Returned, LeadState.Sold, 1, Payout, Money.Zero, [Back()], [.. Booked(1, "acme"), .. Reversed(1)], [Done]) with { Postbacks = [Told(PostbackEvent.Sold, 1), Told(PostbackEvent.Returned, 1)] },
            Lead(ReturnedAndPaid, LeadState.Sold, 1, Payout, Money.Zero, [Back()],
                [.. Booked(1, "acme"), new(1, "reverse", "house", "buyer:acme", Price)], [Done]),
            Lead(Test, LeadState.Sold, 1, Payout, Money.Zero, [Copy(1, "acme", CopyState.Captured) with { Takes = [] }], [], []),
        ],
        [new("search", Id(Sold)), new("search", Id(Refused))],
        [new("transfer", 8, 8, 1, 8, true), new("sold", 2, 2, 1, 4, false) { Given = 5 }])
    {
        NowMs = At + 60_000, AllLimits = [new(LimitKind.Gate, "open:acme-west:1", true), new(LimitKind.Balance, "bal:acme", true), new(LimitKind.Balance, "bal:best", true)],
    };

    /// <summary>Sold at 11.00, of which the publisher gets 8.80.</summary>
    public static CopyFact Copy(int no, string company, CopyState state) =>
        new(no, company + "-west", company, company, false, state, Price, Payout, true, At, company == "acme" ? AcmeTakes : []);

    /// <summary>Given back: the cap keeps it, the money does not.</summary>
    private static CopyFact Back() => Copy(1, "acme", CopyState.Reversed) with { Takes = [new(3, 1)] };

    private static TransferFact[] Booked(int no, string buyer) =>
        [new(no, "payout", "buyer:" + buyer, "publisher:search", Payout), new(no, "margin", "buyer:" + buyer, "house", Price - Payout)];

    private static TransferFact[] Reversed(int no) =>
        [new(no, "reverse", "publisher:search", "buyer:acme", Payout), new(no, "reverse", "house", "buyer:acme", Price - Payout)];

    private static CounterFact Counter(long id, LimitKind kind, string limit, long window, long lim, long used, long held) => new(id, kind, limit, window, lim, used, held);

    private static LeadFacts Lead(int place, LeadState state, int max, Money owed, Money pending, CopyFact[] copies, TransferFact[] transfers, DeliveryFact[] deliveries) =>
        Lead(place, state, max, new AnswerFact(state, owed, pending), copies, transfers, deliveries);

    private static LeadFacts Lead(
        int place, LeadState state, int max, AnswerFact? answer, CopyFact[] copies, TransferFact[] transfers, DeliveryFact[] deliveries, bool posted = true)
    {
        CopyFact[] told = [.. copies.Select(copy => copy is { Buyer: "best", State: CopyState.Captured } ? copy with { Takes = BestTakes } : copy)];
        var row = new LeadFact("search", state, max, told.Count(copy => copy.IsOpen), told.Any(copy => copy is { IsOpen: true, Exclusive: true }), posted, answer);
        return new(Id(place), row, told, transfers, deliveries, 0)
        {
            Listed = [.. told.Where(copy => copy.IsSold && place != Test).Select(copy => new ListedFact(copy.No, copy.Buyer))],
            Returns = [.. told.Where(copy => copy.State == CopyState.Reversed).Select(copy => new ReturnFact(copy.No, ReturnFactState.Accepted, true, At))],
        };
    }
}
