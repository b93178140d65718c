using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Exchange.Engine.Values;
using Exchange.Grains.Intake;
using Exchange.Server.Intake;
using Exchange.Storage;

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

    /// <summary>An operation that is harmless when it is done again: a crash between it and its record repeats it.</summary>
    public Task<Reply> RunAsync(ApiCall call, byte[] body, Func<Task<Reply>> operation) => RunAsync(call, body, _ => operation());

    /// <summary>
    /// An operation that writes its answer in its own transaction, by what it is given; null: the caller gave no key. Needed where doing it again would
    /// make a second one.
    /// </summary>
    public async Task<Reply> RunAsync(ApiCall call, byte[] body, Func<OperationRecord?, Task<Reply>> operation)
    {
        if (IdempotencyKeys.Read(call.Request.Headers, out var key) is { } unreadable) return unreadable;
        if (key is null) return await operation(null);

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
        catch (OperationTakenException)
        {
            // At another silo, just now.
            return (await FindAsync(call, place.Scope, key, hash))!;
        }
        finally
        {
            running.TryRemove(place, out _);
            ended.SetResult();
        }
    }

    /// <summary>What became of the operation under this caller's key: its answer; 404: nothing was done; 409: it runs in this process.</summary>
    public async Task<Reply> AskAsync(ApiCall call, string key)
    {
        var scope = call.Caller.Name;
        // First what runs: one that ends between the two looks is then recorded.
        var runs = running.ContainsKey((scope, key));
        if (await call.Store.Access.FindOperationAsync(scope, key, call.Cancel) is var (_, answer)) return Recorded(call, scope, key, answer);
        return runs
            ? Problem.Of(409, "idempotency_in_progress", "The operation under this key still runs; come again for its answer.", 1)
            : ApiCall.NotFound("Nothing was done under this key.");
    }

    private static Reply Recorded(ApiCall call, string scope, string key, byte[] answer) =>
        new(200, call.Store.Vault.Open(SealOf(scope, key), answer), Reply.JsonType) { Replayed = true };

    private static async Task<Reply?> FindAsync(ApiCall call, string scope, string key, byte[] hash)
    {
        if (await call.Store.Access.FindOperationAsync(scope, key, call.Cancel) is not var (bodyHash, answer)) return null;
        if (!bodyHash.AsSpan().SequenceEqual(hash))
            return Problem.Of(422, "idempotency_key_reused", "This idempotency key was used with another request; use a new one.");
        return Recorded(call, scope, key, answer);
    }

    private static async Task<Reply> PerformAsync(ApiCall call, string scope, string key, byte[] hash, Func<OperationRecord?, Task<Reply>> operation)
    {
        var request = Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes($"{scope}\n{key}\n{Convert.ToHexString(hash)}")));
        var record = new OperationRecord(request, reply => new(scope, key, hash, call.Store.Vault.Seal(SealOf(scope, key), reply.Body)));
        var reply = await operation(record);
        if (reply.Problem is not null || record.IsTaken) return reply;
        // The effect is there: its answer is recorded even if the caller has left.
        var late = record.Of(reply);
        try
        {
            await call.Store.Access.PutOperationAsync(scope, key, hash, late.Answer, call.NowMs, CancellationToken.None);
        }
        catch (StorageBusyException)
        {
            // Nothing is recorded, and that is not the same as nothing done.
            return Problem.Of(503, "storage_unavailable", "This is done, and its answer could not be recorded; the same request is answered by what it finds.", 1);
        }
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
