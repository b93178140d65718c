using Exchange.Engine;
using Exchange.Engine.Catalog;
using Exchange.Engine.Fields;
using Exchange.Engine.Filters;
using Exchange.Engine.PingTrees;
using Exchange.Engine.Values;
using Exchange.Grains.Bidding;
using Exchange.Grains.Catalog;
using Exchange.Grains.Cluster;
using Exchange.Grains.Feed;
using Exchange.Grains.Firm;
using Exchange.Grains.Intake;
using Exchange.Grains.Leads;
using Exchange.Grains.Limits;
using Exchange.Grains.SoftHolds;
using Exchange.Storage;

namespace Exchange.Grains.Pings;

/// <summary>
/// The walk of a ping in this silo: read, auction, record, answer. It waits on no database; a grain is asked only where a cap is about to run out.
/// </summary>
public sealed class PingDesk(
    IExchangeStore store, CatalogHost catalog, LiveView live, IRotations rotations, LiveBidding bidding, OfferBook book, OfferHomes homes, PingKeys keys, SoftHoldDesk softHolds, FirmOffers firm, PostRates rates, PingCounts counts, LeadIds ids, LiveFeed feed,
    FieldParsers parsers)
{
    /// <summary>Throws <see cref="OperationCanceledException"/> if its caller leaves while offers are being held; a ping that holds nothing is made to its end.</summary>
    public async ValueTask<PingReply> PingAsync(PingCommand command, CancellationToken callerLeft)
    {
        if (command.IdempotencyKey is null) return await MakeAsync(command, direct: false, callerLeft);
        while (true)
        {
            // The key is honoured while the offer lives; a refused ping frees it.
            var verdict = await keys.ClaimAsync(command);
            switch (verdict.State)
            {
                case KeyState.Yours: return await MakeKeyedAsync(command, callerLeft);
                case KeyState.OtherBody: return new(null, Problem.Of(422, "idempotency_key_reused", "The idempotency key came before with another body."));
                case KeyState.Running: return new(null, Problem.Of(409, "idempotency_in_progress", "The first ping with this key is still being made.", 1));
                default:
                    if (await RecordedAsync(command, LeadId.FromGuid(verdict.Ping)) is { } recorded) return new(recorded, null);
                    // Its silo was killed before the record was written: nobody can post it, so it is made again.
                    await keys.SettleAsync(command, null, 0);
                    break;
            }
        }
    }

    private async ValueTask<PingReply> MakeKeyedAsync(PingCommand command, CancellationToken callerLeft)
    {
        var (ping, untilMs) = ((Guid?)null, 0L);
        try
        {
            var reply = await MakeAsync(command, direct: false, callerLeft);
            if (reply.Answer is { } answer) (ping, untilMs) = (answer.PingId.ToGuid(), answer.ExpiresAt.ToUnixTimeMilliseconds());
            return reply;
        }
        finally
        {
            await keys.SettleAsync(command, ping, untilMs);
        }
    }

    /// <summary>The answer of a ping that was made before, wherever it was, from its record and the same body. Null: the record is lost.</summary>
    private async ValueTask<PingAnswer?> RecordedAsync(PingCommand command, LeadId id)
    {
        if ((await homes.FindAsync(id) ?? await store.Pings.FindAsync(id, catalog.ModelAsync, CancellationToken.None)) is not { } record) return null;
        var model = await catalog.ModelAsync(record.CatalogVersion, CancellationToken.None);
        var today = PostRules.Today(DateTimeOffset.FromUnixTimeMilliseconds(record.AtMs), model.Zone);
        var reading = FieldsReader.ReadPing(model.Verticals[record.Vertical].Fields, command.Fields, parsers, today, WordsOf(model, command.Publisher));
        return Answer(model, command, record, reading.Warnings) with { Replayed = true };
    }

    /// <summary>The first half of a direct post: the fields that may be pinged make the ping.</summary>
    public ValueTask<PingReply> PingOfDirectPostAsync(PingCommand command) => MakeAsync(command, direct: true, CancellationToken.None);

    /// <summary>A direct post is over, recorded or not. Nobody else posts its ping: a repeat makes another.</summary>
    public void EndOfDirectPost(LeadId ping) => softHolds.Release(ping);

    private async ValueTask<PingReply> MakeAsync(PingCommand command, bool direct, CancellationToken callerLeft)
    {
        var model = catalog.Current;
        // Every call of a publisher that only tests is a test.
        if (model.Publishers.GetValueOrDefault(command.Publisher)?.Status == EntryStatus.Test) command = command with { Test = true };
        if (Admit(model, command, direct, out var publisher, out var vertical, out var reading, out var posted) is { } problem) return new(null, problem);

        var now = command.ReceivedAt;
        var id = ids.Next(command.Test);
        var seed = ids.Seed();
        var input = new PingInput
        {
            Publisher = publisher!.Id, Vertical = vertical!.Id, SubId = command.SubId, Channel = command.Channel, Values = reading!.Values, Now = now, Seed = seed,
            MinPayout = command.MinPayout, MaxCopies = command.MaxCopies == 0 ? Engine.Limits.CopiesPerLead : command.MaxCopies,
            SoldElsewhereCopies = command.SoldElsewhereCopies, SoldElsewhereSellers = [.. command.SoldElsewhereSellers], Test = command.Test, Persons = Persons(reading), Posted = posted,
            NamedSellers = direct && command.Consent is { Sellers: { Length: > 0 } named } ? named : null,
        };
        var forced = command.Test ? command.TestResult : null;
        // Nobody is asked about a person who is never sold.
        var isSuppressed = IsSuppressed(reading);
        PingOutcome outcome;
        if (forced == "no_offer") outcome = new(Reason.NoBids, null, [], [], [], []);
        else if (isSuppressed) outcome = PingWalk.Run(model, input, live, rotations);
        else (input, outcome) = await bidding.WalkAsync(model, input, id, command);
        if (isSuppressed && outcome.Outcome is not (> Reason.None and < Reason.Suppressed))
        {
            // An early answer; the rows decide at the post.
            rotations.GiveBack(outcome.Taken);
            outcome = new PingOutcome(Reason.Suppressed, outcome.Tree, [], [], [], []);
        }
        var subject = input.ToSubject();
        var expires = outcome.ExpiresAtMs(now + vertical.PingTtl);
        // Near the end of a cap an offer is backed by a soft hold; without one the walk runs again and sees the cap as full.
        if (outcome.Outcome == Reason.None && !command.Test && !FirmOffers.IsFirm(model, outcome.Tree) && await softHolds.BackAsync(id, model, publisher, subject, outcome, now, expires, direct) is { } refusal)
        {
            rotations.GiveBack(outcome.Taken);
            outcome = WalkedAgain(model, input, refusal);
        }
        if (!command.Test) outcome = Counted(id, outcome, publisher, subject, now.ToUnixTimeMilliseconds());

        var taken = outcome.Taken;
        // Of other offers, where it was walked again.
        expires = outcome.ExpiresAtMs(now + vertical.PingTtl);
        var record = new PingRecord
        {
            Id = id, AtMs = now.ToUnixTimeMilliseconds(), Publisher = publisher.Id, Vertical = vertical.Id, Tree = outcome.Tree, SubId = command.SubId,
            Channel = command.Channel, Tags = [.. command.Tags], CatalogVersion = model.Version, Seed = seed, MinPayout = command.MinPayout, MaxCopies = input.MaxCopies,
            SoldElsewhereCopies = input.SoldElsewhereCopies, SoldElsewhereSellers = input.SoldElsewhereSellers, NamedSellers = [.. input.NamedSellers ?? []], Values = reading.Values, Bids = outcome.Bids,
            Offers = outcome.Offers, Notes = outcome.Notes, Shares = outcome.Shares, Turns = outcome.Turns, ExpiresAtMs = expires, Outcome = outcome.Outcome,
            Persons = input.Persons, LiveBids = input.LiveBids,
        };
        try
        {
            if (!direct && FirmOffers.AreHeld(model, record))
            {
                record = await firm.HoldAsync(model, input, record, taken, callerLeft);
                // Given back there where they had to be; what is held keeps its turn.
                taken = [];
            }
        }
        catch (StorageBusyException)
        {
            return new(null, Problem.Of(503, "storage_unavailable", "The offer could not be held; come again.", 1));
        }
        // An offer that could not be found again would be a lie.
        if (!store.Pings.TryAppend(record, vertical.Fields, out var bytes))
        {
            rotations.GiveBack(taken);
            softHolds.Release(id);
            if (!direct && FirmOffers.AreHeld(model, record)) await firm.TakeBackAsync(id);
            return new(null, Problem.Of(503, "overloaded", "Too many pings wait to be recorded; come again.", 1));
        }
        if (!command.Test)
            foreach (var offer in record.Offers) counts.CountOffer(record.Bids[offer.BidIndex].Of, subject, offer.Price, offer.Payout, record.AtMs);
        book.Add(id, bytes, record.ExpiresAtMs);
        bidding.Offered(record);
        feed.Pinged(record);
        if (forced is not null) book.ForceTest(id, forced);
        if (record.Outcome == Reason.None && !direct) rates.Offered(publisher.Id);
        FaultPoints.BeforeOffer.Pass();
        return new(Answer(model, command, record, reading.Warnings), null);
    }

    /// <summary>
    /// What other silos promised of a limit nothing here shows, nor what was promised here too late to be told: the walk that comes to the same campaign
    /// goes without it.
    /// </summary>
    private PingOutcome WalkedAgain(CatalogModel model, PingInput input, SoftHoldRefusal refusal)
    {
        var again = PingWalk.Run(model, input, live, rotations);
        if (!again.Offers.Any(offer => again.Bids[offer.BidIndex].Campaign == refusal.Campaign.Id)) return again;
        rotations.GiveBack(again.Taken);
        var without = PingWalk.Run(model, input with { Without = new HashSet<string>(StringComparer.Ordinal) { refusal.Campaign.Id } }, live, rotations);
        var (limit, value) = (refusal.Limit, refusal.Value);
        var reading = live.Read(limit, input.Now.ToUnixTimeSeconds(), value);
        // All that is left counts as held.
        var note = new StateNote(refusal.Campaign, limit.Reason, limit, reading.Limit, reading.Used, reading.Limit - reading.Used, refusal.Amount, value);
        return without with { Notes = [.. without.Notes, note] };
    }

    /// <summary>The ping and who was asked are counted; of two pings at once only one has the last place of the publisher's cap.</summary>
    private PingOutcome Counted(LeadId id, PingOutcome outcome, PublisherModel publisher, Subject subject, long nowMs)
    {
        var full = counts.TryCountPing(publisher, subject, nowMs);
        if (full is { } note && outcome.Outcome == Reason.None)
        {
            rotations.GiveBack(outcome.Taken);
            softHolds.Release(id);
            outcome = new PingOutcome(note.Reason, outcome.Tree, outcome.Bids, [], [.. outcome.Notes, note], []) { Shares = outcome.Shares };
        }
        foreach (var campaign in outcome.Asked) counts.CountAsked(campaign, subject, nowMs);
        return outcome;
    }

    /// <summary>Everything that refuses a ping before it is walked; field and member errors all at once.</summary>
    /// <param name="posted">Of a direct post: all its fields.</param>
    private Problem? Admit(CatalogModel model, PingCommand command, bool direct, out PublisherModel? publisher, out VerticalModel? vertical, out FieldsReading? reading, out FieldValue[]? posted)
    {
        vertical = null;
        reading = null;
        posted = null;
        if (!model.Publishers.TryGetValue(command.Publisher, out publisher)) return Problem.Of(403, "forbidden", "The key's publisher is not in the catalog.");
        if (publisher.Status == EntryStatus.Paused) return Problem.Of(403, "publisher_paused", "The publisher is paused.");
        var words = publisher.Intake;
        IReadOnlyList<InputError> errors = command.TestResult is null || command.Test ? command.MemberErrors
            : [.. command.MemberErrors, new("/test_result", FieldErrors.InvalidField, "Only a test's answer can be forced: use a test key, or \"test\": true.")];
        if (command.Vertical is null) return Problem.Invalid(errors);
        if (!model.Verticals.TryGetValue(words.Vertical(command.Vertical), out vertical))
            return Problem.Invalid([.. errors, new("/vertical", "vertical_unknown", "There is no such vertical.")]);
        if (!publisher.Verticals.ContainsKey(vertical.Id)) return Problem.Of(403, "forbidden", "The publisher may not send this vertical.");

        var today = PostRules.Today(command.ReceivedAt, model.Zone);
        var fields = direct ? Pingable(vertical, words, command.Fields) : command.Fields;
        reading = FieldsReader.ReadPing(vertical.Fields, fields, parsers, today, words);
        var whole = direct ? FieldsReader.ReadDirect(vertical.Fields, command.Fields, parsers, today, words) : reading;
        // Before anybody is asked, counted or held for a lead that its post refuses.
        if (direct) errors = [.. errors, .. whole.Errors, .. PostRules.Proof(vertical.Consent, command.Consent)];
        if (errors.Count > 0) return Problem.Invalid(direct ? errors : [.. errors, .. whole.Errors]);
        if (direct && whole.Ok)
        {
            reading = reading with { Hashes = whole.HashesOfValues(vertical.Fields) };
            posted = whole.Values;
        }
        return !whole.Ok ? Problem.Invalid(whole.Errors) : reading.Ok ? null : Problem.Invalid(reading.Errors);
    }

    private static IntakeModel WordsOf(CatalogModel model, string publisher) => model.Publishers.GetValueOrDefault(publisher)?.Intake ?? IntakeModel.Plain;

    private static RawField[] Pingable(VerticalModel vertical, IntakeModel words, IReadOnlyList<RawField> raw) =>
        [.. raw.Where(field => vertical.Fields.Find(words.Field(field.Name)) is { Pii: false, Ping: not FieldUse.None })];

    /// <summary>Of the hashes that came (or of a direct post's values) only their HMACs go any further.</summary>
    private PersonHash[] Persons(FieldsReading reading) =>
        [.. reading.Hashes.Select(hash => new PersonHash(hash.Field.Ordinal, store.Vault.PersonHashOfSha(hash.Field.Name, hash.Sha256)))];

    private bool IsSuppressed(FieldsReading reading)
    {
        foreach (var hash in reading.Hashes)
            if (hash.Field.Type is FieldType.Phone or FieldType.Email && store.Suppressions.Knows(SuppressionHash.OfSha(store.Vault, hash.Field.Type, hash.Sha256))) return true;
        return false;
    }

    private static PingAnswer Answer(CatalogModel model, PingCommand command, PingRecord record, IReadOnlyList<InputError> warnings)
    {
        var payout = Money.Zero;
        var best = new List<string>(1);
        var offers = new OfferAnswer[record.Offers.Length];
        for (var i = 0; i < offers.Length; i++)
        {
            var offer = record.Offers[i];
            if (offer.Best) { payout += offer.Payout; best.Add(offer.OfferId); }
            offers[i] = new(offer.OfferId, offer.Payout, offer.Sharing == Engine.Filters.Sharing.Exclusive, offer.Seller);
        }
        return new PingAnswer
        {
            PingId = record.Id, Reason = record.Outcome, Payout = payout, Best = best, Currency = model.Currency,
            ExpiresAt = DateTimeOffset.FromUnixTimeMilliseconds(record.ExpiresAtMs), Test = record.Id.IsTest, Offers = offers, Warnings = warnings, Tags = command.Tags,
        };
    }
}
