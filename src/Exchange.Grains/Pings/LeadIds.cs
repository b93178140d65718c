using System.Security.Cryptography;
using Exchange.Engine.Values;

namespace Exchange.Grains.Pings;

/// <summary>Makes ids that rise with time in this silo, so that the store appends. Within a millisecond a counter keeps the order.</summary>
public sealed class LeadIds(ushort silo, TimeProvider time)
{
    private readonly Lock gate = new();
    private long lastMs;
    private uint sequence;

    public LeadId Next(bool test)
    {
        var random = (uint)RandomNumberGenerator.GetInt32(int.MaxValue);
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
