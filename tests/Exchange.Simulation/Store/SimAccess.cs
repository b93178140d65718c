using System.Text;
using Exchange.Storage;

namespace Exchange.Simulation.Store;

/// <summary>No keys, one secret that signs every call, and an audit trail that nobody reads.</summary>
internal sealed class SimAccess(SimStore store) : IAccessStore
{
    private static readonly byte[] Signing = Encoding.UTF8.GetBytes("whsec_" + Convert.ToBase64String(new byte[32]));

    public Task<IReadOnlyList<string>> SecretNamesAsync(CancellationToken cancel) => Task.FromResult<IReadOnlyList<string>>(["signing"]);
    public Task<byte[]?> FindSecretAsync(string name, CancellationToken cancel) => Task.FromResult<byte[]?>(Signing);

    public Task<IReadOnlyList<KeyRow>> KeysAsync(CancellationToken cancel) => throw new NotSupportedException();
    public Task AddKeyAsync(KeyRow key, CancellationToken cancel) => throw new NotSupportedException();
    public Task AddKeyAsync(KeyRow key, ChangeNote note, CancellationToken cancel) => throw new NotSupportedException();
    public Task<bool> RevokeKeyAsync(string id, long nowMs, CancellationToken cancel) => throw new NotSupportedException();
    public Task PutSecretAsync(string name, byte[] value, long nowMs, CancellationToken cancel) => throw new NotSupportedException();
    public Task<string?> FindSettingAsync(string name, CancellationToken cancel) => throw new NotSupportedException();
    public Task PutSettingAsync(string name, string value, CancellationToken cancel) => throw new NotSupportedException();
    public Task<string> SetOnceAsync(string name, string value, CancellationToken cancel) => throw new NotSupportedException();
    public Task<(byte[] BodyHash, byte[] Answer)?> FindOperationAsync(string scope, string key, CancellationToken cancel) => throw new NotSupportedException();
    public Task PutOperationAsync(string scope, string key, byte[] bodyHash, byte[] answer, long nowMs, CancellationToken cancel) => throw new NotSupportedException();
    public Task AuditAsync(string who, string action, string target, string? detail, long nowMs, CancellationToken cancel) => store.WriteAsync(static () => 0);
}
