using System.Net;
using System.Net.Sockets;
using System.Text;
using Exchange.Engine.Catalog;
using Exchange.Engine.Deliveries;
using Renci.SshNet;
using Renci.SshNet.Common;

namespace Exchange.Delivery.Connectors;

/// <summary>
/// Copies as a file on the buyer's SSH server. It is written under a name that starts with a dot and gets its own name when it is whole; a name that is there
/// already is our own earlier attempt. Nobody but the server with the known host key is spoken to.
/// </summary>
internal sealed class Sftp(PublicHosts hosts, IHostKeys known, TimeProvider time) : IBatchConnector
{
    /// <summary>At one endpoint at once.</summary>
    private const int InFlight = 2;

    private readonly OutsideHttp calls = new(InFlight, time);

    public ConnectorKind Kind => ConnectorKind.Sftp;

    public Task<AttemptResult> SendAsync(EndpointModel endpoint, EndpointSecrets secrets, CopyMessage message, DateTimeOffset now, CancellationToken deadline) =>
        SendAsync(endpoint, secrets, new CopyBatch(now, [.. message.Fields.Select(field => field.Name)], [message]), now, deadline);

    public Task<AttemptResult> SendAsync(EndpointModel endpoint, EndpointSecrets secrets, CopyBatch batch, DateTimeOffset now, CancellationToken deadline)
    {
        if (endpoint.Sftp is null) return Task.FromResult(new AttemptResult(AttemptKind.NotSent, "no_connector"));
        Task<AttemptResult> Put() => calls.RunAsync(endpoint, limited => PutAsync(endpoint, secrets.Find(endpoint.SecretName), batch, limited), deadline);
        var sftp = endpoint.Sftp;
        return CallTrace.Current is { } trace
            ? trace.PassAsync("file", $"{sftp.User}@{sftp.Host}:{sftp.Port} {sftp.Folder.TrimEnd('/')}/{LeadFile.NameOf(batch, sftp.Format)}", Encoding.UTF8.GetString(LeadFile.Bytes(batch, sftp.Format)), Put) : Put();
    }

    private async Task<AttemptResult> PutAsync(EndpointModel endpoint, byte[]? secret, CopyBatch batch, CancellationToken deadline)
    {
        if (secret is null) return new(AttemptKind.NotSent, "secret_missing");
        var sftp = endpoint.Sftp!;
        var (name, renaming, mismatch) = (LeadFile.NameOf(batch, sftp.Format), false, false);
        try
        {
            using var key = KeyOf(secret);
            if (key is null) return new(AttemptKind.NotSent, "secret_invalid");
            var server = $"{endpoint.Buyer}/{endpoint.Name}/{sftp.Host}:{sftp.Port}";
            var before = sftp.HostKeys.Count > 0 ? null : await known.FindAsync(server, deadline);
            string? seen = null;
            using var client = await ConnectAsync(sftp.Host, sftp.Port, sftp.User, key, print =>
            {
                seen = print;
                var trusted = sftp.HostKeys.Count > 0 ? sftp.HostKeys.Contains(print) : before is null || before == print;
                mismatch = !trusted;
                return trusted;
            }, deadline);
            // Another server of ours may have seen another key meanwhile: the first one counts for all.
            if (sftp.HostKeys.Count == 0 && before is null && await known.RememberAsync(server, seen!, deadline) != seen) return new(AttemptKind.NotSent, "host_key_changed");

            var folder = sftp.Folder.TrimEnd('/');
            var (path, part) = ($"{folder}/{name}", $"{folder}/.{name}.part");
            // Ours from an attempt whose end we did not see: it was whole when it got this name.
            if (await client.ExistsAsync(path, deadline)) return new(AttemptKind.Accepted, Ref: name);
            using (var bytes = new MemoryStream(LeadFile.Bytes(batch, sftp.Format), writable: false)) await client.UploadFileAsync(bytes, part, canOverride: true, null, deadline);
            renaming = true;
            await client.RenameFileAsync(part, path, deadline);
            return new(AttemptKind.Accepted, Ref: name);
        }
        // Every exception, also one nobody thought of: what may have arrived must come back as doubt and not as a failure of ours.
        catch (Exception fault) when (fault is not OutOfMemoryException)
        {
            // Before it gets its name there is no file for the buyer; and a server that says no to the name has not given it.
            var answered = fault is SftpPathNotFoundException or SftpPermissionDeniedException or SftpException;
            return new(renaming && !answered ? AttemptKind.Unknown : AttemptKind.NotSent, mismatch ? "host_key_changed" : Code(fault, deadline));
        }
    }

    private static PrivateKeyFile? KeyOf(byte[] secret)
    {
        try
        {
            using var text = new MemoryStream(secret, writable: false);
            return new(text);
        }
        catch (Exception fault) when (fault is SshException or InvalidOperationException or FormatException or ArgumentException or NotSupportedException)
        {
            return null;
        }
    }

    /// <summary>By the checked address, so that no second look-up leads elsewhere; who answers there is judged by its key.</summary>
    private async Task<SftpClient> ConnectAsync(string host, int port, string user, PrivateKeyFile key, Func<string, bool> isTrusted, CancellationToken deadline)
    {
        var addresses = await hosts.FindAsync(host, deadline);
        for (var i = 0; ; i++)
        {
            var client = new SftpClient(new ConnectionInfo(addresses[i].ToString(), port, user, new PrivateKeyAuthenticationMethod(user, key)) { RetryAttempts = 1, Encoding = Encoding.UTF8 });
            client.HostKeyReceived += (_, received) => received.CanTrust = isTrusted(received.FingerPrintSHA256);
            try
            {
                await client.ConnectAsync(deadline);
                return client;
            }
            catch (SocketException) when (i + 1 < addresses.Length)
            {
                client.Dispose();
            }
            catch
            {
                client.Dispose();
                throw;
            }
        }
    }

    private static string Code(Exception fault, CancellationToken deadline) => deadline.IsCancellationRequested ? "timeout" : fault switch
    {
        ConnectRefusedException refused => refused.Code,
        SocketException socket => PublicHosts.CodeOf(socket),
        SshAuthenticationException => "sftp_auth",
        SftpPathNotFoundException => "folder_missing",
        SftpPermissionDeniedException => "permission_denied",
        SftpException => "sftp_failed",
        SshOperationTimeoutException => "timeout",
        _ => "connection_lost",
    };
}
