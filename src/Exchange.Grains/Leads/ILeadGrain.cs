using Exchange.Grains.Intake;
using Orleans;

namespace Exchange.Grains.Leads;

/// <summary>
/// One lead from its post on; the key is the ping's id. A queue and a cache: every outcome is in the journal's rows, and the rows are the fence
/// when two activations meet.
/// </summary>
[Alias("exchange.lead.v1")]
public interface ILeadGrain : IGrainWithGuidKey
{
    /// <summary>Sells the lead, or gives the recorded answer. The limit lies above every post deadline.</summary>
    [Alias("post"), ResponseTimeout("00:02:30")]
    ValueTask<PostReply> Post(PostCommand command);

    /// <summary>The pump holds a new lease on a copy whose buyer has still to answer: asks it again, with the same copy id.</summary>
    [Alias("resume"), ResponseTimeout("00:02:30")]
    ValueTask Resume(ResumeCommand command);

    /// <summary>It waited before a tree was asked, and that may be over. Done when what it comes to is durable, or this claim's fence is passed.</summary>
    [Alias("wait-over"), ResponseTimeout("00:01:00")]
    ValueTask WaitOver(long fence);

    /// <summary>Nobody will answer the held copies of this test any more. Done when their end is durable.</summary>
    [Alias("test-over"), ResponseTimeout("00:01:00")]
    ValueTask TestOver();

    /// <summary>Forgets whose lead it was.</summary>
    [Alias("erase"), ResponseTimeout("00:01:00")]
    ValueTask Erase(EraseCommand command);

    /// <summary>Fields were added to its rows: what it remembers of them is old.</summary>
    [Alias("fields-added")]
    ValueTask FieldsAdded();

    /// <summary>The operator says what became of a copy in doubt.</summary>
    [Alias("resolve"), ResponseTimeout("00:01:00")]
    ValueTask<ResolveReply> Resolve(ResolveCommand command);
}

/// <param name="Who">For the audit trail.</param>
[GenerateSerializer, Immutable, Alias("exchange.erase.v1")]
public sealed record EraseCommand([property: Id(0)] string Who);

/// <param name="Who">For the audit trail.</param>
[GenerateSerializer, Immutable, Alias("exchange.resolve.v1")]
public sealed record ResolveCommand([property: Id(0)] int CopyNo, [property: Id(1)] bool Accepted, [property: Id(2)] string Who);

public enum ResolveReply : byte
{
    Done,
    /// <summary>The copy ended the same way before.</summary>
    AlreadySo,
    /// <summary>It is held, or ended another way.</summary>
    NotInDoubt,
    /// <summary>There is no such copy.</summary>
    Unknown,
    /// <summary>Its buyer is being asked at this moment, so it is not said yet that it has nothing: come again when that call is over.</summary>
    CallUnderWay,
    /// <summary>In doubt still: others changed its lead each time. After a no its buyer is not asked again by itself.</summary>
    Moved,
}

/// <summary>
/// A lease the pump took on one delivery. Attempt 1: it has waited, and nobody was called before. Only a result with this fence is recorded; the call ends at the deadline, before the lease does.
/// </summary>
[GenerateSerializer, Immutable, Alias("exchange.resume.v1")]
public sealed record ResumeCommand(
    [property: Id(0)] int CopyNo, [property: Id(1)] string Endpoint, [property: Id(2)] long Fence, [property: Id(3)] int Attempts,
    [property: Id(4)] long CreatedAtMs, [property: Id(5)] string? LastError, [property: Id(6)] long DeadlineMs)
{
    /// <summary>Its wait ended without what it waited for, or there is nothing to send any more: its buyer is not called, the hold ends.</summary>
    [Id(7)] public bool Drop { get; init; }

    /// <summary>
    /// As it is said once more after the silo that had it has gone: it may have called, and recorded nothing. What drops it calls nobody, so nothing is in doubt.
    /// </summary>
    public ResumeCommand Again() => Drop ? this : this with { Attempts = Math.Max(Attempts, 2), LastError = null };
}
