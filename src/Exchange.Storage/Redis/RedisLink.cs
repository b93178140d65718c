using Microsoft.Extensions.Logging;
using StackExchange.Redis;

namespace Exchange.Storage.Redis;

/// <summary>
/// The way to a Redis that may be slow, empty or away at any moment. Every question waits 50 ms at most; after one without an answer
/// none is asked for <see cref="Pause"/>. Nothing that has to last is kept there.
/// </summary>
public sealed partial class RedisLink : IAsyncDisposable
{
    public static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private readonly ConnectionMultiplexer connection;
    private readonly TimeSpan patience;
    private readonly TimeProvider time;
    private readonly ILogger log;
    private readonly long begun;
    // It was never away.
    private long awayUntilMs = long.MinValue;
    private long failures;

    private RedisLink(ConnectionMultiplexer connection, TimeSpan patience, TimeProvider time, ILogger log)
    {
        this.connection = connection;
        this.patience = patience;
        this.time = time;
        this.log = log;
        begun = time.GetTimestamp();
    }

    /// <summary>Questions that had no answer in time.</summary>
    public long Failures => Interlocked.Read(ref failures);

    /// <summary>False: it did not answer a moment ago, and is not asked now.</summary>
    public bool IsAsked => NowMs() >= Interlocked.Read(ref awayUntilMs);

    /// <summary>Whether or not it answers yet: it is looked for again and again in the background.</summary>
    /// <param name="configuration">As StackExchange.Redis reads it, such as <c>localhost:6379</c>. Throws <see cref="ArgumentException"/> if it cannot be read.</param>
    /// <param name="patience">The most that a question costs; null: 50 ms.</param>
    public static async Task<RedisLink> OpenAsync(string configuration, TimeProvider time, ILogger log, TimeSpan? patience = null)
    {
        var options = ConfigurationOptions.Parse(configuration);
        options.AbortOnConnectFail = false;
        var most = Math.Max(1_000, (int)(patience ?? default).TotalMilliseconds);
        options.ConnectTimeout = most / 2;
        options.AsyncTimeout = most;
        options.SyncTimeout = most;
        // What cannot be sent now is not wanted later.
        options.BacklogPolicy = BacklogPolicy.FailFast;
        options.ReconnectRetryPolicy = new LinearRetry(500);
        options.HeartbeatInterval = TimeSpan.FromMilliseconds(500);
        return new(await ConnectionMultiplexer.ConnectAsync(options).ConfigureAwait(false), patience ?? TimeSpan.FromMilliseconds(50), time, log);
    }

    /// <summary>The answer, or null where there is none in time. Never throws for Redis' sake.</summary>
    public async Task<T?> AskAsync<T>(Func<IDatabase, Task<T>> ask) where T : struct
    {
        ArgumentNullException.ThrowIfNull(ask);
        if (!IsAsked) return null;
        try
        {
            return await ask(connection.GetDatabase()).WaitAsync(patience, time).ConfigureAwait(false);
        }
        // Cancelled: what was being sent as its connection was lost. Nobody else cancels a question.
        catch (Exception fault) when (fault is TimeoutException or RedisException or RedisCommandException or ObjectDisposedException or OperationCanceledException)
        {
            Interlocked.Increment(ref failures);
            var now = NowMs();
            // One line for each time it goes, not for each question.
            if (Interlocked.Exchange(ref awayUntilMs, now + (long)Pause.TotalMilliseconds) <= now - 10 * (long)Pause.TotalMilliseconds) Away(fault.GetType().Name);
            return null;
        }
    }

    /// <summary>Calls <paramref name="heard"/> with each message of a channel, also after the connection was lost and found again; those between are lost.</summary>
    public async Task ListenAsync(string channel, Action<byte[]> heard)
    {
        try
        {
            await connection.GetSubscriber().SubscribeAsync(RedisChannel.Literal(channel), (_, message) => { if ((byte[]?)message is { } bytes) heard(bytes); }).ConfigureAwait(false);
        }
        catch (Exception fault) when (fault is RedisException or RedisCommandException or TimeoutException or OperationCanceledException)
        {
            // It is subscribed as soon as there is a connection.
            Away(fault.GetType().Name);
        }
    }

    /// <summary>False: nobody can have heard it.</summary>
    public async Task<bool> PublishAsync(string channel, byte[] message) =>
        await AskAsync(database => database.PublishAsync(RedisChannel.Literal(channel), message)).ConfigureAwait(false) is not null;

    public async ValueTask DisposeAsync() => await connection.DisposeAsync().ConfigureAwait(false);

    /// <summary>Since it was opened: a clock that is set keeps nobody from asking.</summary>
    private long NowMs() => (long)time.GetElapsedTime(begun).TotalMilliseconds;

    [LoggerMessage(LogLevel.Warning, "Redis does not answer ({Fault}); what it is for is done in this process meanwhile")]
    private partial void Away(string fault);
}
