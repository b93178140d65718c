using Exchange.Engine;
using Exchange.Engine.Caps;
using Exchange.Engine.Catalog;
using Exchange.Engine.Fields;
using Exchange.Engine.Filters;
using Exchange.Engine.Ledger;
using Exchange.Engine.PingTrees;
using Exchange.Grains.Intake;
using Exchange.Storage;

namespace Exchange.Grains.Leads;

/// <summary>What a post must satisfy before it is held: offers, consent, suppression, persons, its fields as they are stored.</summary>
public static class PostRules
{
    /// <summary>Day number of today in a zone.</summary>
    public static int Today(DateTimeOffset now, TimeZoneInfo zone) => DateOnly.FromDateTime(TimeZoneInfo.ConvertTime(now, zone).DateTime).DayNumber;

    /// <summary>The offers named, or the ping's best: one exclusive, or any shared ones up to what the ping asked for.</summary>
    public static IReadOnlyList<Offer> Choose(PingRecord record, string[]? offerIds, out IReadOnlyList<InputError> errors)
    {
        List<InputError> found = [];
        errors = found;
        if (offerIds is null or { Length: 0 }) return [.. record.Offers.Where(offer => offer.Best)];
        var chosen = new List<Offer>();
        for (var i = 0; i < offerIds.Length; i++)
        {
            var offer = record.Offers.FirstOrDefault(candidate => candidate.OfferId == offerIds[i]);
            if (offer is null) found.Add(new($"/offer_ids/{i}", "invalid_field", "The ping has no such offer."));
            else if (chosen.Contains(offer)) found.Add(new($"/offer_ids/{i}", "invalid_field", "The offer is named twice."));
            else chosen.Add(offer);
        }
        if (found.Count > 0) return chosen;
        if (chosen.Count > 1 && chosen.Any(offer => offer.Sharing == Sharing.Exclusive))
            found.Add(new("/offer_ids", "invalid_field", "An exclusive offer is taken alone."));
        else if (chosen.Count > record.MaxCopies)
            found.Add(new("/offer_ids", "out_of_range", $"At most {record.MaxCopies} copies of this lead may be sold."));
        else if (chosen.Select(offer => record.Bids[offer.BidIndex].Company).Distinct(StringComparer.Ordinal).Count() < chosen.Count)
            found.Add(new("/offer_ids", "invalid_field", "Two of the offers are of one owner."));
        return chosen;
    }

    /// <summary>The strictest of the vertical's level and the levels of the campaigns whose offers are taken.</summary>
    public static IEnumerable<InputError> Consent(CatalogModel model, VerticalModel vertical, PingRecord record, IReadOnlyList<Offer> offers, ConsentInput? consent)
    {
        var level = vertical.Consent;
        foreach (var offer in offers)
            if (model.Campaigns.TryGetValue(record.Bids[offer.BidIndex].Campaign, out var campaign) && campaign.Consent > level) level = campaign.Consent;
        foreach (var lacks in Proof(level, consent)) yield return lacks;
        if (level != ConsentLevel.Named) yield break;
        foreach (var offer in offers)
        {
            var seller = record.Bids[offer.BidIndex].Seller;
            if (seller is not null && consent?.Sellers.Contains(seller, StringComparer.OrdinalIgnoreCase) != true)
                yield return new("/consent/sellers", "consent_missing", $"The consent does not name the seller of offer {offer.OfferId}.");
        }
    }

    /// <summary>What a consent of this level must have, whoever buys.</summary>
    public static IEnumerable<InputError> Proof(ConsentLevel level, ConsentInput? consent)
    {
        if (level == ConsentLevel.None) yield break;
        if (string.IsNullOrWhiteSpace(consent?.Text)) yield return Missing("text");
        if (consent?.At is null) yield return Missing("at");
        if (string.IsNullOrWhiteSpace(consent?.Page)) yield return Missing("page");
        if (string.IsNullOrWhiteSpace(consent?.Ip)) yield return Missing("ip");

        static InputError Missing(string member) => new("/consent/" + member, "consent_missing", "The proof of consent lacks it.");
    }

