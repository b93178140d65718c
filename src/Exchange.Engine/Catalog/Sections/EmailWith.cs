using Exchange.Engine.Catalog.Reading;
using Exchange.Engine.Connectors;
using Exchange.Engine.Filters;

namespace Exchange.Engine.Catalog.Sections;

/// <summary><c>with</c> of an email endpoint: to whom, and the texts.</summary>
internal static class EmailWith
{
    private const int Recipients = 10;
    private static readonly MapKeys Keys = new(["to", "subject", "body"]);

    public static EndpointModel Read(EndpointModel endpoint, ConfigNode node, bool whole, CatalogDraft draft)
    {
        if (MapReader.Open(node, Keys, draft.Errors) is not { } map) return endpoint;
        var toNode = whole ? map.Required("to", "the address that gets the leads", draft.Errors) : map["to"];
        var to = toNode is null ? endpoint.Email?.To : To(toNode, draft);
        var (subject, subjectFields) = map["subject"] is { } subjectNode ? Subject(subjectNode, draft) : (endpoint.Email?.Subject, endpoint.Email?.SubjectFields ?? []);
        var (body, bodyFields) = map["body"] is { } bodyNode ? Template(bodyNode, draft) : (endpoint.Email?.Body, endpoint.Email?.BodyFields ?? []);
        if (whole && draft.Options.HasMailServer == false)
            draft.Errors.Warn(node.Path, ConfigCodes.NoMailServer, "No mail server is set, so nothing is sent here until the operator sets Exchange__Smtp__Host.");
        return to is null ? endpoint : endpoint with { Email = new() { To = to, Subject = subject, SubjectFields = subjectFields, Body = body, BodyFields = bodyFields } };
    }

    /// <summary>Addresses are the buyer's: what a consumer or a publisher typed never says where a mail goes.</summary>
    private static Template? To(ConfigNode node, CatalogDraft draft)
    {
        var (template, _) = Template(node, draft);
        if (template is null) return null;
        if (template.Reads.FirstOrDefault(read => !read.StartsWith("sale.", StringComparison.Ordinal) && read != "test") is { } read)
            draft.Errors.Add(node.Path, ConditionErrors.FieldNotHere, $"The recipient cannot depend on `{read}`: mails go to the buyer's own addresses. Use two endpoints with `when`.");
        else if (template.Reads.Count == 0)
        {
            var addresses = template.Text.Split(',', StringSplitOptions.TrimEntries);
            if (addresses.Length > Recipients) draft.Errors.Add(node.Path, ConfigCodes.OutOfRange, $"A mail goes to at most {Recipients} addresses.");
            else if (!Array.TrueForAll(addresses, IsAddress)) draft.Errors.Add(node.Path, ConfigCodes.InvalidFormat, "This is an e-mail address, as leads@example.com, or several with commas between.");
        }
        return template;
    }

    /// <summary>Enough to find a slip of the pen; the server that takes the mail knows best.</summary>
    private static bool IsAddress(string text)
    {
        var at = text.LastIndexOf('@');
        return text.Length <= 254 && at is > 0 and <= 64 && at < text.Length - 1 && text.All(static c => c is > ' ' and < '\x7f' and not ('<' or '>' or ',' or ';' or '"'));
    }

    private static (Template?, IReadOnlyList<FieldRead>) Subject(ConfigNode node, CatalogDraft draft)
    {
        var (template, fields) = Template(node, draft);
        if (template?.Reads.FirstOrDefault(static read => read.StartsWith("consent.", StringComparison.Ordinal)) is { } read)
            draft.Errors.Add(node.Path, ConditionErrors.FieldNotHere, $"A subject is read by everybody on its way, so it cannot read `{read}`; put it into the `body`.");
        return (template, fields);
    }

    private static (Template? Template, IReadOnlyList<FieldRead> Fields) Template(ConfigNode node, CatalogDraft draft)
    {
        var templates = new RequestTemplates(RequestPhase.Post, new(draft, draft.Errors, new Dictionary<string, ValueMap>(), [], null));
        return ValueReader.Text(node, draft.Errors) is null ? (null, []) : (templates.Read(node), templates.Fields);
    }
}
