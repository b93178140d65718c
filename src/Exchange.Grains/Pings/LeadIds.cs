using System.Security.Cryptography;
using Exchange.Engine.Values;

namespace Exchange.Grains.Pings;

/// <summary>Makes ids that rise with time in this silo, so that the store appends. Within a millisecond a counter keeps the order.</summary>
/// <param name="draw">64 random bits; null: the system's. Whoever gives the same bits again gets the same pings again.</param>
public sealed class LeadIds(ushort silo, TimeProvider time, Func<ulong>? draw = null)
{
    private readonly Func<ulong> draw = draw ?? (static () => BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(8)));
    private readonly Lock gate = new();
    private long lastMs;
    private uint sequence;

    /// <summary>The seed of a ping's draws.</summary>
    public ulong Seed() => draw();

    public LeadId Next(bool test)
    {
        var random = (uint)(draw() >> 33);
        lock (gate)
        {
            var now = time.GetUtcNow().ToUnixTimeMilliseconds();
            // A clock that was set back does not bring an id back.
            if (now > lastMs) { lastMs = now; sequence = 0; }
            else if (++sequence >= 1u << 30) { lastMs++; sequence = 0; }
            return LeadId.Create(lastMs, silo, test, (ulong)sequence << 32 | random);
        }
    }
}
