using System.Security.Cryptography;
using System.Text.Json;
using Exchange.Engine.Caps;
using Exchange.Engine.Catalog;
using Exchange.Engine.Fields;
using Exchange.Engine.Filters;
using Exchange.Engine.Values;
using Exchange.Grains.Leads;
using Exchange.Storage;

namespace Exchange.Grains.Catalog;

/// <summary>Reads stored copies as the new catalog's caps would have read them when they were held.</summary>
public sealed class CopyFacts(CatalogModel model, IVault vault, FieldParsers parsers) : ICopyFacts
{
    private (LeadId Lead, long AtMs, Subject? Subject) last;

    public bool Counts(LimitModel limit, StoredCopy copy, out string? value)
    {
        if (last.Lead != copy.Lead || last.AtMs != copy.AtMs) last = (copy.Lead, copy.AtMs, SubjectOf(copy));
        // A lead that cannot be read any more (its vertical is gone, its payload erased) still took a place.
        if (last.Subject is not { } subject)
        {
            value = limit.Each is null ? null : "";
            return true;
        }
        subject.Sharing = copy.Exclusive ? Sharing.Exclusive : Sharing.Shared;
        subject.Buyer = copy.Buyer;
        subject.Campaign = copy.Campaign;
        subject.Price = copy.Price;
        value = limit.ValueOf(subject);
        return limit.Counts(subject);
    }

    private Subject? SubjectOf(StoredCopy copy)
    {
        if (copy.Sealed.Length == 0 || !model.Verticals.TryGetValue(copy.Vertical, out var vertical)) return null;
        var now = DateTimeOffset.FromUnixTimeMilliseconds(copy.AtMs);
        try
        {
            var payload = LeadPayload.Read(vault.Open(copy.Lead, copy.Sealed));
            return new Subject
            {
                Vertical = copy.Vertical, Publisher = copy.Publisher, SubId = copy.SubId, Channel = copy.Channel, Now = now,
                Values = PostRules.ValuesOf(vertical, payload, parsers, PostRules.Today(now, model.Zone)),
            };
        }
        catch (Exception unreadable) when (unreadable is CryptographicException or JsonException or KeyNotFoundException)
        {
            return null;
        }
    }
}
