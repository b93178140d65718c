using Exchange.Engine.Caps;
using Exchange.Engine.Values;

namespace Exchange.Storage;

/// <summary>What is stored of a copy that was sold or is held, for a cap that is new in mid-period.</summary>
/// <param name="AtMs">When it was held.</param>
/// <param name="Sealed">The lead's payload, sealed.</param>
public sealed record StoredCopy(
    LeadId Lead, int No, string Publisher, string Vertical, string? SubId, string? Channel, string Campaign, string Buyer, bool Exclusive,
    Money Price, Money Payout, long AtMs, long CatalogVersion, byte[] Sealed);

/// <summary>Tells for caps with a condition (<c>when</c>) or a count for each value (<c>each</c>) which stored copies count.</summary>
public interface ICopyFacts
{
    /// <summary>
    /// False: it does not count. <paramref name="value"/>: whose count; null where the cap has one. Called by one thread at a time with copies of
    /// one lead after each other; the same copy gives the same answer always. What cannot be read any more counts, without a value.
    /// </summary>
    bool Counts(LimitModel limit, StoredCopy copy, out string? value);
}
