extern alias server;

using Exchange.Delivery;
using Exchange.Engine;
using Exchange.Engine.Caps;
using Exchange.Engine.Catalog;
using Exchange.Engine.Explanations;
using Exchange.Engine.Fields;
using Exchange.Engine.Filters;
using Exchange.Engine.Leads;
using Exchange.Engine.Ledger;
using Exchange.Engine.PingTrees;
using Exchange.Engine.Values;
using Exchange.Grains.Bidding;
using Exchange.Grains.Firm;
using Exchange.Grains.Intake;
using Exchange.Grains.Leads;
using Exchange.Grains.Limits;
using Exchange.Grains.Pings;
using Exchange.Storage;
using Exchange.System.Tests.Grains;
using server::Exchange.Server.Hosting;

namespace Exchange.System.Tests.Scenarios;

/// <summary>
/// The exchange without its plumbing: the real catalog compiler, walk, lead machine, post rules and explainer over a journal in memory and a clock that is
/// set. Buyers answer as they are told to.
/// </summary>
internal sealed class ScenarioExchange : ILiveView
{
    private readonly TierRotations rotations = new();
    private readonly Vault vault = new(new byte[Vault.KeyBytes]);
    private readonly Dictionary<string, Queue<BuyerAnswer>> answers = new(StringComparer.Ordinal);
    private readonly SetTime time = new();
    private readonly LiveView live;
    private readonly PingCounts counts;
    // Offers of firm trees that are held and not posted, by when they end.
    private readonly List<Deal> firm = [];
    // Leads that wait before a tree is asked.
    private readonly List<Deal> waiting = [];
    private ulong pings;

    public ScenarioExchange()
    {
        Alerts = new(time);
        live = new(Alerts);
        counts = new(live);
        Returns = new(this);
        Deliveries = new(this);
    }

    public CatalogModel Model { get; private set; } = null!;
    public MemoryJournal Journal { get; } = new();
    public CapAlerts Alerts { get; }
    public ScenarioReturns Returns { get; }
    public ScenarioDeliveries Deliveries { get; }
    /// <summary>What live bidders answer, by campaign; who is not here says no.</summary>
    public Dictionary<string, BidAnswer> Bids { get; } = new(StringComparer.Ordinal);

    public DateTimeOffset Now
    {
        get => time.Now;
        set
        {
            // Whatever is due on the way happens at its own moment.
            while (NextDue is { } due && due <= value)
            {
                if (due > time.Now) time.Now = due;
                TakeUpDue();
            }
            time.Now = value;
            ExpireFirm();
            TakeUpDue();
        }
    }

    /// <summary>Of leads and of deliveries that wait.</summary>
    private DateTimeOffset? NextDue
    {
        get
        {
            var lead = waiting.Count == 0 ? (DateTimeOffset?)null : DateTimeOffset.FromUnixTimeMilliseconds(waiting.Min(deal => deal.Sale!.Waits!.Until.UntilMs));
            return lead is { } first && Deliveries.NextDue is { } second ? first < second ? first : second : lead ?? Deliveries.NextDue;
        }
    }

    private void TakeUpDue()
    {
        TakeUp(deal => deal.Sale!.Waits!.Until.UntilMs <= NowMs);
        Deliveries.Run();
    }

    public void Apply(CatalogModel model)
    {
        Model = model;
        Journal.Model = model;
        live.Install(model);
        Heal();
    }

    public void Fund(string buyer, Money amount)
    {
        Journal.Fund(buyer, amount);
        Heal();
    }

    /// <summary>One item of a lead that is over.</summary>
    public void Book(Deal deal, JournalItem item)
    {
        Journal.Subject = deal.Subject!;
        Invariant.Require(Journal.Apply(item).Code == VerdictCode.Done);
        Heal();
    }

    /// <summary>The live view's, which must say what the journal's copies sum up to.</summary>
    public LimitReading Read(LimitModel limit, long unixSeconds, string? value = null)
    {
        var reading = live.Read(limit, unixSeconds, value);
        if (limit.IsTake && limit.Kind != LimitKind.Gate && reading != Journal.Read(limit, unixSeconds, value))
            throw new InvariantException($"the live view of {limit.Id} {value} says {reading}, its copies {Journal.Read(limit, unixSeconds, value)}");
        return reading;
    }

