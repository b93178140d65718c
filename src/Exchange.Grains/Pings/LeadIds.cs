using System.Security.Cryptography;
using Exchange.Engine.Values;

namespace Exchange.Grains.Pings;

/// <summary>
/// Makes ids that rise with time in this silo, so that the store appends. Within a millisecond a counter keeps the order. Under a clock that was set back they rise with
/// the time that passes, ahead of it: ids of one moment share their place in the store, which has not room for an hour of them.
/// </summary>
/// <param name="draw">64 random bits; null: the system's. Whoever gives the same bits again gets the same pings again.</param>
public sealed class LeadIds(ushort silo, TimeProvider time, Func<ulong>? draw = null)
{
    private readonly Func<ulong> draw = draw ?? (static () => BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(8)));
    private readonly Lock gate = new();
    private long lastMs, lastStamp;
    private uint sequence;

    /// <summary>The seed of a ping's draws.</summary>
    public ulong Seed() => draw();

    public LeadId Next(bool test)
    {
        var random = (uint)(draw() >> 33);
        lock (gate)
        {
            var stamp = time.GetTimestamp();
            // A clock that was set back does not bring an id back.
            var now = Math.Max(time.GetUtcNow().ToUnixTimeMilliseconds(), lastMs + (long)time.GetElapsedTime(lastStamp, stamp).TotalMilliseconds);
            if (now > lastMs) (lastMs, lastStamp, sequence) = (now, stamp, 0);
            else if (++sequence >= 1u << 30) { lastMs++; sequence = 0; }
            return LeadId.Create(lastMs, silo, test, (ulong)sequence << 32 | random);
        }
    }
}
