using System.Security.Cryptography;
using Exchange.Engine.Caps;
using Exchange.Engine.Catalog;

namespace Exchange.Engine.PingTrees;

/// <summary>
/// What state, not config, decided, with the numbers used: kept because it cannot be recomputed later.
/// </summary>
/// <param name="Of">The campaign; null: the publisher's or the whole tree's limit.</param>
/// <param name="At">The limit that refused; null where no limit did (the person is known).</param>
/// <param name="Value">Of a limit with a count for each value: which.</param>
/// <param name="UntilMs">Pacing: when the next turn comes, Unix milliseconds; else 0.</param>
public readonly record struct StateNote(
    CampaignModel? Of, Reason Reason, LimitModel? At, long Limit, long Used, long Held, long Needed, string? Value = null, long UntilMs = 0)
{
    public string Campaign => Of?.Id ?? "";
    public string LimitId => At?.Id ?? "";
}

/// <summary>What a campaign had sold through an even or percent tier within the look-back, when the order was made.</summary>
public readonly record struct ShareNote(int Tier, CampaignModel Of, long Sold);

/// <summary>The HMAC of a person field (32 bytes), by the field's ordinal: all that is kept of a pinged hash.</summary>
public sealed record PersonHash(int Field, byte[] Hmac)
{
    /// <summary>
    /// One hash of several fields, for a vertical whose duplicate rule wants all of them alike. Made of their HMACs, so that a ping that brought
    /// hashes gets the same as a post that brought the values.
    /// </summary>
    /// <param name="hmacs">In the order of the rule's keys.</param>
    public static byte[] Together(IEnumerable<byte[]> hmacs)
    {
        var together = new byte[Length];
        Together([.. hmacs.SelectMany(hmac => hmac)], together);
        return together;
    }

    /// <summary>The same of HMACs one after the other.</summary>
    internal static void Together(ReadOnlySpan<byte> hmacs, Span<byte> together) => SHA256.HashData(hmacs, together);

    /// <summary>Bytes of an HMAC.</summary>
    public const int Length = 32;
}
