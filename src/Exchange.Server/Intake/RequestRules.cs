using System.Globalization;
using Exchange.Engine;
using Exchange.Engine.Fields;
using Exchange.Engine.Values;

namespace Exchange.Server.Intake;

/// <summary>
/// What holds for members other than the fields' own values, over every wire: presence, bounds, words. Adds to the request's errors;
/// sorts its fields and tags by name, which also brings doubles together.
/// </summary>
public static class RequestRules
{
    private const int NameChars = 200;
    private const int SellersPerList = 1_000;
    private const int OfferIdChars = 40;
    private const int IpChars = 45;

    public static void Check(IntakeRequest request)
    {
        CheckFields(request);
        switch (request.Kind)
        {
            case RequestKind.AddFields:
                return;
            case RequestKind.Post:
                if (request.PingId is null) Missing(request, "/ping_id");
                break;
            default:
                CheckPing(request);
                break;
        }
        if (request.MinPayout < Money.Zero) request.AddError("/min_payout", "out_of_range", "An amount must not be negative.");
        if (request.DeadlineMs is < 0 or > Limits.DeadlineMs)
            request.AddError("/deadline_ms", "out_of_range", string.Create(CultureInfo.InvariantCulture, $"A deadline is 1 to {Limits.DeadlineMs} ms."));
        CheckOfferIds(request);
        if (request.Consent is { } consent) CheckConsent(request, consent);
    }

    private static void CheckPing(IntakeRequest request)
    {
        if (request.Vertical is null) Missing(request, "/vertical");
        if (!request.FieldsGiven) Missing(request, "/fields");
        CheckText(request, "/vertical", request.Vertical, NameChars);
        CheckText(request, "/sub_id", request.SubId, Limits.SubIdChars);
        CheckText(request, "/channel", request.Channel, Limits.ChannelChars);
        if (request.MaxCopies is < 0 or > Limits.CopiesPerLead)
            request.AddError("/max_copies", "out_of_range", string.Create(CultureInfo.InvariantCulture, $"1 to {Limits.CopiesPerLead} copies may be sold."));
        if (request.SoldElsewhereCopies < 0) request.AddError("/sold_elsewhere/copies", "out_of_range", "A number of copies must not be negative.");
        CheckNames(request, "/sold_elsewhere/sellers", request.SoldElsewhereSellers);
        CheckTags(request);
        if (request.TestResult is not (null or "sold" or "unsold" or "no_offer" or "pending" or "in_doubt"))
            request.AddError("/test_result", "invalid_field", "One of sold, unsold, no_offer, pending, in_doubt is needed.");
    }

    private static void CheckFields(IntakeRequest request)
    {
        var fields = request.Fields;
        if (request.Kind == RequestKind.AddFields && fields.Count == 0) Missing(request, "/fields");
        if (fields.Count > Limits.FieldsPerRequest)
            request.AddError("/fields", "out_of_range", string.Create(CultureInfo.InvariantCulture, $"At most {Limits.FieldsPerRequest} fields may be given."));
        fields.Sort(static (a, b) => string.CompareOrdinal(a.Name, b.Name));
        for (var i = 1; i < fields.Count; i++)
        {
            // Three of a kind are one error, not two.
            if (fields[i].Name == fields[i - 1].Name && (i == 1 || fields[i].Name != fields[i - 2].Name))
                request.AddError(Pointers.To("/fields", fields[i].Name), "duplicate_property", "A field may be given only once.");
        }
    }

    private static void CheckTags(IntakeRequest request)
    {
        var tags = request.Tags;
        if (tags.Count == 0) return;
        if (tags.Count > Limits.TagsPerPing)
            request.AddError("/tags", "out_of_range", string.Create(CultureInfo.InvariantCulture, $"At most {Limits.TagsPerPing} tags may be given."));
        tags.Sort(static (a, b) => string.CompareOrdinal(a.Key, b.Key));
        for (var i = 0; i < tags.Count; i++)
        {
            var (name, value) = tags[i];
            var pointer = Pointers.To("/tags", name);
            if (i > 0 && name == tags[i - 1].Key) request.AddError(pointer, "duplicate_property", "A tag may be given only once.");
            if (name.Length is 0 or > Limits.TagChars || HasControl(name)) request.AddError("/tags", "invalid_field", "A tag needs a name of at most 200 printable characters.");
            CheckText(request, pointer, value, Limits.TagChars);
        }
    }

    private static void CheckOfferIds(IntakeRequest request)
    {
        if (request.OfferIds is not { } ids) return;
        if (ids.Length is 0 or > Limits.OffersPerAnswer)
        {
            request.AddError("/offer_ids", "out_of_range", string.Create(CultureInfo.InvariantCulture, $"Name 1 to {Limits.OffersPerAnswer} offers, or leave the member out to take the best."));
            // Nothing is compared with each of so many.
            request.OfferIds = [];
            return;
        }
        for (var i = 0; i < ids.Length; i++)
        {
            var pointer = string.Create(CultureInfo.InvariantCulture, $"/offer_ids/{i}");
            if (ids[i].Length is 0 or > OfferIdChars) request.AddError(pointer, "invalid_field", "An offer's id from the ping's answer is needed.");
            else if (ids.AsSpan(0, i).Contains(ids[i])) request.AddError(pointer, "invalid_field", "An offer may be named only once.");
        }
    }

    private static void CheckConsent(IntakeRequest request, ConsentContent consent)
    {
        // A consent's text is a document: it may have lines.
        if (consent.Text?.Length > Limits.ConsentTextChars) TooLong(request, "/consent/text", Limits.ConsentTextChars);
        CheckText(request, "/consent/page", consent.Page, Limits.TextChars);
        CheckText(request, "/consent/ip", consent.Ip, IpChars);
        CheckText(request, "/consent/user_agent", consent.UserAgent, Limits.TextChars);
        CheckNames(request, "/consent/sellers", consent.Sellers);
    }

    private static void CheckNames(IntakeRequest request, string pointer, string[] names)
    {
        if (names.Length > SellersPerList)
            request.AddError(pointer, "out_of_range", string.Create(CultureInfo.InvariantCulture, $"At most {SellersPerList} names may be given."));
        for (var i = 0; i < Math.Min(names.Length, SellersPerList); i++)
        {
            if (names[i].Length is 0 or > NameChars || HasControl(names[i]))
                request.AddError(string.Create(CultureInfo.InvariantCulture, $"{pointer}/{i}"), "invalid_field", "A name of at most 200 printable characters is needed.");
        }
    }

    private static void CheckText(IntakeRequest request, string pointer, string? text, int longest)
    {
        if (text is null) return;
        if (text.Length > longest) TooLong(request, pointer, longest);
        else if (HasControl(text)) request.AddError(pointer, "invalid_format", "Control characters are not allowed.");
    }

    private static bool HasControl(string text)
    {
        foreach (var c in text) if (char.IsControl(c)) return true;
        return false;
    }

    private static void Missing(IntakeRequest request, string pointer) => request.AddError(pointer, "missing_field", "This member is required.");

    private static void TooLong(IntakeRequest request, string pointer, int longest) =>
        request.AddError(pointer, "out_of_range", string.Create(CultureInfo.InvariantCulture, $"At most {longest} characters are allowed."));
}
