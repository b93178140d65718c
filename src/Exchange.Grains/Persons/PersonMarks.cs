using System.Threading.Channels;
using Exchange.Engine.Caps;
using Exchange.Engine.Ledger;
using Exchange.Storage;
using Exchange.Storage.Redis;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Exchange.Grains.Persons;

/// <summary>
/// Whether somebody is said to have a person: by what this silo has heard, else by the marks that all silos leave in Redis. It may be wrong either way; the rows
/// decide, and are only asked another question first.
/// </summary>
/// <param name="shared">Null: there is no Redis.</param>
public sealed class PersonMarks(ILiveView live, RedisPersons? shared, ILogger<PersonMarks> log) : BackgroundService
{
    /// <summary>More than are claimed while Redis does not answer a question; what is beyond has no mark.</summary>
    private const int MostWaiting = 10_000;
    private const int AtOnce = 200;

    private readonly Channel<KnownPerson> told = Channel.CreateBounded<KnownPerson>(new BoundedChannelOptions(MostWaiting) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });

    /// <summary>Asks the shared marks. Another only where a test wants to see that wrong ones do no harm.</summary>
    public Func<PersonClaim[], ValueTask<bool>> Ask { get; init; } = shared is null ? static _ => new(false) : claims => new(shared!.AnyAsync(claims));

    public ValueTask<bool> MayBeTakenAsync(PersonClaim[] claims)
    {
        if (claims.Length == 0) return new(false);
        foreach (var claim in claims) if (live.HasPerson(claim.Scope, claim.Hmac, claim.SinceMs)) return new(true);
        return Ask(claims);
    }

    /// <summary>What a commit of this silo did to persons; called after it is durable, and must be quick.</summary>
    public void Told(IReadOnlyList<KnownPerson> persons)
    {
        if (shared is null) return;
        foreach (var person in persons) if (PersonScopes.IsOfVertical(person.Scope)) told.Writer.TryWrite(person);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (shared is null) return;
        var batch = new List<KnownPerson>(AtOnce);
        while (await told.Reader.WaitToReadAsync(stoppingToken))
        {
            batch.Clear();
            while (batch.Count < AtOnce && told.Reader.TryRead(out var person)) batch.Add(person);
            // Not taken: those have no mark, and nothing else is different.
            try
            {
                await shared.MarkAsync(batch);
            }
            catch (Exception fault) when (fault is not OperationCanceledException || !stoppingToken.IsCancellationRequested)
            {
                log.LogWarning(fault, "{Count} persons were not marked", batch.Count);
            }
        }
    }
}
