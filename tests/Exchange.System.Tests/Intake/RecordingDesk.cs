using System.Collections.Concurrent;
using Exchange.Engine;
using Exchange.Engine.Ledger;
using Exchange.Engine.Values;
using Exchange.Grains.Intake;

namespace Exchange.System.Tests.Intake;

/// <summary>Stands where the desk stands: keeps what it was asked and answers as it was told, so that the wires can be tested alone.</summary>
internal sealed class RecordingDesk : ILeadIntake
{
    public static readonly LeadId Id = LeadId.Create(1_800_000_000_000, 1, false, 42);

    public ConcurrentQueue<PingCommand> Pings { get; } = new();
    public ConcurrentQueue<PostCommand> Posts { get; } = new();
    public ConcurrentQueue<DirectPostCommand> DirectPosts { get; } = new();
    public ConcurrentQueue<(LeadId Lead, PostedField[] Fields)> Added { get; } = new();

    public Func<PingCommand, PingReply> OnPing { get; set; } = RefuseErrorsElseOffer;
    public Func<PostReply> OnPost { get; set; } = () => Sold();

    public int Asked => Pings.Count + Posts.Count + DirectPosts.Count + Added.Count;

    public static PingReply RefuseErrorsElseOffer(PingCommand command) => command.MemberErrors.Count > 0 ? new(null, Problem.Invalid(command.MemberErrors)) : new(Offered(), null);

    public static PingAnswer Offered() => new()
    {
        PingId = Id, Reason = Reason.None, Payout = new Money(8_800_000), Best = ["1"], Currency = "USD",
        ExpiresAt = new DateTimeOffset(2026, 11, 22, 12, 5, 0, TimeSpan.Zero), Offers = [new("1", new Money(8_800_000), true, null)],
    };

    public static PostReply Sold(CopyState state = CopyState.Captured)
    {
        var answer = new LeadAnswer
        {
            LeadId = Id, State = state == CopyState.Captured ? LeadState.Sold : LeadState.InDoubt, Currency = "USD",
            Payout = new Money(8_800_000), Copies = [new("1", state, new Money(8_800_000), null)],
        };
        return new PostReply(answer.HttpStatus, answer.ToJson(), null);
    }

    public ValueTask<PingReply> PingAsync(PingCommand command, CancellationToken callerLeft)
    {
        Pings.Enqueue(command);
        return ValueTask.FromResult(OnPing(command));
    }

    public Task<PostReply> PostAsync(PostCommand command, CancellationToken callerLeft)
    {
        Posts.Enqueue(command);
        return Task.FromResult(command.MemberErrors.Length > 0 ? PostReply.Refused(new Problem(422, "invalid_request", "", command.MemberErrors)) : OnPost());
    }

    public Task<PostReply> DirectPostAsync(DirectPostCommand command, CancellationToken callerLeft)
    {
        DirectPosts.Enqueue(command);
        return Task.FromResult(command.Ping.MemberErrors.Count > 0 ? PostReply.Refused(Problem.Invalid(command.Ping.MemberErrors)) : OnPost());
    }

    public Task<PostReply> GetLeadAsync(string publisher, LeadId lead, CancellationToken callerLeft) =>
        Task.FromResult(lead == Id ? OnPost() : PostReply.Refused(Problem.Of(404, "not_found", "There is no such lead of yours.")));

    public Task<PostReply> GetRequestAsync(string publisher, string key, CancellationToken callerLeft) =>
        Task.FromResult(PostReply.Refused(Problem.Of(404, "not_found", "Nothing was done under this key.")));

    public Task<PostReply> AddFieldsAsync(string publisher, LeadId lead, PostedField[] fields, CancellationToken callerLeft)
    {
        Added.Enqueue((lead, fields));
        return Task.FromResult(OnPost());
    }
}
