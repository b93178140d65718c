using System.Buffers.Binary;
using Exchange.Engine.Ledger;

namespace Exchange.Storage.Postgres.Journal;

/// <summary>
/// What two items may not touch at the same time: a lead, a request key or a person. Two different ones may, very rarely, have the same key: then one
/// item waits for nothing.
/// </summary>
internal readonly record struct WorkKey(ulong A, ulong B)
{
    public static WorkKey[] Of(JournalItem item)
    {
        var keys = new List<WorkKey>(4) { new(item.Lead.High, item.Lead.Low) };
        foreach (var request in item.Requests) keys.Add(new(Hash(request.Publisher), Hash(request.Key)));
        foreach (var claim in ClaimsOf(item))
        {
            var key = Of(claim);
            if (!keys.Contains(key)) keys.Add(key);
        }
        return [.. keys];
    }

    /// <summary>Every person that an item may claim, in the order in which it would.</summary>
    public static IEnumerable<PersonClaim> ClaimsOf(JournalItem item) => WithHolder(item).Select(pair => pair.Claim);

    /// <summary>The same, with the number of the copy that claims; 0 for the lead.</summary>
    public static IEnumerable<(int No, PersonClaim Claim)> WithHolder(JournalItem item)
    {
        foreach (var claim in item.Persons) yield return (0, claim);
        foreach (var end in item.Ends) foreach (var claim in end.Persons) yield return (end.No, claim);
        foreach (var start in item.Starts) foreach (var claim in start.Persons) yield return (start.No, claim);
    }

    private static WorkKey Of(PersonClaim claim)
    {
        Span<byte> bytes = stackalloc byte[16];
        claim.Hmac.AsSpan(0, Math.Min(16, claim.Hmac.Length)).CopyTo(bytes);
        return new(BinaryPrimitives.ReadUInt64BigEndian(bytes) ^ Hash(claim.Scope), BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]));
    }

    private static ulong Hash(string text) => unchecked((uint)string.GetHashCode(text, StringComparison.Ordinal));
}
