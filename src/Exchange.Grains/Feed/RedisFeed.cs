using System.Buffers.Binary;
using System.Text;
using Exchange.Grains.Cluster;
using Exchange.Storage.Redis;

namespace Exchange.Grains.Feed;

/// <summary>Carries the live feed to other silos through Redis. A message is the sender's number, then each event as kind, tab, JSON and line break.</summary>
public sealed class RedisFeed(RedisLink link, LiveFeed feed, SiloIdentity self)
{
    private const string Channel = "exchange:live";

    public Task ListenAsync() => link.ListenAsync(Channel, Hear);

    /// <summary>False: Redis did not take it.</summary>
    public Task<bool> TryPublishAsync(IReadOnlyList<FeedEvent> events)
    {
        using var message = new MemoryStream();
        Span<byte> sender = stackalloc byte[2];
        BinaryPrimitives.WriteUInt16BigEndian(sender, self.Number);
        message.Write(sender);
        foreach (var told in events)
        {
            message.Write(Encoding.ASCII.GetBytes(told.Kind));
            message.WriteByte((byte)'\t');
            message.Write(told.Json);
            message.WriteByte((byte)'\n');
        }
        return link.PublishAsync(Channel, message.ToArray());
    }

    /// <summary>What this silo said itself was delivered before.</summary>
    private void Hear(byte[] message)
    {
        if (message.Length < 2 || BinaryPrimitives.ReadUInt16BigEndian(message) == self.Number) return;
        var rest = message.AsSpan(2);
        foreach (var line in rest.Split((byte)'\n'))
        {
            var told = rest[line];
            var tab = told.IndexOf((byte)'\t');
            if (tab > 0) feed.Deliver(new(Encoding.ASCII.GetString(told[..tab]), told[(tab + 1)..].ToArray()));
        }
    }
}
