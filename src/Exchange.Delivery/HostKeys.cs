using System.Collections.Concurrent;

namespace Exchange.Delivery;

/// <summary>Which host key an SSH server had when it was first called, for endpoints that do not pin one.</summary>
public interface IHostKeys
{
    /// <summary>Its fingerprint; null: it was never called.</summary>
    Task<string?> FindAsync(string server, CancellationToken cancel);
    /// <summary>
    /// Gives the fingerprint that counts from now on: this one, or that of another process that was there first. Durable on return, before anything is sent there.
    /// </summary>
    Task<string> RememberAsync(string server, string fingerprint, CancellationToken cancel);
}

/// <summary>As long as this process lives.</summary>
public sealed class HostKeysInMemory : IHostKeys
{
    private readonly ConcurrentDictionary<string, string> known = new(StringComparer.Ordinal);

    public Task<string?> FindAsync(string server, CancellationToken cancel) => Task.FromResult(known.GetValueOrDefault(server));

    public Task<string> RememberAsync(string server, string fingerprint, CancellationToken cancel) => Task.FromResult(known.GetOrAdd(server, fingerprint));
}
