using Exchange.Engine;
using Exchange.Engine.Catalog;
using Exchange.Engine.Fields;
using Exchange.Engine.Leads;
using Exchange.Engine.Ledger;
using Exchange.Engine.PingTrees;
using Exchange.Engine.Values;
using Exchange.Grains.Firm;
using Exchange.Grains.Intake;
using Exchange.Storage;

namespace Exchange.Grains.Leads;

/// <summary>A post that may be sold: the lead as the machine wants it, the row it will have, and a no that is known already.</summary>
public sealed record PreparedPost(LeadSale Sale, SaleWorld World, LeadRow Row, IReadOnlyList<InputError> Warnings, Reason Refused)
{
    /// <summary>By these the person is known if it was erased once.</summary>
    public required IReadOnlyList<byte[]> Suppressible { get; init; }
}

/// <summary>Reads a post against its ping: everything that can refuse it before it is held, all errors at once.</summary>
public sealed class PostPreparation(LeadServices services)
{
    /// <summary>Exactly one of the two is not null.</summary>
    /// <param name="atPing">The catalog of the ping.</param>
    public (Problem? Problem, PreparedPost? Post) Prepare(PostCommand command, PingRecord record, CatalogModel atPing)
    {
        var current = services.Catalog.Current;
        var vertical = atPing.Verticals[record.Vertical];
        if (record.Outcome != Reason.None && !command.Direct) return (Problem.Of(409, "no_offer", "This ping got no offer."), null);
        var late = command.ReceivedAt.ToUnixTimeMilliseconds() > record.ExpiresAtMs;
        if (late && !MayComeLate(command, record, atPing)) return (Problem.Of(410, "ping_expired", "The offer's time is over; ping again."), null);
        if (!current.Publishers.TryGetValue(command.Publisher, out var publisher) || publisher.Status == EntryStatus.Paused)
            return (Problem.Of(403, "publisher_paused", "The publisher is paused."), null);
        // What was pinged live before its publisher was set to test is not sold by a test.
        if (publisher.Status == EntryStatus.Test && !record.Id.IsTest) return (Problem.Of(404, "ping_not_found", "There is no such ping."), null);
        if (!publisher.Verticals.ContainsKey(record.Vertical)) return (Problem.Of(403, "forbidden", "The publisher may not send this vertical."), null);

        var now = services.Time.GetUtcNow();
        // New fields are judged by the day on which the post came, as those of a ping are.
        var today = PostRules.Today(command.ReceivedAt, atPing.Zone);
        // The words are of the catalog whose fields they name.
        var words = atPing.Publishers.GetValueOrDefault(command.Publisher)?.Intake ?? IntakeModel.Plain;
        var raw = Array.ConvertAll(command.Fields, field => new RawField(field.Name, field.Kind, field.Text));
        var reading = FieldsReader.ReadPost(vertical.Fields, raw, record.Values, vertical.PostChanges, services.Parsers, today, words);
        var offers = PostRules.Choose(record, command.OfferIds, out var offerErrors);
        List<InputError> errors = [.. command.MemberErrors.Select(error => new InputError(error.Pointer, error.Code, error.Message)), .. offerErrors, .. reading.Errors];
        errors.AddRange(PostRules.Consent(atPing, vertical, record, offers, command.Consent));
        var warnings = reading.Warnings;
        if (reading.Ok && PostRules.Hashes(services.Store.Vault, vertical, record, reading.Values, words).ToArray() is { Length: > 0 } mismatches)
        {
            if (vertical.PostChanges == PostChanges.Refuse) errors.AddRange(mismatches);
            else warnings = [.. warnings, .. mismatches];
        }
        return errors.Count > 0 ? (Problem.Invalid(errors), null) : (null, Read(command, record, atPing, offers, reading.Values, warnings, late, now));
    }

