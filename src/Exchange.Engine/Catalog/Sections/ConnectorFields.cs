using Exchange.Engine.Catalog.Reading;
using Exchange.Engine.Connectors;
using Exchange.Engine.Fields;
using Exchange.Engine.Filters;

namespace Exchange.Engine.Catalog.Sections;

/// <summary>
/// Whether the fields that a connector's templates read are there: a connector knows no vertical, so it is asked for each vertical whose campaigns
/// send through it. A live bid may be asked with what a ping may carry, never with contact data or the hash of it.
/// </summary>
internal static class ConnectorFields
{
    public static void Check(CatalogDraft draft)
    {
        var done = new HashSet<(ConnectorModel, string, bool)>();
        var mails = new HashSet<(EmailModel, string)>();
        foreach (var (id, campaign) in draft.Campaigns)
        {
            foreach (var mail in campaign.Model.Delivery.To.SelectMany(to => (EndpointModel?[])[to.Endpoint, to.Endpoint.Test]).Select(endpoint => endpoint?.Email).OfType<EmailModel>())
                if (mails.Add((mail, campaign.Model.Vertical))) Check(draft, id, campaign.Model.Vertical, mail);
            foreach (var endpoint in campaign.Model.Delivery.To.Select(to => to.Endpoint))
                if (endpoint.Shape is { } shape && done.Add((shape, campaign.Model.Vertical, false))) Check(draft, id, campaign.Model.Vertical, shape.Post, shape.Check);
            if (LiveShape(campaign) is { } live && done.Add((live, campaign.Model.Vertical, true))) Check(draft, id, campaign.Model.Vertical, live.Ping, live.Lost);
        }
    }

    private static ConnectorModel? LiveShape(CampaignDraft campaign) => ConfigPatch.Find(campaign.Node, "bid", "live") is ConfigText { Text: var name }
        ? campaign.Model.Buyer.Endpoints.GetValueOrDefault(name)?.Shape : null;

    private static void Check(CatalogDraft draft, string campaign, string verticalId, params ReadOnlySpan<RequestModel?> requests)
    {
        if (draft.Verticals.Peek(verticalId) is not { } vertical) return;
        var errors = new ConfigErrors();
        foreach (var request in requests)
            foreach (var read in request?.Fields ?? [])
                if (Wrong(read.Field, request!.Phase, vertical, errors) is var (code, message) && code is not null)
                    errors.Add(read.Path, code, $"Campaign {campaign} uses this for {verticalId}: {message}");
        foreach (var error in errors.Errors.Distinct()) draft.Errors.Add(error.Pointer, error.Code, error.Message);
    }

    private static void Check(CatalogDraft draft, string campaign, string verticalId, EmailModel mail)
    {
        if (draft.Verticals.Peek(verticalId) is not { } vertical) return;
        foreach (var read in mail.BodyFields.Concat(mail.SubjectFields).Distinct())
        {
            var (code, message) = Wrong(read.Field, RequestPhase.Post, vertical, draft.Errors);
            // Whatever a ping may not tell a bidder is not told to every mail server on the way either.
            if (code is null && mail.SubjectFields.Contains(read) && vertical.Fields.Find(read.Field) is { } field && (field.Ping == FieldUse.None || field.IsPerson || field.Sensitive))
                (code, message) = (ConditionErrors.FieldNotHere, $"a mail's subject cannot read `{read.Field}`, which no ping may carry; put it into the `body`.");
            if (code is not null) draft.Errors.Add(read.Path, code, $"Campaign {campaign} uses this for {verticalId}: {message}");
        }
    }

    private static (string? Code, string Message) Wrong(string name, RequestPhase phase, VerticalDraft vertical, ConfigErrors errors)
    {
        var isPing = phase is RequestPhase.Ping or RequestPhase.Lost;
        if (vertical.Fields.Find(name) is { } field)
            return isPing && (field.Ping == FieldUse.None || field.Pii)
                ? (ConditionErrors.FieldNotHere, $"a ping cannot carry `{name}`; take it out of the {phase.ToString().ToLowerInvariant()}, or give the field `ping`.") : (null, "");
        if (isPing && vertical.Fields.FindHashed(name) is not null) return (ConditionErrors.FieldNotHere, $"a live bid is never told the hash of a person, as `{name}` is.");
        // One that is itself wrong was reported where it is declared.
        if (vertical.DeclaredFields?.Find(name) is not null) return (null, "");
        return (ConfigCodes.UnknownField, Nearest.Fix($"it has no field `{name}`; correct the name or add it to the vertical's `fields`", name, vertical.Fields.All.Select(known => known.Name), errors));
    }
}
