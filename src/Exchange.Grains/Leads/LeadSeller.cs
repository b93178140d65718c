using Exchange.Engine;
using Exchange.Engine.Deliveries;
using Exchange.Engine.Leads;
using Exchange.Engine.Ledger;
using Exchange.Engine.Values;
using Exchange.Grains.Deliveries;
using Exchange.Grains.Intake;
using Exchange.Storage;

namespace Exchange.Grains.Leads;

/// <summary>
/// One lead's seller: the ways in to it, put in order. What is known of the lead is in <see cref="LeadMemory"/>, what <see cref="LeadMachine"/> decides is
/// performed by <see cref="LeadSteps"/>, buyers are called by <see cref="CopyCalls"/>, publishers answered by <see cref="LeadPosts"/>. No business rule lives
/// here. Runs on one grain's scheduler; the gate keeps one step in flight at a time.
/// </summary>
public sealed class LeadSeller
{
    /// <summary>How often an operator's word is tried on top of what other activations do to the lead meanwhile.</summary>
    private const int MostTries = 3;

    private readonly LeadServices services;
    private readonly LeadMemory lead;
    private readonly CopyCalls calls;
    private readonly LeadPosts posts;
    private int resumes;

    public LeadSeller(LeadServices services, LeadId id)
    {
        this.services = services;
        lead = new(services, id);
        calls = new(services, lead);
        posts = new(services, lead, calls);
    }

    /// <summary>No post is running and no buyer is being called.</summary>
    public bool IsIdle => calls.AreDone && resumes == 0 && !posts.IsRunning;

    public Task<PostReply> PostAsync(PostCommand command) => posts.PostAsync(command);

    /// <summary>The pump's way in: a copy that is held or in doubt, whose lease this process has just taken.</summary>
    public async Task ResumeAsync(ResumeCommand command)
    {
        resumes++;
        try
        {
            // Nobody is called before this is done.
            try
            {
                using var turn = await lead.EnterAsync();
                // By the rows, whatever is remembered here: another activation may have moved it since, fields may have come, and its person may be erased.
                if (!await lead.RestoreAsync()) return;
                // A lease that ran out without a result: the process that called died or hangs. The buyer may have the lead.
                if (lead.Sale!.SlotOfCopy(command.CopyNo) is { State: SlotState.Held } && command is { LastError: null, Attempts: > 1, Drop: false })
                {
                    await calls.Steps.StepAsync(new LeadEvent.Answered(command.CopyNo, BuyerAnswer.Unknown, Reason.InDoubt, null, null));
                    FaultPoints.AfterDoubt.Pass();
                }
            }
            // A drop stays one: it comes again when its lease is over.
            catch (StorageBusyException) when (!command.Drop)
            {
                var later = new DeliveryResult(DeliveryStatus.Waiting, Now() + DeliveryPump.UnreadableMs, DeliveryDecision.NobodyCalled(command.Attempts, command.LastError));
                await services.Store.Deliveries.RecordSurelyAsync(new(lead.Id, command.CopyNo), command.Endpoint, command.Fence, later, services.Time);
                return;
            }
            // Of a person who is not sold any more its buyer gets nothing, unless it may have it already.
            var drop = command.Drop
                || lead.Sale is { IsSuppressed: true } sale && sale.SlotOfCopy(command.CopyNo) is { State: SlotState.Held } && !DeliveryDecision.MayHaveArrived(command.Attempts, command.LastError);
            if (lead.IsOpen(command.CopyNo) && drop)
                await calls.CancelAsync(lead.CopyOf(lead.Sale!.SlotOfCopy(command.CopyNo)!), command.Endpoint, command.Fence, command.Attempts, command.LastError, command.DeadlineMs);
            else if (lead.IsOpen(command.CopyNo))
                await calls.CallAsync(command.CopyNo, command.Endpoint, command.Fence, command.Attempts, command.CreatedAtMs, command.LastError, command.DeadlineMs);
            else if (lead.IsKnown)
                await services.Store.Deliveries.RecordSurelyAsync(new(lead.Id, command.CopyNo), command.Endpoint, command.Fence, new(DeliveryStatus.Failed, null, "copy_ended"), services.Time);
        }
        finally
        {
            resumes--;
        }
    }

