using CsCheck;
using Exchange.Engine.Caps;
using Exchange.Engine.Catalog;
using Exchange.Engine.Filters;
using Exchange.Engine.Leads;
using Exchange.Engine.Ledger;
using Exchange.Engine.PingTrees;
using Exchange.Engine.Tests.PingTrees;
using Exchange.Engine.Values;
using Shouldly;

namespace Exchange.Engine.Tests.Leads;

/// <summary>Many leads at once over one small market that runs full, with buyers that say anything in any order, from a seed.</summary>
public sealed class LeadMachineSimulation
{
    private static readonly string[] Bids = ["8.00", "9.50", "11.00", "12.50", "12.50", "20.00"];

    [Fact]
    public void ManyLeadsAtOnce_WhateverBuyersSay_KeepCapsMoneyAndPromises() => Gen.Int.Sample(seed => Run(new Random(seed)), iter: 1_500);

    private static void Run(Random random)
    {
        var market = RandomMarket(random);
        var journal = new NaiveJournal(market.Model);
        var runs = new List<LeadRun>();
        for (var i = 0; i < 12; i++)
        {
            var ping = Market.Ping() with { Seed = (ulong)random.Next() };
            var outcome = market.Run(ping);
            if (outcome.Outcome != Reason.None) continue;
            var record = Market.Record(ping, outcome) with { Id = LeadId.Create(Market.Now.ToUnixTimeMilliseconds(), 1, false, (ulong)i + 1) };
            runs.Add(new LeadRun(market, journal, record));
        }
        var waiting = new Queue<LeadRun>(runs);
        for (var step = 0; step < 400; step++)
        {
            var asking = runs.Where(run => Open(run).Count > 0).ToArray();
            if (waiting.Count > 0 && (asking.Length == 0 || random.Next(2) == 0)) waiting.Dequeue().Post();
            else if (asking.Length == 0) break;
            else
            {
                var run = asking[random.Next(asking.Length)];
                var open = Open(run);
                var before = run.Called.Count;
                var slot = open[random.Next(open.Count)];
                var answer = (BuyerAnswer)random.Next(5);
                run.Answer(slot.CopyNo, answer);
                // Unknown is not no: nobody is called because of it.
                if (answer is BuyerAnswer.Unknown or BuyerAnswer.Later) run.Called.Count.ShouldBe(before);
                if (slot.State == SlotState.InDoubt && answer == BuyerAnswer.Duplicate) run.Called.Count.ShouldBe(before);
            }
            Check(market, journal, runs, random, step);
        }
        // In the end every buyer says no: every hold must end.
        foreach (var run in runs)
            for (var guard = 0; Open(run).Count > 0; guard++)
            {
                guard.ShouldBeLessThan(200);
                run.Answer(Open(run)[0].CopyNo, BuyerAnswer.Refused);
            }
        journal.Held.Values.ShouldAllBe(amount => amount == 0);
        foreach (var run in runs) if (run.Conflict is null && !waiting.Contains(run)) run.Sale.IsSettled.ShouldBeTrue();
    }

    private static List<Slot> Open(LeadRun run) => [.. run.Sale.Slots.Where(slot => slot.State is SlotState.Held or SlotState.InDoubt)];

    private static void Check(Market market, NaiveJournal journal, List<LeadRun> runs, Random random, int step)
    {
        foreach (var limit in market.Model.Limits)
        {
            if (limit.Kind == LimitKind.Gate) continue;
            var key = limit.KeyAt(Market.Now.ToUnixTimeSeconds(), out _);
            (journal.Used.GetValueOrDefault(key) + journal.Held.GetValueOrDefault(key)).ShouldBeLessThanOrEqualTo(journal.LimitOf(limit.Id), limit.Id);
        }
        foreach (var run in runs)
        {
            run.Conflict.ShouldBeNull();
            if (!journal.Leads.TryGetValue(run.Sale.Id, out var lead)) continue;
            var live = lead.Copies.Values.Where(copy => copy.State is CopyState.Held or CopyState.InDoubt or CopyState.Captured).ToArray();
            if (live.Any(copy => copy.Made.Exclusive)) live.Length.ShouldBe(1);
            live.Select(copy => copy.Made.Company).Distinct().Count().ShouldBe(live.Length);
            live.Length.ShouldBeLessThanOrEqualTo(run.Sale.Slots.Length);
            foreach (var copy in live)
            {
                // The promise to the publisher, to the micro; never more than the bid.
                var offer = run.Sale.Record.Offers.Single(offer => offer.OfferId == copy.Made.OfferId);
                copy.Made.Payout.ShouldBe(offer.Payout);
                var bid = run.Sale.Rounds.SelectMany(round => round.Record.Bids).First(bid => bid.Campaign == copy.Made.Campaign && (bid.Sharing == Sharing.Exclusive) == copy.Made.Exclusive);
                copy.Made.Price.ShouldBeLessThanOrEqualTo(bid.Bid);
            }
            // What the machine believes is what the rows say.
            foreach (var slot in run.Sale.Slots.Where(slot => slot.CopyNo > 0 && slot.State != SlotState.Lost))
                lead.Copies[slot.CopyNo].State.ShouldBe(slot.State switch { SlotState.Held => CopyState.Held, SlotState.InDoubt => CopyState.InDoubt, _ => CopyState.Captured });
        }
        var captured = journal.Leads.Values.SelectMany(lead => lead.Copies.Values).Where(copy => copy.State == CopyState.Captured).ToArray();
        journal.Transfers.Sum(transfer => transfer.Amount.Micros).ShouldBe(captured.Sum(copy => copy.Made.Price.Micros));
        journal.Transfers.Where(transfer => transfer.Credit.StartsWith("publisher:", StringComparison.Ordinal)).Sum(transfer => transfer.Amount.Micros)
            .ShouldBe(captured.Sum(copy => copy.Made.Payout.Micros));
        // Admins lower and raise a cap at any moment; it never un-sells.
        if (step % 37 == 36 && market.Model.Limits.FirstOrDefault(limit => limit.Period is not null && limit.Scope == CapScope.Campaign) is { } cap)
        {
            var key = cap.KeyAt(Market.Now.ToUnixTimeSeconds(), out _);
            journal.SetLimit(cap.Id, journal.Used.GetValueOrDefault(key) + journal.Held.GetValueOrDefault(key) + random.Next(2));
        }
    }

    private static Market RandomMarket(Random random)
    {
        var ids = new[] { "a", "b", "c", "d", "e" };
        var shared = random.Next(3) == 0;
        return new Market
        {
            Campaigns = [.. ids.Select(id => new Wants(id, Bids[random.Next(Bids.Length)])
            {
                OnAccept = random.Next(3) > 0,
                Sharing = shared && random.Next(3) > 0 ? Sharing.Shared : Sharing.Exclusive,
                Company = random.Next(4) == 0 ? "one-owner" : id,
                DayLeads = random.Next(2) == 0 ? random.Next(1, 6) : null,
                Balance = random.Next(3) == 0 ? "35.00" : null,
            })],
            Tiers =
            [
                new(TierMethod.Auction, "a", "b", "c") { Pricing = (TierPricing)random.Next(2), Floor = random.Next(2) == 0 ? "5.00" : null, Copies = shared ? 3 : 1 },
                new(TierMethod.Priority, "d", "e") { Copies = shared ? 2 : 1 },
            ],
            PublisherLeads = random.Next(4) == 0 ? 7 : long.MaxValue,
        };
    }
}
