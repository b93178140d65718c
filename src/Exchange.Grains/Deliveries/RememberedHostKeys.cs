using Exchange.Delivery;
using Exchange.Storage;

namespace Exchange.Grains.Deliveries;

/// <summary>In the database, for all processes: what one has seen binds the others.</summary>
public sealed class RememberedHostKeys(IAccessStore access) : IHostKeys
{
    public Task<string?> FindAsync(string server, CancellationToken cancel) => access.FindSettingAsync(Name(server), cancel);

    public Task<string> RememberAsync(string server, string fingerprint, CancellationToken cancel) => access.SetOnceAsync(Name(server), fingerprint, cancel);

    private static string Name(string server) => $"ssh_host_key:{server}";
}
