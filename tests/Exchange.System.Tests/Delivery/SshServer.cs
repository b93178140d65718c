using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Exchange.System.Tests.Delivery;

/// <summary>
/// A real OpenSSH server of a test's own: a free loopback port, keys and folders of its own, and the rights of a user who is not root, so that a folder's permissions hold. Files are in
/// <see cref="Inbox"/>.
/// </summary>
internal sealed class SshServer : IAsyncDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("exchange-ssh-").FullName;
    private Process? process;

    public int Port { get; } = FreePorts.Next();
    /// <summary>Whose rights it has, and who alone may come in.</summary>
    public static string User => Environment.IsPrivilegedProcess ? "daemon" : Environment.UserName;
    public string Inbox => Path.Combine(folder, "inbox");
    /// <summary>The private key that opens it.</summary>
    public byte[] ClientKey => File.ReadAllBytes(Path.Combine(folder, "client"));
    /// <summary>What files there are, but for those that are being written.</summary>
    public string[] Files => [.. Directory.GetFiles(Inbox).Select(Path.GetFileName).OfType<string>().Where(name => !name.StartsWith('.')).Order(StringComparer.Ordinal)];
    public string[] Parts => [.. Directory.GetFiles(Inbox, ".*").Select(Path.GetFileName).OfType<string>()];
    public string Read(string file) => File.ReadAllText(Path.Combine(Inbox, file));

    public static async Task<SshServer> StartAsync()
    {
        var server = new SshServer();
        await RunAsync("chmod", "755", server.folder);
        Directory.CreateDirectory(server.Inbox);
        foreach (var name in (string[])["host", "client"]) await KeyAsync(Path.Combine(server.folder, name));
        await File.WriteAllTextAsync(Path.Combine(server.folder, "sshd_config"), string.Create(CultureInfo.InvariantCulture, $"""
            ListenAddress 127.0.0.1
            Port {server.Port}
            HostKey {server.folder}/host
            PidFile none
            AuthorizedKeysFile {server.folder}/client.pub
            StrictModes no
            UsePAM no
            PasswordAuthentication no
            KbdInteractiveAuthentication no
            Subsystem sftp internal-sftp
            ForceCommand internal-sftp
            """));
        // Its own key file must be its own.
        if (Environment.IsPrivilegedProcess)
        {
            await RunAsync("chown", User, Path.Combine(server.folder, "host"), server.Inbox);
            await RunAsync("chmod", "644", Path.Combine(server.folder, "client.pub"));
        }
        await server.RestartAsync();
        return server;
    }

    /// <summary>Another host key, as of another server at the same address.</summary>
    public async Task ChangeHostKeyAsync()
    {
        Kill();
        foreach (var file in (string[])["host", "host.pub"]) File.Delete(Path.Combine(folder, file));
        await KeyAsync(Path.Combine(folder, "host"));
        if (Environment.IsPrivilegedProcess) await RunAsync("chown", User, Path.Combine(folder, "host"));
        await RestartAsync();
    }

    /// <summary>Its host key as a catalog pins it.</summary>
    public async Task<string> FingerprintAsync() => (await RunAsync("ssh-keygen", "-lf", Path.Combine(folder, "host.pub"))).Split(' ')[1];

    public static async Task<byte[]> AnotherKeyAsync()
    {
        var file = Path.Combine(Directory.CreateTempSubdirectory("exchange-key-").FullName, "key");
        await KeyAsync(file);
        return await File.ReadAllBytesAsync(file);
    }

    public Task ModeAsync(string mode) => RunAsync("chmod", mode, Inbox);

    /// <summary>kill -9, with the sessions that it serves.</summary>
    public void Kill()
    {
        process!.Kill(entireProcessTree: true);
        process.WaitForExit();
    }

    public async Task RestartAsync()
    {
        string[] sshd = ["/usr/sbin/sshd", "-D", "-e", "-f", Path.Combine(folder, "sshd_config")];
        string[] words = Environment.IsPrivilegedProcess ? ["setpriv", $"--reuid={User}", "--regid=nogroup", "--clear-groups", .. sshd] : sshd;
        var start = new ProcessStartInfo(words[0]) { RedirectStandardError = true };
        foreach (var word in words[1..]) start.ArgumentList.Add(word);
        process = Process.Start(start) ?? throw new InvalidOperationException("sshd did not start");
        var said = new global::System.Text.StringBuilder();
        process.ErrorDataReceived += (_, line) => { lock (said) said.AppendLine(line.Data); };
        process.BeginErrorReadLine();
        var clock = Stopwatch.StartNew();
        while (true)
        {
            if (process.HasExited || clock.Elapsed > TimeSpan.FromSeconds(20)) throw new InvalidOperationException($"The tests need OpenSSH (apt-get install openssh-server): {said}");
            try
            {
                using var client = new TcpClient();
                await client.ConnectAsync(IPAddress.Loopback, Port);
                return;
            }
            catch (SocketException) { }
            await Task.Delay(20);
        }
    }

    private static Task<string> KeyAsync(string file) => RunAsync("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", file);

    private static async Task<string> RunAsync(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program) { RedirectStandardOutput = true };
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        using var run = Process.Start(start)!;
        var output = await run.StandardOutput.ReadToEndAsync();
        await run.WaitForExitAsync();
        return run.ExitCode == 0 ? output : throw new InvalidOperationException($"{program} ended with {run.ExitCode}");
    }

    public ValueTask DisposeAsync()
    {
        if (process is { HasExited: false }) Kill();
        process?.Dispose();
        Directory.Delete(folder, recursive: true);
        return ValueTask.CompletedTask;
    }
}
