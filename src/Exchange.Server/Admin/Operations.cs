using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Exchange.Engine.Values;
using Exchange.Grains.Intake;
using Exchange.Server.Intake;

namespace Exchange.Server.Admin;

/// <summary>
/// <c>Idempotency-Key</c> on admins' and buyers' POSTs: the same key and body get the recorded answer, another body 422, one that still
/// runs is waited for. Recorded answers are sealed, because one of them may be a new API key. Only what succeeded is recorded.
/// </summary>
internal sealed class Operations
{
    /// <summary>How long a repeat waits for the first to end before it is told to come again.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly ConcurrentDictionary<(string Scope, string Key), Task> running = new();

    public async Task<Reply> RunAsync(ApiCall call, byte[] body, Func<Task<Reply>> operation)
    {
        if (IdempotencyKeys.Read(call.Request.Headers, out var key) is { } unreadable) return unreadable;
        if (key is null) return await operation();

        var place = (Scope: call.Caller.Name, Key: key);
        var hash = HashOf(call, body);
        var ended = new TaskCompletionSource();
        while (running.GetOrAdd(place, ended.Task) is var first && first != ended.Task)
        {
            try
            {
                await first.WaitAsync(Patience, call.Service<TimeProvider>(), call.Cancel);
            }
            catch (TimeoutException)
            {
                return Problem.Of(409, "idempotency_in_progress", "The first request with this idempotency key still runs; come again for its answer.", 1);
            }
        }
        try
        {
            return await FindAsync(call, place.Scope, key, hash) ?? await PerformAsync(call, place.Scope, key, hash, operation);
        }
        finally
        {
            running.TryRemove(place, out _);
            ended.SetResult();
        }
    }

    private static async Task<Reply?> FindAsync(ApiCall call, string scope, string key, byte[] hash)
    {
        if (await call.Store.Access.FindOperationAsync(scope, key, call.Cancel) is not var (bodyHash, answer)) return null;
        if (!bodyHash.AsSpan().SequenceEqual(hash))
            return Problem.Of(422, "idempotency_key_reused", "This idempotency key was used with another request; use a new one.");
        return new Reply(200, call.Store.Vault.Open(SealOf(scope, key), answer), Reply.JsonType) { Replayed = true };
    }

    private static async Task<Reply> PerformAsync(ApiCall call, string scope, string key, byte[] hash, Func<Task<Reply>> operation)
    {
        var reply = await operation();
        // The effect is there: its answer is recorded even if the caller has left.
        if (reply.Problem is null)
            await call.Store.Access.PutOperationAsync(scope, key, hash, call.Store.Vault.Seal(SealOf(scope, key), reply.Body), call.NowMs, CancellationToken.None);
        return reply;
    }

    private static byte[] HashOf(ApiCall call, byte[] body)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes($"{call.Request.Method} {call.Request.Path}\n"));
        hash.AppendData(body);
        return hash.GetHashAndReset();
    }

    /// <summary>What the sealed answer is bound to: it opens for this scope and key alone.</summary>
    private static LeadId SealOf(string scope, string key) => LeadId.FromBytes(SHA256.HashData(Encoding.UTF8.GetBytes($"{scope}\n{key}")));
}
