using StackExchange.Redis;

namespace Exchange.Storage.Redis;

/// <summary>
/// Token buckets that all silos draw from: GCRA (the theoretical arrival time of the generic cell rate algorithm), one number a bucket, decided in one
/// script by Redis' own clock. A bucket that Redis forgot is full.
/// </summary>
public sealed class RedisTokens(RedisLink link)
{
    // KEYS[1] bucket; ARGV: microseconds a token, burst in tokens, tokens wanted. Returns how many were granted, at most as many as wanted.
    private const string Script =
        """
        local t = redis.call('TIME')
        local now = t[1] * 1000000 + t[2]
        local each, burst, want = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
        local at = tonumber(redis.call('GET', KEYS[1]) or now)
        -- Later than this clock could have written: it was set back, or this is another's.
        if at < now or at > now + burst * each then at = now end
        local room = math.floor((burst * each - (at - now)) / each)
        local granted = math.max(0, math.min(want, room))
        if granted > 0 then
          at = at + granted * each
          redis.call('SET', KEYS[1], string.format('%.0f', at), 'PX', math.floor((at - now) / 1000) + 1000)
        end
        return granted
        """;

    /// <summary>How many of the tokens were granted; null: Redis did not answer.</summary>
    public async Task<int?> TakeAsync(string bucket, int perSecond, int burst, int want)
    {
        var granted = await link.AskAsync(async database =>
            (int)await database.ScriptEvaluateAsync(Script, [(RedisKey)("exchange:rate:" + bucket)], [1_000_000 / perSecond, burst, want]).ConfigureAwait(false)).ConfigureAwait(false);
        return granted;
    }
}