    public long PacedUntilMs(LimitModel limit, string? value, long nowMs) => live.PacedUntilMs(limit, value, nowMs);

    public LimitReport Report(LimitModel limit, string? value) => live.Report(limit, NowMs, value);

    public long SoldBy(TierModel tier, CampaignModel campaign, long nowMs) =>
        Journal.SoldBy(tier.RotationKey, campaign.Id, nowMs - (long)tier.Over.TotalMilliseconds);

    public bool HasPerson(string scope, ReadOnlySpan<byte> hmac, long sinceMs) => Journal.HasPerson(scope, hmac, sinceMs);

    public Deal Ping(PingCall call)
    {
        if (!Model.Publishers.TryGetValue(call.Publisher, out var publisher)) throw new RefusedException("forbidden");
        if (publisher.Status == EntryStatus.Paused) throw new RefusedException("publisher_paused");
        if (!Model.Verticals.TryGetValue(call.Vertical, out var vertical)) throw new RefusedException("vertical_unknown");
        if (!publisher.Verticals.ContainsKey(vertical.Id)) throw new RefusedException("forbidden");
        var reading = FieldsReader.ReadPing(vertical.Fields, Raw(call.Fields), Parsers.All, PostRules.Today(Now, Model.Zone));
        if (!reading.Ok) throw new RefusedException(Told(reading.Errors));
        pings++;
        var input = new PingInput
        {
            Publisher = publisher.Id, Vertical = vertical.Id, SubId = call.SubId, Channel = call.Channel, Values = reading.Values, Now = Now,
            Seed = call.Seed ?? pings, MinPayout = call.MinPayout, MaxCopies = call.MaxCopies ?? Limits.CopiesPerLead,
            SoldElsewhereCopies = call.SoldElsewhere, SoldElsewhereSellers = call.SoldTo, Test = call.Test,
            Persons = [.. reading.Hashes.Select(hash => new PersonHash(hash.Field.Ordinal, vault.PersonHashOfSha(hash.Field.Name, hash.Sha256)))],
        };
        var outcome = PingWalk.Run(Model, input, this, rotations, asksLive: true);
        while (outcome.Wanted.Length > 0)
        {
            input = input with { LiveBids = [.. input.LiveBids, .. outcome.Wanted.SelectMany(Answered)] };
            outcome = PingWalk.Run(Model, input, this, rotations, asksLive: true);
        }
        if (!call.Test) outcome = Counted(outcome, publisher, SubjectOf(input));
        var record = new PingRecord
        {
            Id = LeadId.Create(Now.ToUnixTimeMilliseconds(), 1, call.Test, pings), AtMs = Now.ToUnixTimeMilliseconds(), Publisher = publisher.Id, Vertical = vertical.Id,
            Tree = outcome.Tree, SubId = call.SubId, Channel = call.Channel, CatalogVersion = Model.Version, Seed = input.Seed, MinPayout = input.MinPayout,
            MaxCopies = input.MaxCopies, SoldElsewhereCopies = input.SoldElsewhereCopies, SoldElsewhereSellers = input.SoldElsewhereSellers, Values = input.Values,
            Bids = outcome.Bids, Offers = outcome.Offers, Notes = outcome.Notes, Shares = outcome.Shares, Turns = outcome.Turns, Persons = input.Persons,
            LiveBids = input.LiveBids, ExpiresAtMs = outcome.ExpiresAtMs(Now + vertical.PingTtl), Outcome = outcome.Outcome,
        };
        var deal = new Deal(Model, FirmOffers.AreHeld(Model, record) ? Held(input, record) : record);
        if (FirmOffers.AreHeld(Model, deal.Record)) firm.Add(deal);
        if (!call.Test) foreach (var offer in deal.Record.Offers) counts.CountOffer(deal.Record.Bids[offer.BidIndex].Of, SubjectOf(input), offer.Price, offer.Payout, NowMs);
        return deal;
    }

