using System.Collections.Concurrent;
using Exchange.Grains.Cluster;
using Exchange.Grains.Intake;
using Microsoft.Extensions.Logging;

namespace Exchange.Grains.Pings;

/// <summary>
/// Idempotency keys of pings while their offers live. Each key is kept by one silo for all; where that one does not answer, by the silo that asks.
/// Memory alone: when silos come or go a key may be forgotten, and its ping be made again. That costs a ping; sales are fenced by rows.
/// </summary>
public sealed partial class PingKeys(ISilos silos, TimeProvider time, ILogger<PingKeys> log)
{
    /// <summary>A key whose ping is still being made is kept so long.</summary>
    private const long MakingMs = 60_000;

    /// <summary>Whoever comes again waits so long for the first one's answer.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(8);

    private readonly ConcurrentDictionary<(string Publisher, string Key), Kept> keys = new();

    private sealed class Kept(byte[] bodyHash, ushort maker, long untilMs)
    {
        public byte[] BodyHash => bodyHash;
        public ushort Maker => maker;
        public long UntilMs { get; set; } = untilMs;
        private readonly TaskCompletionSource<Guid?> ping = new(TaskCreationOptions.RunContinuationsAsynchronously);
        // Boxed, so that it is read whole.
        private volatile object? made;

        /// <summary>The ping once it is made.</summary>
        public Guid? Made => made as Guid?;
        /// <summary>The ping; null: refused.</summary>
        public Task<Guid?> Ping => ping.Task;

        public void Settle(Guid? id)
        {
            made = id;
            ping.TrySetResult(id);
        }
    }

    /// <summary>
    /// The key is ours to make (then <see cref="SettleAsync"/> must follow), is of another body, or stands for a ping that was made. <c>Running</c>:
    /// somebody makes it and it took too long to wait for.
    /// </summary>
    public async ValueTask<KeyVerdict> ClaimAsync(PingCommand command)
    {
        var claim = new KeyClaim(command.Publisher, command.IdempotencyKey!, command.BodyHash, NowMs() + MakingMs, silos.Self.Number);
        var started = time.GetTimestamp();
        while (true)
        {
            var owner = silos.OwnerOf(NameOf(claim.Publisher, claim.Key));
            KeyVerdict verdict;
            Guid? ping = null;
            try
            {
                verdict = owner is null ? ClaimHere(claim) : await owner.ClaimKey(claim);
                if (verdict.State != KeyState.Running) return verdict;
                ping = owner is null ? await AwaitHereAsync(claim.Publisher, claim.Key) : await owner.AwaitKey(claim.Publisher, claim.Key);
            }
            catch (Exception fault) when (owner is not null && fault is not OutOfMemoryException)
            {
                NoAnswer(fault);
                verdict = ClaimHere(claim);
                if (verdict.State != KeyState.Running) return verdict;
                ping = await AwaitHereAsync(claim.Publisher, claim.Key);
            }
            if (ping is { } made) return new(KeyState.Made, made);
            // Refused, so that the key is free; or it still runs.
            if (time.GetElapsedTime(started) > Patience) return new(KeyState.Running, default);
        }
    }

    /// <param name="ping">Null: refused, the key may come again corrected.</param>
    public async ValueTask SettleAsync(PingCommand command, Guid? ping, long untilMs)
    {
        var end = new KeyEnd(command.Publisher, command.IdempotencyKey!, ping, untilMs);
        // Here too, if it was kept here because the owner did not answer.
        SettleHere(end);
        if (silos.OwnerOf(NameOf(end.Publisher, end.Key)) is not { } owner) return;
        try
        {
            await owner.SettleKey(end);
        }
        catch (Exception fault) when (fault is not OutOfMemoryException)
        {
            NoAnswer(fault);
        }
    }

    public KeyVerdict ClaimHere(KeyClaim claim)
    {
        var name = (claim.Publisher, claim.Key);
        var mine = new Kept(claim.BodyHash, claim.Maker, claim.UntilMs);
        while (true)
        {
            var kept = keys.GetOrAdd(name, mine);
            if (ReferenceEquals(kept, mine)) return new(KeyState.Yours, default);
            // Whoever was making it is gone, or it is over.
            if (kept.UntilMs < NowMs() || !kept.Ping.IsCompleted && !silos.IsAlive(kept.Maker))
            {
                if (keys.TryRemove(new(name, kept))) kept.Settle(null);
                continue;
            }
            if (!kept.BodyHash.AsSpan().SequenceEqual(claim.BodyHash)) return new(KeyState.OtherBody, default);
            return kept.Made is { } ping ? new(KeyState.Made, ping) : new(KeyState.Running, default);
        }
    }

    public async ValueTask<Guid?> AwaitHereAsync(string publisher, string key)
    {
        if (!keys.TryGetValue((publisher, key), out var kept)) return null;
        try
        {
            return await Here(kept.Ping).WaitAsync(Patience, time);
        }
        catch (TimeoutException)
        {
            return null;
        }
    }

    /// <summary>Comes back to whoever waits, on its own scheduler: what waits for time as well would otherwise go on wherever the first one ended.</summary>
    private static async Task<Guid?> Here(Task<Guid?> made) => await made;

    public void SettleHere(KeyEnd end)
    {
        var name = (end.Publisher, end.Key);
        if (!keys.TryGetValue(name, out var kept)) return;
        kept.UntilMs = Math.Max(kept.UntilMs, end.UntilMs);
        if (end.Ping is null) keys.TryRemove(new(name, kept));
        kept.Settle(end.Ping);
    }

    /// <summary>Forgets keys whose offers ran out; called about once a second.</summary>
    public void Sweep(long nowMs)
    {
        foreach (var (name, kept) in keys)
            if (kept.UntilMs < nowMs && keys.TryRemove(new(name, kept))) kept.Settle(null);
    }

    private static string NameOf(string publisher, string key) => publisher + "\n" + key;

    private long NowMs() => time.GetUtcNow().ToUnixTimeMilliseconds();

    [LoggerMessage(LogLevel.Warning, "The silo that keeps a ping's key did not answer; the key is kept here")]
    private partial void NoAnswer(Exception fault);
}
