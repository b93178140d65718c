using System.Collections.Concurrent;

namespace Exchange.Delivery;

/// <summary>Which host key an SSH server had when it was first called, for endpoints that do not pin one.</summary>
public interface IHostKeys
{
    /// <summary>Its fingerprint; null: it was never called.</summary>
    Task<string?> FindAsync(string server, CancellationToken cancel);
    /// <summary>Durable on return, before anything is sent there.</summary>
    Task RememberAsync(string server, string fingerprint, CancellationToken cancel);
}

/// <summary>As long as this process lives.</summary>
public sealed class HostKeysInMemory : IHostKeys
{
    private readonly ConcurrentDictionary<string, string> known = new(StringComparer.Ordinal);

    public Task<string?> FindAsync(string server, CancellationToken cancel) => Task.FromResult(known.GetValueOrDefault(server));

    public Task RememberAsync(string server, string fingerprint, CancellationToken cancel)
    {
        known[server] = fingerprint;
        return Task.CompletedTask;
    }
}