    private LiveBid[] Answered(LiveAsk ask) => LiveBids.Of(
        ask.Campaign, ask.Sharings, Bids.GetValueOrDefault(ask.Campaign.Id) ?? BidAnswer.Declined(Reason.NoBid), NowMs, 0, Model.Currency);

    /// <summary>The ping and who was asked are counted, as the desk does it.</summary>
    private PingOutcome Counted(PingOutcome outcome, PublisherModel publisher, Subject subject)
    {
        if (counts.TryCountPing(publisher, subject, NowMs) is { } note && outcome.Outcome == Reason.None)
        {
            rotations.GiveBack(outcome.Taken);
            outcome = new(note.Reason, outcome.Tree, outcome.Bids, [], [.. outcome.Notes, note], []) { Shares = outcome.Shares };
        }
        foreach (var campaign in outcome.Asked) counts.CountAsked(campaign, subject, NowMs);
        return outcome;
    }

    /// <summary>The best offers of a firm tree are held before the answer, or those of another walk where a limit refuses them.</summary>
    private PingRecord Held(PingInput input, PingRecord record)
    {
        var without = new HashSet<string>(StringComparer.Ordinal);
        while (record.Outcome == Reason.None)
        {
            Journal.Subject = SubjectOf(input);
            var item = FirmOffer.Hold(record, Model, SubjectOf(input), [], NowMs);
            var verdict = Journal.Apply(item);
            Heal();
            if (verdict.IsSuccess) break;
            without.Add(item.Starts[verdict.CopyIndex].Campaign);
            var outcome = PingWalk.Run(Model, input with { Without = without }, this, rotations);
            record = record with
            {
                Tree = outcome.Tree, Bids = outcome.Bids, Offers = outcome.Offers, Notes = outcome.Notes, Shares = outcome.Shares, Turns = outcome.Turns, Outcome = outcome.Outcome,
            };
        }
        return record;
    }

    /// <summary>Five seconds after their time is over, offers that nobody posted give back what they held.</summary>
    private void ExpireFirm()
    {
        foreach (var deal in firm.Where(deal => !Journal.IsPosted(deal.Record.Id) && deal.Record.ExpiresAtMs < NowMs - 5_000).ToArray())
        {
            firm.Remove(deal);
            var held = Journal.Copies.Where(copy => copy.Lead == deal.Record.Id && copy.State == CopyState.Held).Select(copy => copy.Made.No);
            Invariant.Require(Journal.Apply(FirmOffer.Expire(deal.Record.Id, [.. held], NowMs)).IsSuccess);
            Heal();
        }
    }

