using Exchange.Engine.Catalog.Reading;
using Exchange.Engine.Connectors;
using Exchange.Engine.Filters;
using Exchange.Engine.Postbacks;

namespace Exchange.Engine.Catalog.Sections;

/// <summary><c>postback</c> of a publisher: where it is called, and on what.</summary>
internal static class PostbackSection
{
    private static readonly MapKeys Keys = new(["url", "events", "secret"]);
    private static readonly (string, PostbackEvent)[] Words = [.. PostbackEvents.All.Select(happened => (happened.Wire(), happened))];
    private static readonly string[] Names = ["lead_id", "status", "payout", "change", "currency", "reason", "sub_id", "postback_id", PostbackModel.Test];

    public static PostbackModel? Read(ConfigNode node, CatalogDraft draft)
    {
        var errors = draft.Errors;
        if (MapReader.Open(node, Keys, errors) is not { } map) return null;
        var url = map.Required("url", "where it is called, as \"https://example.com/pb?cid={{ tags.click_id }}&p={{ payout }}\"", errors) is { } urlNode ? Url(urlNode, draft) : null;
        var events = map["events"] is { } eventsNode ? Events(eventsNode, errors) : PostbackEvents.All;
        var secret = map["secret"] is { } secretNode ? WithReader.SecretName(secretNode, draft) : null;
        return url is null ? null : new(url, events, secret);
    }

    private static List<PostbackEvent> Events(ConfigNode node, ConfigErrors errors)
    {
        var events = new List<PostbackEvent>();
        foreach (var text in ValueReader.Texts(node, errors))
        {
            if (ValueReader.Word(text, Words, errors) is not { } happened) continue;
            if (events.Contains(happened)) errors.Add(text.Path, ConfigCodes.Repeated, "This event is in the list already.");
            else events.Add(happened);
        }
        return events;
    }

    private static Template? Url(ConfigNode node, CatalogDraft draft)
    {
        var errors = draft.Errors;
        if (ValueReader.Text(node, errors) is not { } text) return null;
        if (text.Length > Limits.TemplateChars)
        {
            errors.Add(node.Path, ConfigCodes.OutOfRange, $"A template may have at most {Limits.TemplateChars} characters.");
            return null;
        }
        var (template, error) = draft.Options.ParseTemplate(text);
        if (template is null)
        {
            errors.Add(node.Path, ConfigCodes.InvalidTemplate, error ?? "This is not a template that can be read.");
            return null;
        }
        foreach (var read in template.Reads) Check(read, node.Path, errors);
        if (template.Maps.Count > 0) errors.Add(node.Path, ConfigCodes.UnknownMap, "Maps belong to connectors; a postback has none.");
        // A publisher chooses what its tags say, never whom we call.
        var end = text.IndexOf("://", StringComparison.Ordinal) is >= 0 and var scheme ? text.AsSpan(scheme + 3).IndexOfAny("/?#{") is >= 0 and var host ? scheme + 3 + host : text.Length : 0;
        if (end < text.Length && text[end] == '{' || !Uri.TryCreate(text[..end], UriKind.Absolute, out var address) || address.Scheme is not ("https" or "http") || address.Host.Length == 0)
            errors.Add(node.Path, ConfigCodes.InvalidUrl, "An address is absolute, starts with https:// and names its host in full; values are filled in after that.");
        else if (address.UserInfo.Length > 0)
            errors.Add(node.Path, ConfigCodes.SecretInFile, "No user or password in an address.");
        else if (draft.Refusal(address) is { } refusal) errors.Add(node.Path, ConfigCodes.InvalidUrl, refusal);
        return template;
    }

    private static void Check(string read, string path, ConfigErrors errors)
    {
        var dot = read.IndexOf('.', StringComparison.Ordinal);
        var root = dot < 0 ? read : read[..dot];
        if (root == "tags")
        {
            if (dot < 0) errors.Add(path, ConfigCodes.UnknownName, "`tags` is not a value; name one of them, as `tags.click_id`.");
        }
        else if (root is "lead" or "consent")
            errors.Add(path, ConditionErrors.FieldNotHere, $"A postback tells nothing of the person: it cannot read `{read}`. Take it out of here.");
        else if (!Names.Contains(root))
            errors.Add(path, ConfigCodes.UnknownName, Nearest.Fix($"A postback cannot read `{root}`", root, [.. Names, "tags"], errors));
        else if (dot >= 0)
            errors.Add(path, ConfigCodes.UnknownName, $"`{root}` is one value; write it alone.");
    }
}
