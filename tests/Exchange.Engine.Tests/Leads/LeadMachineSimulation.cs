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

/// <summary>
/// Many leads at once over one small market that runs full, with buyers that say anything in any order, from a seed: firm offers, late posts,
/// reauctions, a tree for what is unsold, persons that come again, caps that count some states only.
/// </summary>
public sealed class LeadMachineSimulation
{
    private static readonly string[] Bids = ["8.00", "9.50", "11.00", "12.50", "12.50", "20.00"];
    private static readonly string[] States = ["CA", "NY", "TX"];

    [Fact]
    public void ManyLeadsAtOnce_WhateverBuyersSay_KeepCapsMoneyAndPromises() => Gen.Int.Sample(seed => new Simulation(new Random(seed)).Run(), iter: 1_000);

    private sealed class Simulation(Random random)
    {
        private readonly Market market = RandomMarket(random);
        private readonly List<LeadRun> runs = [];
        private readonly List<LeadRun> expired = [];
        private NaiveJournal journal = null!;

        public void Run()
        {
            journal = new NaiveJournal(market.Model);
            var firm = random.Next(3) == 0;
            for (var i = 0; i < 12; i++)
            {
                var ping = Market.Ping(States[random.Next(3)]) with { Seed = (ulong)random.Next() };
                var outcome = market.Run(ping);
                if (outcome.Outcome != Reason.None) continue;
                var record = Market.Record(ping, outcome) with { Id = LeadId.Create(Market.Now.ToUnixTimeMilliseconds(), 1, false, (ulong)i + 1) };
                var run = new LeadRun(market, journal, record).Of((byte)random.Next(4));
                // Refused: the ping gets no offer.
                if (firm && !run.HoldAtPing().IsSuccess) continue;
                if (random.Next(6) == 0 && market.Reauction) run.AfterItsEnd();
                if (firm && random.Next(4) == 0) { run.ExpireOffer(); expired.Add(run); }
                runs.Add(run);
            }
            var waiting = new Queue<LeadRun>(runs.Where(run => !expired.Contains(run) || random.Next(2) == 0));
            for (var step = 0; step < 400; step++)
            {
                var asking = runs.Where(run => Open(run).Count > 0).ToArray();
                if (waiting.Count > 0 && (asking.Length == 0 || random.Next(2) == 0)) waiting.Dequeue().Post();
                else if (asking.Length == 0) break;
                else Answer(asking[random.Next(asking.Length)]);
                if (step % 11 == 0) Check();
                if (step % 37 == 36) MoveACap();
            }
            // In the end every buyer says no, and what was never posted runs out: every hold must end.
            foreach (var run in runs)
            {
                for (var guard = 0; Open(run).Count > 0; guard++)
                {
                    guard.ShouldBeLessThan(200);
                    run.Answer(Open(run)[0].CopyNo, BuyerAnswer.Refused);
                }
                if (firm && waiting.Contains(run) && !expired.Contains(run)) run.ExpireOffer();
                else if (run.Conflict is null && !waiting.Contains(run) && run.Sale.First is null) run.Sale.IsSettled.ShouldBeTrue();
            }
            Check();
            journal.Held.Values.ShouldAllBe(amount => amount == 0);
        }

        private void Answer(LeadRun run)
        {
            var open = Open(run);
            var before = run.Called.Count;
            var slot = open[random.Next(open.Count)];
            var answer = (BuyerAnswer)random.Next(5);
            run.Answer(slot.CopyNo, answer);
            // Unknown is not no: nobody is called because of it.
            if (answer is BuyerAnswer.Unknown or BuyerAnswer.Later) run.Called.Count.ShouldBe(before);
            if (slot.State == SlotState.InDoubt && answer == BuyerAnswer.Duplicate) run.Called.Count.ShouldBe(before);
        }

        private static List<Slot> Open(LeadRun run) => [.. run.Sale.Slots.Where(slot => slot.State is SlotState.Held or SlotState.InDoubt)];

        private void Check()
        {
            CheckLimits();
            foreach (var run in runs)
            {
                run.Conflict.ShouldBeNull();
                if (!journal.Leads.TryGetValue(run.Sale.Id, out var lead)) continue;
                CheckLead(run, lead);
                CheckTold(run, lead);
            }
            var captured = Copies(CopyState.Captured);
            journal.Transfers.Sum(transfer => transfer.Amount.Micros).ShouldBe(captured.Sum(copy => copy.Made.Price.Micros));
            journal.Transfers.Where(transfer => transfer.Credit.StartsWith("publisher:", StringComparison.Ordinal)).Sum(transfer => transfer.Amount.Micros)
                .ShouldBe(captured.Sum(copy => copy.Made.Payout.Micros));
            CheckPersons();
        }

