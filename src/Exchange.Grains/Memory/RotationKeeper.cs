using Exchange.Engine.PingTrees;
using Microsoft.Extensions.Logging;

namespace Exchange.Grains.Memory;

/// <summary>Brings one silo's rotation positions back when it starts, and keeps them from then on.</summary>
/// <param name="memory">This silo's grain; asked for at each call.</param>
public sealed class RotationKeeper(TierRotations rotations, Func<IRotationGrain> memory, ILogger<RotationKeeper> log)
{
    /// <summary>Each as long as a call to a grain may take.</summary>
    public const int Tries = 6;

    /// <summary>
    /// Before the first ping. It is a silo's first call to a grain, and on a machine where everything starts at once the first may not be answered in time:
    /// that is no reason to end.
    /// </summary>
    /// <exception cref="TimeoutException">Not one of the tries was answered.</exception>
    public async Task LoadAsync(CancellationToken cancel)
    {
        for (var number = 1; ; number++)
        {
            try
            {
                foreach (var (key, claims) in await memory().Load()) rotations.Of(key).Import(claims);
                return;
            }
            catch (TimeoutException) when (number < Tries)
            {
                cancel.ThrowIfCancellationRequested();
                log.LogWarning("The rotation positions did not come in time, try {Number} of {Tries}", number, Tries);
            }
        }
    }

    public async Task KeepAsync()
    {
        var claims = rotations.Keys.ToDictionary(key => key, key => new Dictionary<string, long>(rotations.Of(key).Export()), StringComparer.Ordinal);
        if (claims.Count > 0) await memory().Keep(claims);
    }
}
