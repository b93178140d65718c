using Exchange.Engine;
using Exchange.Engine.Values;
using Exchange.Grains.Intake;
using Orleans;
using Orleans.Concurrency;
using Orleans.Placement;

namespace Exchange.Grains.Leads;

/// <summary>
/// Lives where its first post came in, so that a lead crosses no wire. Reentrant so that a caller may stop waiting at its deadline while the buyer is still thinking; the seller orders what changes the lead.
/// </summary>
[Reentrant]
[CollectionAgeLimit(Minutes = 2)]
[PreferLocalPlacement]
public sealed class LeadGrain(LeadServices services) : Grain, ILeadGrain
{
    private LeadSeller? seller;

    private LeadSeller Seller => seller ??= new(services, LeadId.FromGuid(this.GetPrimaryKey()));

    public async ValueTask<PostReply> Post(PostCommand command)
    {
        try
        {
            var reply = await Seller.PostAsync(command);
            FaultPoints.BeforeReply.Pass();
            return reply;
        }
        finally
        {
            Leave();
        }
    }

    public async ValueTask Resume(ResumeCommand command)
    {
        try
        {
            await Seller.ResumeAsync(command);
        }
        finally
        {
            Leave();
        }
    }

    public async ValueTask WaitOver(long fence)
    {
        try
        {
            await Seller.WaitOverAsync(fence);
        }
        finally
        {
            Leave();
        }
    }

    public async ValueTask TestOver()
    {
        try
        {
            await Seller.TestOverAsync();
        }
        finally
        {
            Leave();
        }
    }

    public async ValueTask Erase(EraseCommand command)
    {
        try
        {
            await Seller.EraseAsync(command);
        }
        finally
        {
            Leave();
        }
    }

    public async ValueTask FieldsAdded()
    {
        try
        {
            await Seller.ForgetFieldsAsync();
        }
        finally
        {
            Leave();
        }
    }

    public async ValueTask<ResolveReply> Resolve(ResolveCommand command)
    {
        try
        {
            return await Seller.ResolveAsync(command);
        }
        finally
        {
            Leave();
        }
    }

    /// <summary>Most leads end with their post: the rows answer what comes later, so nothing needs to stay in memory.</summary>
    private void Leave()
    {
        if (Seller.IsIdle) DeactivateOnIdle();
    }
}