    /// <summary>The same steps in the same order as the lead's grain takes them.</summary>
    public void Post(Deal deal, PostCall call)
    {
        var record = deal.Record;
        if (Journal.IsPosted(record.Id)) throw new RefusedException("already_posted");
        if (record.Outcome != Reason.None) throw new RefusedException("no_offer");
        var late = Now.ToUnixTimeMilliseconds() > record.ExpiresAtMs;
        if (late && !(record.Tree is { } walked && deal.Model.Trees[walked].Reauction)) throw new RefusedException("ping_expired");
        if (!Model.Publishers.TryGetValue(record.Publisher, out var publisher) || publisher.Status == EntryStatus.Paused) throw new RefusedException("publisher_paused");
        var vertical = deal.Model.Verticals[record.Vertical];
        var reading = FieldsReader.ReadPost(vertical.Fields, Raw(call.Fields), record.Values, vertical.PostChanges, Parsers.All, PostRules.Today(Now, deal.Model.Zone));
        var offers = PostRules.Choose(record, call.OfferIds, out var offerErrors);
        var consent = call.Sellers is { } sellers ? new ConsentInput("I agree.", Now, "https://example.com/", "192.0.2.1", null, sellers) : null;
        InputError[] errors =
            [.. offerErrors, .. reading.Errors, .. PostRules.Consent(deal.Model, vertical, record, offers, consent), .. PostRules.Hashes(vault, vertical, record, reading.Values)];
        if (errors.Length > 0) throw new RefusedException(Told(errors));

        deal.Consent = consent;
        deal.Subject = new Subject
        {
            Vertical = record.Vertical, Publisher = record.Publisher, SubId = record.SubId, Channel = record.Channel, Values = reading.Values, Now = Now,
        };
        // As many as the post took; more where what is left unsold may go on to trees that sell more.
        var maxCopies = Math.Max(1, offers.Count);
        for (var tree = record.Tree; tree is not null && Model.Trees.TryGetValue(tree, out var asked); tree = asked.UnsoldTree)
            if (tree != record.Tree) maxCopies = Math.Max(maxCopies, Math.Min(asked.Copies, record.MaxCopies));
        var isFirm = FirmOffers.AreHeld(deal.Model, record);
        int[] unwanted = [];
        var nextCopyNo = 1;
        deal.Sale = new LeadSale
        {
            Rounds = [new SaleRound { Model = deal.Model, Record = record, Subject = deal.Subject }],
            Slots = isFirm ? FirmOffer.Slots(record, offers, out unwanted, out nextCopyNo)
                : [.. offers.Select(offer => new Slot(offer.OfferId, offer.Sharing, offer.Payout, offer.BidIndex, offer.Price, 0, SlotState.Proposed))],
            NextCopyNo = nextCopyNo,
            MaxCopies = maxCopies, MinPayout = call.MinPayout, Late = late, PersonHashes = PostRules.PersonHashes(vault, Model, vertical, reading.Values),
            First = new FirstWrite(
                isFirm ? null : new(record.Publisher, record.Vertical, record.SubId, record.Id.IsTest, maxCopies, [], [], record.CatalogVersion),
                isFirm ? new(maxCopies, [], []) : null, null, PostRules.Persons(vault, vertical, record, reading.Values, NowMs)) { Unwanted = unwanted },
            KeepPersonsWhenUnsold = vertical.Duplicate is { AmongReceived: true },
        };
        var promised = offers.Aggregate(Money.Zero, (sum, offer) => sum + offer.Payout);
        Drive(deal, new LeadEvent.Posted(
            PostRules.Suppressed(vertical, reading.Values) ? Reason.Suppressed : promised < call.MinPayout ? Reason.MinPayout : Reason.None));
    }

    /// <summary>From now on the campaign answers so, one after the other; the last one stays.</summary>
    public void Script(string campaign, IEnumerable<BuyerAnswer> said) => answers[campaign] = new(said);

    /// <summary>A buyer's later word on a copy that it held or left in doubt.</summary>
    public void Later(Deal deal, string campaign, BuyerAnswer said)
    {
        var slot = deal.Sale?.Slots.FirstOrDefault(slot => deal.Sale.BidAt(slot.BidIndex).Campaign == campaign && slot.State is SlotState.Held or SlotState.InDoubt)
            ?? throw new RefusedException("no_open_copy");
        Drive(deal, new LeadEvent.Answered(slot.CopyNo, said, Reason.None, null, null));
    }

    /// <summary>Fields are added to a lead: whatever it waits for is looked at again.</summary>
    public void Add(Deal deal, IReadOnlyList<KeyValuePair<string, string>> fields)
    {
        if (deal.Subject is null) throw new RefusedException("not_found");
        var reading = FieldsReader.ReadAddition(deal.Model.Verticals[deal.Record.Vertical].Fields, Raw(fields), deal.Subject.Values, Parsers.All, PostRules.Today(Now, deal.Model.Zone));
        if (!reading.Ok) throw new RefusedException(Told(reading.Errors));
        deal.Subject = new Subject
        {
            Vertical = deal.Record.Vertical, Publisher = deal.Record.Publisher, SubId = deal.Record.SubId, Channel = deal.Record.Channel, Values = reading.Values, Now = deal.Subject.Now,
        };
        TakeUp(each => each == deal);
        Deliveries.AskAgain(deal);
    }

    /// <summary>A held copy's buyer is asked now.</summary>
    public void Call(Deal deal, int copyNo)
    {
        var campaign = deal.Sale!.BidAt(deal.Sale.SlotOfCopy(copyNo)!.BidIndex).Campaign;
        deal.Calls.Add(campaign);
        Drive(deal, new LeadEvent.Answered(copyNo, AnswerOf(campaign), Reason.None, null, null));
    }

