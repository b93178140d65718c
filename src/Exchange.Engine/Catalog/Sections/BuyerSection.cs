using Exchange.Engine.Caps;
using Exchange.Engine.Catalog.Reading;
using Exchange.Engine.Values;

namespace Exchange.Engine.Catalog.Sections;

/// <summary><c>buyers</c>: who pays.</summary>
internal static class BuyerSection
{
    private static readonly MapKeys Keys = new(
        ["name", "note", "status", "credit_limit", "company", "seller", "caps", "endpoints", "returns", "office"]);

    private static readonly MapKeys SellerKeys = new(["name", "url", "phone"]);

    /// <summary>A credit so large that no balance reaches it, and small enough that what was paid in can be added.</summary>
    private const long Unlimited = long.MaxValue / 4;

    public static void Read(ConfigNode node, CatalogDraft draft)
    {
        if (MapReader.Map(node, draft.Errors) is not { } buyers) return;
        var read = (string id, ConfigNode entry) => Buyer(id, entry, draft);
        var moved = (BuyerModel known) => Moved(known, draft.Takeover);
        foreach (var (id, entry) in buyers.Entries)
            draft.Takeover.Entry(draft.Buyers, id, entry, read, moved);
    }

    private static BuyerModel Moved(BuyerModel known, Takeover to) => ReferenceEquals(to.Moved(known.Gate), known.Gate)
        ? known : known with { Gate = to.Moved(known.Gate), Caps = to.Moved(known.Caps), Balance = to.Moved(known.Balance) };

    private static void Buyer(string id, ConfigNode node, CatalogDraft draft)
    {
        var errors = draft.Errors;
        ValueReader.IsId(id, node.Path, errors);
        if (MapReader.Open(node, Keys, errors) is not { } map) return;
        var name = draft.NameOf(map, id);
        var status = draft.StatusOf(map);
        var credit = map["credit_limit"] switch
        {
            null => 0,
            ConfigText { Text: "unlimited" } => Unlimited,
            var written => ValueReader.Money(written, errors)?.Micros ?? 0,
        };
        var company = map["company"] is { } companyNode ? ValueReader.Name(companyNode, errors) ?? id : id;
        var seller = map["seller"] is { } sellerNode ? Seller(sellerNode, errors) : null;
        var limits = CapSection.Read(map["caps"], new(CapScope.Buyer, id, status, () => draft.BoughtBy(id)), draft);
        var balance = CapSection.Balance(id, credit, draft);
        draft.Buyers[id] = new()
        {
            Id = id, Name = name, Status = status, Company = company, Seller = seller, Gate = limits.Gate, Caps = limits.Caps, Balance = balance,
            Endpoints = EndpointSection.Read(id, map["endpoints"], draft),
            Returns = map["returns"] is { } returns ? ReturnsSection.Read(returns, CapScope.Buyer, id, errors) : null,
            Office = map["office"] is { } office ? ScheduleReader.Read(office, draft) : null,
        };
    }

    private static SellerModel? Seller(ConfigNode node, ConfigErrors errors)
    {
        if (MapReader.Open(node, SellerKeys, errors) is not { } map) return null;
        var name = map.Required("name", "the name a consumer consents to", errors) is { } nameNode ? ValueReader.Name(nameNode, errors) : null;
        var url = map["url"] is { } urlNode ? ValueReader.Text(urlNode, errors) : null;
        if (url is not null && !(Uri.TryCreate(url, UriKind.Absolute, out var parsed) && parsed.Scheme is "https" or "http"))
            errors.Add(map.At("url"), ConfigCodes.InvalidUrl, "An address is absolute and starts with https://.");
        var phone = map["phone"] is { } phoneNode ? ValueReader.Name(phoneNode, errors) : null;
        return new(name ?? "", url, phone);
    }
}
