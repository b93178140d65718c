namespace Exchange.Storage;

/// <summary>Persons who were erased and are never taken again, by their HMACs.</summary>
public interface ISuppressions
{
    /// <summary>What this process knows without asking; for pings, which wait for no database.</summary>
    bool Knows(ReadOnlySpan<byte> hmac);

    /// <summary>Whether any of these is suppressed, by the rows as they are committed now.</summary>
    ValueTask<bool> AnyAsync(IReadOnlyList<byte[]> hmacs, CancellationToken cancel);
}
