using Exchange.Engine.PingTrees;
using Microsoft.Extensions.Logging;

namespace Exchange.Grains.Memory;

/// <summary>Brings one silo's rotation positions back when it starts, and keeps them from then on.</summary>
/// <param name="memory">This silo's grain; asked for at each call.</param>
public sealed class RotationKeeper(TierRotations rotations, Func<IRotationGrain> memory, TimeProvider time, ILogger<RotationKeeper> log)
{
    /// <summary>Each as long as a call to a grain may take.</summary>
    public const int Tries = 6;

    /// <summary>After the first try that was refused at once; after the second twice as long, and so on: until a dead silo is out of the directory, or the database is back.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    /// <summary>
    /// Before the first ping. It is a silo's first call to a grain. On a machine where everything starts at once it may not be answered in time, and where another silo
    /// dies or the database is away at that moment it is refused: that is no reason to end.
    /// </summary>
    /// <exception cref="TimeoutException">Not one of the tries was answered. Where the last was refused, what it was refused with.</exception>
    public async Task LoadAsync(CancellationToken cancel)
    {
        for (var number = 1; ; number++)
        {
            try
            {
                foreach (var (key, claims) in await memory().Load()) rotations.Of(key).Import(claims);
                return;
            }
            catch (Exception fault) when (number < Tries && fault is not (OutOfMemoryException or OperationCanceledException))
            {
                cancel.ThrowIfCancellationRequested();
                log.LogWarning("The rotation positions did not come ({Fault}), try {Number} of {Tries}", fault.GetType().Name, number, Tries);
                if (fault is not TimeoutException) await Task.Delay(Pause * number, time, cancel);
            }
        }
    }

    public async Task KeepAsync()
    {
        var claims = rotations.Keys.ToDictionary(key => key, key => new Dictionary<string, long>(rotations.Of(key).Export()), StringComparer.Ordinal);
        if (claims.Count > 0) await memory().Keep(claims);
    }
}