    private void TakeUp(Predicate<Deal> isDue)
    {
        while (waiting.FindAll(isDue).OrderBy(deal => deal.Sale!.Waits!.Until.UntilMs).FirstOrDefault() is { } deal)
        {
            waiting.Remove(deal);
            var before = deal.Sale!.Waits;
            Drive(deal, new LeadEvent.WaitOver(new(0), Cancelled: false));
            if (deal.Sale.Waits == before) break;
        }
    }

    public static Explanation Explain(Deal deal) => Explainer.Explain(deal.Model, deal.Record);

    /// <summary>One thing that happens to a lead, with all that follows from it at once.</summary>
    public void Drive(Deal deal, LeadEvent happened)
    {
        Journal.Subject = deal.Subject!;
        var events = new Queue<LeadEvent>([happened]);
        while (events.TryDequeue(out var next))
        {
            var step = LeadMachine.Step(deal.Sale!, next, Context(deal));
            while (step.Submit is not null && step.Conflict is null)
            {
                deal.Sale = step.Sale;
                var (item, verdict) = (step.Submit, Journal.Apply(step.Submit));
                step = LeadMachine.Step(deal.Sale, new LeadEvent.Settled(verdict), Context(deal));
                if (!verdict.IsSuccess) continue;
                // A delivery tells by its copy how it stands.
                deal.Sale = step.Sale;
                Deliveries.Add(deal, item);
            }
            deal.Sale = step.Sale;
            Heal();
            Invariant.Require(step.Conflict is null);
            foreach (var copy in step.Calls)
            {
                var campaign = deal.Sale.BidAt(deal.Sale.SlotOfCopy(copy)!.BidIndex).Campaign;
                deal.Calls.Add(campaign);
                events.Enqueue(new LeadEvent.Answered(copy, AnswerOf(campaign), Reason.None, null, null));
            }
        }
        Remember(deal);
        Deliveries.Run();
    }

    private void Remember(Deal deal)
    {
        if (deal.Sale!.Waits is not null && !waiting.Contains(deal)) waiting.Add(deal);
    }

    private BuyerAnswer AnswerOf(string campaign) =>
        !answers.TryGetValue(campaign, out var script) ? BuyerAnswer.Accepted : script.Count > 1 ? script.Dequeue() : script.Peek();

    /// <summary>Scenarios change no vertical in mid-sale: every catalog reads the lead alike.</summary>
    private SaleContext Context(Deal deal) => new()
    {
        Current = Model, NowMs = Now.ToUnixTimeMilliseconds(), Subject = deal.Subject!, NamedSellers = deal.Consent?.Sellers ?? [], HasProof = PostRules.IsProof(deal.Consent),
        Walk = wish => new(Model, deal.Subject!, PingWalk.Run(Model, new PingInput
        {
            Publisher = deal.Record.Publisher, Vertical = deal.Record.Vertical, SubId = deal.Record.SubId, Channel = deal.Record.Channel, Values = deal.Subject!.Values,
            Now = Now, Seed = wish.Seed, MinPayout = wish.MinPayout, MaxCopies = wish.MaxCopies, SoldElsewhereCopies = deal.Record.SoldElsewhereCopies,
            SoldElsewhereSellers = deal.Record.SoldElsewhereSellers, Test = deal.Record.Id.IsTest, Tree = wish.Tree, Without = wish.Without, NamedSellers = deal.Consent?.Sellers ?? [],
        }, this, rotations)),
    };

    public long NowMs => Now.ToUnixTimeMilliseconds();

    private static Subject SubjectOf(PingInput ping) => new()
    {
        Vertical = ping.Vertical, Publisher = ping.Publisher, SubId = ping.SubId, Channel = ping.Channel, Values = ping.Values, Now = ping.Now,
    };

    /// <summary>After each commit the live view hears what changed; here it hears everything.</summary>
    private void Heal() => live.Apply([.. Journal.Rows(NowMs / 1000)]);

    private static RawField[] Raw(IEnumerable<KeyValuePair<string, string>> fields) => [.. fields.Select(field => new RawField(field.Key, RawKind.String, field.Value))];

    private static string Told(IEnumerable<InputError> errors) => string.Join(", ", errors.Select(error => $"{error.Code} {error.Pointer}"));
}