    /// <summary>The pump's way in: the lead waited before a tree was asked, and that may be over.</summary>
    public async Task WaitOverAsync(long fence)
    {
        resumes++;
        try
        {
            using var passage = await lead.EnterAsync();
            // As the rows are now: fields may have come, a catalog, an erasure.
            if (!await lead.RestoreAsync() || lead.Row!.Wait is not { IsOver: false } wait || wait.Fence != fence) return;
            var row = lead.Row;
            var resealed = row.IsErased || lead.Sale!.IsSuppressed || LeadWaits.Asked(wait.Wait, lead.Context) is not { } tree ? null
                : await new WaitedAuction(services).AskLiveAsync(lead.World, row, lead.Sale!, tree, fence);
            // Its leases begin now: later they would be over before anybody is called.
            await calls.Steps.StepAsync(new LeadEvent.WaitOver(new(fence, resealed), Cancelled: row.IsErased), Now() + LeadMachine.LeaseGraceMs);
        }
        finally
        {
            resumes--;
        }
    }

    /// <summary>The housekeeping's way in: a test that is open long after everybody has stopped calling for it.</summary>
    public async Task TestOverAsync()
    {
        using var passage = await lead.EnterAsync();
        if (await lead.RestoreAsync()) await calls.Steps.StepAsync(new LeadEvent.TestOver());
    }

    /// <summary>
    /// Forgets the person of this lead, in order with whatever else happens to it. A call that is under way cannot be called back; what it comes to is
    /// recorded.
    /// </summary>
    public async Task EraseAsync(EraseCommand command)
    {
        using var passage = await lead.EnterAsync();
        try
        {
            await new LeadEraser(services).EraseAsync(lead.Id, command.Who);
        }
        finally
        {
            // Also where nobody knows whether it was done: the rows tell.
            lead.Forget();
            // What was answered is told again from the rows, without its redirects.
            posts.ForgetAnswered();
            services.Book.Forget(lead.Id);
        }
    }

    /// <summary>Fields were added to the rows: whatever is decided or sent next is decided and sent with them.</summary>
    public async Task ForgetFieldsAsync()
    {
        using var passage = await lead.EnterAsync();
        // With a first item on its way there are no rows to go by yet, and nothing to forget.
        if (lead.IsKnown) await lead.RestoreAsync();
    }

    /// <summary>The operator says what became of a copy in doubt; the lead goes on as if its buyer had said it.</summary>
    public async Task<ResolveReply> ResolveAsync(ResolveCommand command)
    {
        using var passage = await lead.EnterAsync();
        var isNoted = false;
        for (var looks = 0; ; looks++)
        {
            // By the rows: what is remembered here may be older than what another activation did.
            if (!await lead.RestoreAsync() || lead.Row!.Copies.FirstOrDefault(copy => copy.Id.No == command.CopyNo) is not { } copy) return ResolveReply.Unknown;
            if (copy.State != CopyState.InDoubt) return !IsSo(copy, command.Accepted) ? ResolveReply.NotInDoubt : isNoted ? ResolveReply.Done : ResolveReply.AlreadySo;
            // It is in doubt still: nobody has ended it, and each time others did something else to its lead.
            if (looks == MostTries) return ResolveReply.Moved;
            // Who is being asked may take the copy yet: the next in rank must not have it too. From here on nobody asks again, unless the operator sends it again elsewhere,
            // which he can when this server has stood still for longer than that.
            var untilMs = command.Accepted ? 0 : Now() + LeadMachine.LeaseGraceMs;
            if (!command.Accepted)
            {
                if (!await services.Store.Deliveries.GiveUpAsync(copy.Id, Now(), CancellationToken.None)) return ResolveReply.CallUnderWay;
                FaultPoints.AfterGiveUp.Pass();
            }
            // Before anything changes: no line in the audit, no resolution.
            if (!isNoted) await services.Store.Access.AuditAsync(command.Who, "copy.resolve", copy.Id.ToString(), command.Accepted ? "accepted" : "rejected", Now(), CancellationToken.None);
            var step = await calls.Steps.StepAsync(new LeadEvent.Answered(
                command.CopyNo, command.Accepted ? BuyerAnswer.Accepted : BuyerAnswer.Refused, command.Accepted ? Reason.None : Reason.BuyerRejected, null, null), untilMs);
            if (step.Conflict is null) return ResolveReply.Done;
            isNoted = true;
        }
    }

    /// <summary>Ended as the operator says.</summary>
    private static bool IsSo(CopyRow copy, bool accepted) => accepted ? copy.State is CopyState.Captured or CopyState.Reversed : copy.State == CopyState.Voided;

    private long Now() => services.Time.GetUtcNow().ToUnixTimeMilliseconds();
}
