using Exchange.Engine.Values;

namespace Exchange.Storage;

/// <summary>What is to be forgotten, and what is kept instead.</summary>
/// <param name="Answer">The recorded answer without what may tell who somebody is; null: the lead has none.</param>
/// <param name="Suppress">HMACs by which the person is known if somebody sends it again.</param>
/// <param name="Who">Who asked for it, for the audit trail.</param>
public sealed record LeadErasure(LeadId Lead, byte[]? Answer, IReadOnlyList<byte[]> Suppress, string Who, long AtMs)
{
    /// <summary>The lead that answer and person were read from; null: nobody asks.</summary>
    public ReadLead? Read { get; init; }
}

/// <param name="Sealed">Its payload; empty where there is no lead, or nothing left of it.</param>
/// <param name="Answer">Its recorded answer.</param>
public sealed record ReadLead(byte[] Sealed, byte[]? Answer)
{
    public bool Is(byte[] sealedNow, byte[]? answerNow) =>
        Sealed.AsSpan().SequenceEqual(sealedNow) && (Answer is null) == (answerNow is null) && Answer.AsSpan().SequenceEqual(answerNow);
}

/// <summary>Forgets persons. Copies, money and counts stay.</summary>
public interface IErasures
{
    /// <summary>
    /// One transaction: the lead's sealed payload, with the data key that is wrapped in it, is overwritten; redirects go; deliveries of sold copies that
    /// wait are cancelled, and what its publisher was still to be told; the person is suppressed; the audit has its line. Then the ping's record goes, and the logs are cut, so that no page on
    /// disk holds what was there. Twice is harmless; a lead that is not there has only its line.
    /// </summary>
    /// <returns>False: the lead is not as it was read any more; nothing was changed.</returns>
    Task<bool> EraseAsync(LeadErasure erasure, CancellationToken cancel);
}
