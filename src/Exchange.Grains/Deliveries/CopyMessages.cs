using Exchange.Delivery;
using Exchange.Engine.Catalog;
using Exchange.Engine.Fields;
using Exchange.Engine.Values;
using Exchange.Grains.Leads;
using Exchange.Grains.Returns;
using Exchange.Storage;

namespace Exchange.Grains.Deliveries;

/// <summary>Makes the one message a buyer gets of a copy, whether it pulls, is called or is called again after a crash.</summary>
public static class CopyMessages
{
    /// <param name="model">Of now: the fields as they are called today.</param>
    /// <param name="bid">What its campaign bid, where that is known still; null: its price.</param>
    /// <param name="terms">What it was sold on (<see cref="SaleTerms.ModelOfAsync"/>).</param>
    public static CopyMessage Create(CatalogModel model, CatalogModel terms, LeadRow lead, CopyRow copy, LeadPayload payload, IVault vault, Money? bid = null)
    {
        var fields = new List<OutField>(payload.Fields.Count);
        model.Verticals.TryGetValue(lead.Vertical, out var vertical);
        // In the vertical's order; a field that left the catalog since is still the buyer's, at the end.
        if (vertical is not null)
        {
            foreach (var schema in vertical.Fields.All)
                if (payload.Fields.TryGetValue(schema.Name, out var text)) fields.Add(new(schema.Name, text, KindOf(schema.Type)));
        }
        foreach (var (name, text) in payload.Fields)
            if (vertical?.Fields.Find(name) is null) fields.Add(new(name, text, OutKind.Text));
        return new CopyMessage
        {
            Copy = copy.Id,
            Campaign = copy.Campaign,
            Vertical = lead.Vertical,
            Price = copy.Price,
            Currency = model.Currency,
            Exclusive = copy.Exclusive,
            // A lead may go on to a tree that sells more copies; an exclusive one is alone wherever it is sold.
            CopiesMax = copy.Exclusive ? 1 : lead.MaxCopies,
            SoldAt = DateTimeOffset.FromUnixTimeMilliseconds(copy.AtMs),
            Source = vault.Alias(copy.Buyer, lead.Publisher, null),
            SubSource = lead.SubId is null ? null : vault.Alias(copy.Buyer, lead.Publisher, lead.SubId),
            ReturnUntil = SaleTerms.ReturnUntil(terms, lead, copy),
            Test = lead.Test,
            Bid = bid ?? copy.Price,
            Carried = payload.CarriedFor(copy.Campaign, copy.Exclusive),
            Fields = fields,
            Consent = payload.Consent is { } consent
                ? new OutConsent(consent.Text, consent.At, consent.Page, consent.Ip, consent.UserAgent, consent.Sellers)
                : null,
        };
    }

    /// <summary>How a field of this type goes out.</summary>
    public static OutKind KindOf(FieldType type) => type switch
    {
        FieldType.Integer or FieldType.Decimal => OutKind.Number,
        FieldType.Boolean => OutKind.Boolean,
        _ => OutKind.Text,
    };
}