    public static bool Suppressed(VerticalModel vertical, FieldValue[] values)
    {
        if (vertical.Suppressed.Count == 0) return false;
        foreach (var field in vertical.Fields.All)
            if (field.Type is FieldType.Phone or FieldType.Email && values[field.Ordinal].Text is { } text && vertical.Suppressed.Contains(text)) return true;
        return false;
    }

    /// <summary>Who this is, for the vertical's duplicate window. A key that was not given never matches.</summary>
    public static PersonClaim[] Persons(IVault vault, VerticalModel vertical, PingRecord record, FieldValue[] values, long nowMs)
    {
        if (vertical.Duplicate is not { } rule) return [];
        var scope = PersonScopes.Of(vertical.Id, rule, record.Publisher);
        var since = nowMs - (long)rule.Window.TotalMilliseconds;
        if (!rule.MatchAll)
            return [.. rule.Keys.Where(key => values[key.Ordinal].IsGiven).Select(key => new PersonClaim(scope, HashOf(vault, key, values[key.Ordinal].Text!), since))];
        if (rule.Keys.Any(key => !values[key.Ordinal].IsGiven)) return [];
        return [new PersonClaim(scope, PersonHash.Together(rule.Keys.Select(key => HashOf(vault, key, values[key.Ordinal].Text!))), since)];
    }

    /// <summary>By what a person is known again: a name is one however it is written. Phone numbers and addresses, which may be pinged as hashes, have one writing.</summary>
    private static byte[] HashOf(IVault vault, FieldSchema field, string text) => vault.PersonHash(field.Name, field.HasCase ? FieldFormat.Folded(text) : text);

    /// <summary>Text, time, page and IP.</summary>
    public static bool IsProof(ConsentInput? consent) =>
        !string.IsNullOrWhiteSpace(consent?.Text) && consent.At is not null && !string.IsNullOrWhiteSpace(consent.Page) && !string.IsNullOrWhiteSpace(consent.Ip);

    /// <summary>
    /// A person field whose hash was pinged must be posted with the value that has this hash. Where the vertical ignores changes the posted
    /// value counts (nobody knows the pinged one) and the answer names it.
    /// </summary>
    public static IEnumerable<InputError> Hashes(IVault vault, VerticalModel vertical, PingRecord record, FieldValue[] values, IntakeModel? words = null)
    {
        foreach (var (ordinal, hmac) in record.Persons)
        {
            if (ordinal >= values.Length || values[ordinal] is not { IsGiven: true, Text: { } text }) continue;
            var field = vertical.Fields.All[ordinal];
            if (!HashOf(vault, field, text).AsSpan().SequenceEqual(hmac))
                yield return new(FieldsReader.Pointer(words?.NameOf(field.Name) ?? field.Name), FieldErrors.PingMismatch, "The hash that was pinged is of another value.");
        }
    }

    /// <summary>HMACs of the given fields by which any campaign of the catalog watches for a person it has already.</summary>
    public static IReadOnlyDictionary<string, byte[]> PersonHashes(IVault vault, CatalogModel current, VerticalModel vertical, FieldValue[] values)
    {
        var hashes = new Dictionary<string, byte[]>(StringComparer.Ordinal);
        foreach (var name in current.WatchedFields)
            if (vertical.Fields.Find(name) is { } field && field.Ordinal < values.Length && values[field.Ordinal] is { IsGiven: true, Text: { } text })
                hashes[name] = HashOf(vault, field, text);
        return hashes;
    }

    /// <summary>The stored texts as values of the vertical they were read by.</summary>
    public static FieldValue[] ValuesOf(VerticalModel vertical, LeadPayload payload, FieldParsers parsers, int today)
    {
        var values = new FieldValue[vertical.Fields.Count];
        foreach (var field in vertical.Fields.All)
        {
            if (!payload.Fields.TryGetValue(field.Name, out var text)) continue;
            var reading = FieldReader.Read(field, new RawField(field.Name, RawKind.String, text), parsers, today);
            // Bounds relative to today may have moved since; the text itself is normalized and stands.
            values[field.Ordinal] = reading.Ok ? reading.Value : FieldFormat.Restore(field, text);
        }
        return values;
    }
}