        /// <summary>Every count is exactly what the live copies say, by the limit's own rule, and never above what it allows.</summary>
        private void CheckLimits()
        {
            var sums = new Dictionary<string, long>();
            var valuesOf = runs.ToDictionary(run => run.Sale.Id, run => run.Sale.Record.Values);
            foreach (var (id, lead) in journal.Leads)
                foreach (var copy in lead.Copies.Values.Where(copy => copy.State is CopyState.Held or CopyState.InDoubt or CopyState.Captured))
                    foreach (var limit in market.Model.Limits)
                    {
                        var subject = new Subject { Vertical = "v", Publisher = "p", Values = valuesOf[id], Now = Market.Now };
                        if (limit.Kind == LimitKind.Gate || !IsOf(limit, copy.Made) || !limit.Counts(subject)) continue;
                        var key = limit.KeyAt(Market.Now.ToUnixTimeSeconds(), out _, limit.ValueOf(subject));
                        sums[key] = sums.GetValueOrDefault(key) + limit.AmountOf(copy.Made.Price, copy.Made.Payout);
                        sums[key].ShouldBeLessThanOrEqualTo(journal.LimitOf(limit.Id), limit.Id);
                    }
            foreach (var key in journal.Used.Keys.Union(journal.Held.Keys).Where(key => !key.StartsWith("open:", StringComparison.Ordinal)))
                (journal.Used.GetValueOrDefault(key) + journal.Held.GetValueOrDefault(key)).ShouldBe(sums.GetValueOrDefault(key), key);
        }

        private static bool IsOf(LimitModel limit, NewCopy copy) => limit.Scope switch
        {
            CapScope.Publisher => true,
            CapScope.Campaign => copy.Campaign == limit.Owner,
            CapScope.Buyer => copy.Buyer == limit.Owner,
            _ => copy.Trees.Contains(limit.Owner),
        };

        private static void CheckLead(LeadRun run, NaiveJournal.Lead lead)
        {
            var live = lead.Copies.Values.Where(copy => copy.State is CopyState.Held or CopyState.InDoubt or CopyState.Captured).ToArray();
            if (live.Any(copy => copy.Made.Exclusive)) live.Length.ShouldBe(1);
            live.Select(copy => copy.Made.Company).Distinct().Count().ShouldBe(live.Length);
            live.Length.ShouldBeLessThanOrEqualTo(run.Sale.Slots.Length);
            foreach (var copy in live)
            {
                // The promise to the publisher, to the micro; never more than the bid.
                var offer = run.Sale.Rounds.SelectMany(round => round.Record.Offers).Single(offer => offer.OfferId == copy.Made.OfferId);
                copy.Made.Payout.ShouldBe(offer.Payout);
                run.Sale.Rounds.SelectMany(round => round.Record.Bids)
                    .ShouldContain(bid => bid.Campaign == copy.Made.Campaign && (bid.Sharing == Sharing.Exclusive) == copy.Made.Exclusive && copy.Made.Price <= bid.Bid);
            }
            // Whoever said no is not asked a second time.
            run.Called.Distinct().Count().ShouldBe(run.Called.Count);
            run.Called.Count.ShouldBeLessThanOrEqualTo(Limits.CallsPerPost + Limits.CopiesPerLead);
            // What the machine believes is what the rows say.
            foreach (var slot in run.Sale.Slots.Where(slot => slot.CopyNo > 0 && slot.State is SlotState.Held or SlotState.InDoubt or SlotState.Captured))
                lead.Copies[slot.CopyNo].State.ShouldBe(slot.State switch { SlotState.Held => CopyState.Held, SlotState.InDoubt => CopyState.InDoubt, _ => CopyState.Captured });
        }

