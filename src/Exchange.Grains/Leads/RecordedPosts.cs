using Exchange.Engine;
using Exchange.Engine.Ledger;
using Exchange.Engine.Values;
using Exchange.Grains.Intake;
using Exchange.Storage;

namespace Exchange.Grains.Leads;

/// <summary>What a post is told of a lead that was posted before: the rows' word, whoever wrote them.</summary>
internal sealed class RecordedPosts(LeadServices services, LeadId id)
{
    /// <summary>The recorded answer, or that another body or key has posted this ping. Null: it was not posted, or not by this publisher.</summary>
    public async Task<PostReply?> FindAsync(PostCommand command)
    {
        var found = await services.Store.Leads.FindAsync(id, CancellationToken.None);
        if (found is not { IsPosted: true } || found.Publisher != command.Publisher) return null;
        var answer = await services.Answers.OfRowAsync(found, CancellationToken.None);
        if (!found.PostHash.AsSpan().SequenceEqual(command.BodyHash) || await IsUnderAnotherKeyAsync(command)) return AlreadyPosted(answer.ToJson());
        return Replay(found, answer);
    }

    /// <summary>The journal knew this lead or key otherwise.</summary>
    public async Task<PostReply> OfConflictAsync(PostCommand command, Verdict conflict)
    {
        if (conflict.Code == VerdictCode.KeyReused)
            return PostReply.Refused(Problem.Of(422, "idempotency_key_reused", "The idempotency key came before with another body."));
        var existing = conflict.Existing?.Lead ?? id;
        var found = await services.Store.Leads.FindAsync(existing, CancellationToken.None);
        Invariant.Require(found is not null);
        var answer = await services.Answers.OfRowAsync(found, CancellationToken.None);
        if (conflict.Code == VerdictCode.AlreadyPosted || existing == id && await IsUnderAnotherKeyAsync(command)) return AlreadyPosted(answer.ToJson());
        return Replay(found, answer);
    }

    /// <summary>Byte for byte as it was answered, once nothing of it is open.</summary>
    private static PostReply Replay(LeadRow found, LeadAnswer answer) =>
        new(answer.HttpStatus, found.Answer is { } recorded && answer.HttpStatus == 200 ? recorded : answer.ToJson(), null, true);

    /// <summary>Of an unknown ping and of another publisher's alike.</summary>
    public static PostReply NoSuchPing => PostReply.Refused(Problem.Of(404, "ping_not_found", "There is no such ping."));

    public static PostReply AlreadyPosted(byte[]? answer) =>
        PostReply.Refused(Problem.Of(409, "already_posted", "This ping was posted before with another body or key.") with { Lead = answer });

    /// <summary>"Another body or key": the same body under a key that did not make this lead.</summary>
    private async Task<bool> IsUnderAnotherKeyAsync(PostCommand command) =>
        command.IdempotencyKey is { } key
        && (await services.Store.Leads.FindRequestAsync(command.Publisher, key, CancellationToken.None))?.Lead != id;
}
