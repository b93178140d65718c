using Exchange.Engine.Values;

namespace Exchange.Grains.Intake;

/// <summary>
/// The one door for publishers: HTTP and gRPC are thin adapters over it. No call throws for what a caller sent; storage away is a 503 problem.
/// The token says that the caller left: it ends waiting, never the post itself.
/// </summary>
public interface ILeadIntake
{
    ValueTask<PingReply> PingAsync(PingCommand command, CancellationToken callerLeft);
    Task<PostReply> PostAsync(PostCommand command, CancellationToken callerLeft);
    Task<PostReply> DirectPostAsync(DirectPostCommand command, CancellationToken callerLeft);

    /// <summary>
    /// What became of the post (or direct post) under this publisher's idempotency key: its answer; 404 not_found: nothing was done under it; 409
    /// idempotency_in_progress: it runs in this silo. Another silo cannot see that one runs, so a 404 is final once the post's own deadline is over.
    /// </summary>
    Task<PostReply> GetRequestAsync(string publisher, string key, CancellationToken callerLeft);

    /// <summary>A publisher's own lead as it stands; 404 not_found for unknown and foreign alike.</summary>
    Task<PostReply> GetLeadAsync(string publisher, LeadId lead, CancellationToken callerLeft);

    /// <summary>Fields not yet given; a given one is 409 field_fixed. Done is 200, whatever the lead still waits for.</summary>
    Task<PostReply> AddFieldsAsync(string publisher, LeadId lead, PostedField[] fields, CancellationToken callerLeft);
}