        /// <summary>Whoever was offered a posted lead has or had a copy of it, or it is told why not. Unless it was nobody's turn: the lead is its publisher's no.</summary>
        private static void CheckTold(LeadRun run, NaiveJournal.Lead lead)
        {
            if (!lead.IsPosted || run.Sale.IsSettled && lead.Reason is not (Reason.None or Reason.AllRejected or Reason.Expired)) return;
            foreach (var slot in run.Sale.Slots)
            {
                if (run.Sale.Record.Offers.FirstOrDefault(offer => offer.OfferId == slot.OfferId) is not { } offer) continue;
                var campaign = run.Sale.Record.Bids[offer.BidIndex].Campaign;
                (lead.Copies.Values.Any(copy => copy.Made.Campaign == campaign) || lead.PassedOver.Exists(passed => passed.Campaign == campaign)).ShouldBeTrue(campaign);
            }
            lead.PassedOver.ShouldAllBe(passed => passed.Reason != Reason.None && passed.Price > Money.Zero);
        }

        /// <summary>No buyer and no campaign has a person twice where its rule forbids it; a rule looks at what came before it only.</summary>
        private void CheckPersons()
        {
            var had = journal.Leads.SelectMany(lead => lead.Value.Copies.Values.Where(copy => copy.State is CopyState.Held or CopyState.InDoubt or CopyState.Captured && copy.IsCalled)
                .Select(copy => (Person: PersonOf(lead.Key), copy.Made.Campaign, copy.Made.Buyer))).ToArray();
            foreach (var campaign in market.Model.Campaigns.Values.Where(campaign => campaign.Duplicate is not null))
            {
                if (campaign.Duplicate!.OfBuyer && market.Model.Campaigns.Values.Any(other => other.Buyer == campaign.Buyer && other.Duplicate is not { OfBuyer: true })) continue;
                had.Where(copy => campaign.Duplicate.OfBuyer ? copy.Buyer == campaign.Buyer.Id : copy.Campaign == campaign.Id)
                    .GroupBy(copy => copy.Person).ShouldAllBe(group => group.Count() == 1);
            }
        }

        private byte PersonOf(LeadId id) => runs.First(run => run.Sale.Id == id).Sale.PersonHashes["phone"][0];

        private NaiveJournal.Copy[] Copies(CopyState state) => [.. journal.Leads.Values.SelectMany(lead => lead.Copies.Values).Where(copy => copy.State == state)];

        /// <summary>Admins lower and raise a cap at any moment; it never un-sells.</summary>
        private void MoveACap()
        {
            if (market.Model.Limits.FirstOrDefault(limit => limit.Period is not null && limit.Scope == CapScope.Campaign && limit.IsPlain) is not { } cap) return;
            var key = cap.KeyAt(Market.Now.ToUnixTimeSeconds(), out _);
            journal.SetLimit(cap.Id, journal.Used.GetValueOrDefault(key) + journal.Held.GetValueOrDefault(key) + random.Next(2));
        }
    }

    private static Market RandomMarket(Random random)
    {
        var ids = new[] { "a", "b", "c", "d", "e", "f" };
        var shared = random.Next(3) == 0;
        var oneBuyer = random.Next(3) == 0;
        return new Market
        {
            Campaigns = [.. ids.Select(id => new Wants(id, Bids[random.Next(Bids.Length)])
            {
                OnAccept = random.Next(3) > 0,
                Sharing = shared && random.Next(3) > 0 ? Sharing.Shared : Sharing.Exclusive,
                Buyer = oneBuyer && id is "b" or "d" ? "one-buyer" : null,
                Company = random.Next(4) == 0 ? "one-owner" : null,
                DayLeads = random.Next(2) == 0 ? random.Next(1, 6) : null,
                Balance = random.Next(3) == 0 ? "35.00" : null,
                DuplicateOf = random.Next(4) switch { 0 => "buyer", 1 => "campaign", _ => null },
                StateLeads = random.Next(4) == 0 ? (States[random.Next(3)], random.Next(1, 3)) : null,
                EachStateLeads = random.Next(4) == 0 ? random.Next(1, 3) : null,
            })],
            Tiers =
            [
                new(TierMethod.Auction, "a", "b", "c") { Pricing = (TierPricing)random.Next(2), Floor = random.Next(2) == 0 ? "5.00" : null, Copies = shared ? 3 : 1 },
                new(TierMethod.Priority, "d", "e") { Copies = shared ? 2 : 1 },
            ],
            PublisherLeads = random.Next(4) == 0 ? 7 : long.MaxValue,
            TreeLeads = random.Next(4) == 0 ? random.Next(2, 8) : null,
            Reauction = random.Next(2) == 0,
            UnsoldTiers = random.Next(2) == 0 ? null : [new(TierMethod.Auction, "f", "d", "a") { Copies = shared ? 2 : 1 }],
        };
    }
}