    private PreparedPost Read(
        PostCommand command, PingRecord record, CatalogModel atPing, IReadOnlyList<Offer> offers, FieldValue[] values, IReadOnlyList<InputError> warnings, bool late, DateTimeOffset now)
    {
        var (current, vault, id) = (services.Catalog.Current, services.Store.Vault, record.Id);
        var vertical = atPing.Verticals[record.Vertical];
        var payload = LeadPayload.Of(vertical.Fields, values, command.Consent, record);
        var world = new SaleWorld(services, record, atPing, values, payload, command.ReceivedAt);
        // A direct post whose tree waits was not walked: how many it sells is the tree's.
        var maxCopies = MaxCopies(current, record, record.IsUnasked ? Math.Min(current.Trees.GetValueOrDefault(record.Tree!)?.Copies ?? 1, record.MaxCopies) : offers.Count);
        var sealedBytes = vault.Seal(id, (payload with { MinPayout = new(command.MinPayoutMicros) }).ToJson());
        // Firm: the best offers were held at the ping, and the lead's row with them.
        var firm = FirmOffers.AreHeld(atPing, record) && !command.Direct;
        int[] unwanted = [];
        var nextCopyNo = 1;
        var slots = firm ? FirmOffer.Slots(record, offers, out unwanted, out nextCopyNo)
            : [.. offers.Select(offer => new Slot(offer.OfferId, offer.Sharing, offer.Payout, offer.BidIndex, offer.Price, 0, SlotState.Proposed))];
        // What was offered and posted in time is a promise to be measured; a direct post was offered nothing.
        var offered = offers.Aggregate(Money.Zero, static (sum, offer) => sum + offer.Payout);
        Money? promised = late || command.Direct || id.IsTest ? null : offered;
        var lead = firm ? null : new NewLead(record.Publisher, record.Vertical, record.SubId, id.IsTest, maxCopies, command.BodyHash, sealedBytes, record.CatalogVersion)
        {
            Channel = record.Channel, Promised = promised,
        };
        var sale = new LeadSale
        {
            Rounds = [new SaleRound { Model = atPing, Record = record, Subject = world.Subject }],
            Slots = slots,
            NextCopyNo = nextCopyNo,
            MaxCopies = maxCopies,
            MinPayout = new Money(command.MinPayoutMicros),
            Late = late,
            IsDirect = command.Direct,
            Promised = promised,
            PersonHashes = PostRules.PersonHashes(vault, current, vertical, values),
            First = new FirstWrite(lead, firm ? new LeadPost(maxCopies, command.BodyHash, sealedBytes) { Promised = promised } : null,
                RequestOf(command),
                PostRules.Persons(vault, vertical, record, values, now.ToUnixTimeMilliseconds())) { Unwanted = unwanted },
            KeepPersonsWhenUnsold = vertical.Duplicate is { AmongReceived: true },
            IsForced = services.Book.TestResultOf(id) is not null,
            Unfinished = services.Book.TestResultOf(id) switch { "pending" => LeadState.Pending, "in_doubt" => LeadState.InDoubt, _ => null },
        };
        var row = new LeadRow(id, record.Publisher, record.Vertical, record.SubId, id.IsTest, LeadState.Open, Reason.None, maxCopies, command.BodyHash,
            sealedBytes, null, record.CatalogVersion, now.ToUnixTimeMilliseconds(), []);
        // The earlier of several reasons is told; a person who is never sold goes to no other tree either.
        var refused = record.Outcome is > Reason.None and < Reason.Suppressed ? record.Outcome
            : PostRules.Suppressed(vertical, values) ? Reason.Suppressed
            : record.Outcome != Reason.None ? record.Outcome
            : !record.IsUnasked && offered.Micros < command.MinPayoutMicros ? Reason.MinPayout
            : services.Book.TestResultOf(id) == "unsold" ? Reason.AllRejected
            : Reason.None;
        return new(sale, world, row, warnings, refused) { Suppressible = SuppressionHash.Of(vault, vertical.Fields, field => values[field.Ordinal].Text) };
    }

    private static RequestClaim? RequestOf(PostCommand command)
    {
        RequestClaim? Under(string? key, RequestClaim? also) => key is null ? null : new(command.Publisher, key, command.BodyHash) { Also = also };
        return Under(command.IdempotencyKey, Under(command.AlsoKey, null));
    }

    /// <summary>A tree with a reauction takes a lead for some time after its offer's end: as long as its promise may still be bought by somebody.</summary>
    private static bool MayComeLate(PostCommand command, PingRecord record, CatalogModel atPing) =>
        record.Tree is { } id && atPing.Trees.TryGetValue(id, out var tree) && tree.Reauction && !command.Direct
        && command.ReceivedAt.ToUnixTimeMilliseconds() <= record.ExpiresAtMs + Engine.Limits.ReauctionHours * 3_600_000L;

    /// <summary>As many as the post took; more where what is left unsold may go on to trees that sell more.</summary>
    private static int MaxCopies(CatalogModel current, PingRecord record, int offers)
    {
        var most = Math.Max(1, offers);
        var tree = record.Tree is { } id ? current.Trees.GetValueOrDefault(id) : null;
        for (var asked = 0; asked < Engine.Limits.TreesPerPost && tree?.UnsoldTree is { } next; asked++)
        {
            tree = current.Trees.GetValueOrDefault(next);
            if (tree is not null) most = Math.Max(most, Math.Min(tree.Copies, record.MaxCopies));
        }
        return most;
    }
}
