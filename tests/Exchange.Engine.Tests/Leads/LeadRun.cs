using Exchange.Engine.Caps;
using Exchange.Engine.Filters;
using Exchange.Engine.Leads;
using Exchange.Engine.Ledger;
using Exchange.Engine.PingTrees;
using Exchange.Engine.Tests.PingTrees;
using Exchange.Engine.Values;
using Shouldly;

namespace Exchange.Engine.Tests.Leads;

/// <summary>One lead of a market, driven step by step: what the machine submits goes to a journal, what it may call is listed.</summary>
internal sealed class LeadRun
{
    private readonly Market market;
    private readonly NaiveJournal journal;
    private readonly Subject subject;
    private bool hasProof = true;

    public LeadRun(Market market, NaiveJournal journal, PingRecord record, params string[] offerIds)
    {
        this.market = market;
        this.journal = journal;
        var offers = record.Offers.Where(offer => offerIds.Length == 0 ? offer.Best : offerIds.Contains(offer.OfferId)).ToArray();
        Promise = offers.Aggregate(Money.Zero, (sum, offer) => sum + offer.Payout);
        subject = new Subject { Vertical = "v", Publisher = "p", Values = record.Values, Now = Market.Now };
        var maxCopies = Math.Max(1, Math.Max(offers.Length, market.UnsoldTiers?.Max(tier => tier.Copies) ?? 1));
        Sale = new LeadSale
        {
            Rounds = [new SaleRound { Model = market.Model, Record = record, Subject = subject }],
            Slots = [.. offers.Select(offer => new Slot(offer.OfferId, offer.Sharing, offer.Payout, offer.BidIndex, offer.Price, 0, SlotState.Proposed))],
            MaxCopies = maxCopies,
            First = new FirstWrite(new NewLead("p", "v", null, record.Id.IsTest, maxCopies, [1], [], 3), null, []),
        };
    }

    /// <summary>As a firm tree does it: the best offers are held at the ping. Its verdict; where it is done, the post finds them.</summary>
    public Verdict HoldAtPing()
    {
        var record = Sale.Record;
        var verdict = journal.Apply(FirmOffer.Hold(record, market.Model, subject, [], Market.Now.ToUnixTimeMilliseconds()));
        if (!verdict.IsSuccess) return verdict;
        var taken = Sale.Slots.Select(slot => record.Offers.First(offer => offer.OfferId == slot.OfferId)).ToArray();
        Sale = Sale with
        {
            Slots = FirmOffer.Slots(record, taken, out var unwanted, out var next), NextCopyNo = next,
            First = new FirstWrite(null, new LeadPost(Sale.MaxCopies, [1], []), null, []) { Unwanted = unwanted },
        };
        return verdict;
    }

    /// <summary>Nobody posted it in time.</summary>
    public void ExpireOffer() =>
        journal.Apply(FirmOffer.Expire(Sale.Id, journal.Leads[Sale.Id].Copies.Keys.Order(), Market.Now.ToUnixTimeMilliseconds())).IsSuccess.ShouldBeTrue();

    /// <summary>The person in it; only leads with one are watched for buyers that have it.</summary>
    public LeadRun Of(byte person) { Sale = Sale with { PersonHashes = new Dictionary<string, byte[]> { ["phone"] = [person] } }; return this; }

    /// <summary>The vertical counts received leads, and this person is in it.</summary>
    public LeadRun Received(byte person)
    {
        Sale = Sale with { KeepPersonsWhenUnsold = true, First = Sale.First! with { Persons = [new("v:v", [person], 0)] } };
        return this;
    }

    /// <summary>Somebody else is said to have its person.</summary>
    public LeadRun SaidToBeTaken(byte person)
    {
        Sale = Sale with { MayBeTaken = true, First = Sale.First! with { Persons = [new("v:v", [person], 0)] } };
        return this;
    }

    /// <summary>It is posted after its offer's end.</summary>
    public LeadRun AfterItsEnd() { Sale = Sale with { Late = true }; return this; }

    /// <summary>No consent came with it.</summary>
    public LeadRun WithoutProof() { hasProof = false; return this; }

    public LeadRun AskingFor(string minPayout) { Sale = Sale with { MinPayout = Money.Parse(minPayout) }; return this; }

    /// <summary>Of a test: what it is to come to.</summary>
    public LeadRun ComingTo(LeadState state) { Sale = Sale with { Unfinished = state }; return this; }

    public LeadSale Sale { get; private set; }
    public Money Promise { get; }
    /// <summary>Copies that are being asked now.</summary>
    public List<int> Calls { get; } = [];
    /// <summary>The campaigns of all calls so far, in order.</summary>
    public List<string> Called { get; } = [];
    /// <summary>Later walks so far.</summary>
    public int Walks { get; private set; }
    public Verdict? Conflict { get; private set; }

    public void Post(Reason refused = Reason.None) => Drive(new LeadEvent.Posted(refused));

    public void TestOver() => Drive(new LeadEvent.TestOver());

    public void Answer(int copyNo, BuyerAnswer answer, Money? price = null)
    {
        Calls.Remove(copyNo);
        Drive(new LeadEvent.Answered(copyNo, answer, Reason.None, null, null) { Price = price });
    }

    /// <summary>The buyer asked last answers.</summary>
    public void Answer(BuyerAnswer answer) => Answer(Calls.Count > 0 ? Calls[^1] : Sale.Slots.Single(slot => slot.State is SlotState.InDoubt or SlotState.Held).CopyNo, answer);

    /// <summary>offer: campaign price payout state, one a line.</summary>
    public string Tell() => string.Join(" | ", Sale.Slots.Select(slot =>
        $"{Sale.BidAt(slot.BidIndex).Campaign} {slot.Price} {slot.Payout} {slot.State}")) + (Sale.State == LeadState.Unsold ? $" {Sale.Reason.Wire()}" : "");

    private void Drive(LeadEvent happened)
    {
        var step = LeadMachine.Step(Sale, happened, Context());
        while (true)
        {
            Sale = step.Sale;
            if (step.Conflict is { } conflict) { Conflict = conflict; return; }
            if (step.Submit is null) break;
            step = LeadMachine.Step(Sale, new LeadEvent.Settled(journal.Apply(step.Submit)), Context());
        }
        foreach (var copy in step.Calls)
        {
            // Law (a): whoever is called has a durable hold.
            Invariant.Require(journal.Leads[Sale.Id].Copies[copy].State == CopyState.Held);
            Calls.Add(copy);
            Called.Add(journal.Leads[Sale.Id].Copies[copy].Made.Campaign);
        }
    }

    private SaleContext Context() => new()
    {
        Current = market.Model, NowMs = Market.Now.ToUnixTimeMilliseconds(), Subject = subject, HasProof = hasProof,
        Walk = wish =>
        {
            Walks++;
            var ping = Market.Ping() with
            {
                Values = subject.Values, Seed = wish.Seed, MinPayout = wish.MinPayout, MaxCopies = wish.MaxCopies, Tree = wish.Tree, Without = wish.Without,
            };
            return new Walked(market.Model, subject, PingWalk.Run(market.Model, ping, new Rows(journal), market.Rotations));
        },
    };

    /// <summary>A live view that is never behind.</summary>
    private sealed class Rows(NaiveJournal journal) : ILiveView
    {
        public LimitReading Read(LimitModel limit, long unixSeconds, string? value = null)
        {
            var key = limit.KeyAt(unixSeconds, out _, value);
            return new(journal.LimitOf(limit.Id), journal.Used.GetValueOrDefault(key), journal.Held.GetValueOrDefault(key));
        }
    }
}
