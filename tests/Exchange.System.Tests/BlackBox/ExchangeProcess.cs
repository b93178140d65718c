using System.Diagnostics;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Exchange.Storage.Audit;
using Exchange.Storage.Postgres;
using Exchange.Storage.Sqlite;

namespace Exchange.System.Tests.BlackBox;

/// <summary>
/// The real server as a process of its own, on free ports, with a data folder of its own; started, killed and restarted by a test. It is
/// known only by what the outside sees: HTTP, gRPC, files.
/// </summary>
public sealed class ExchangeProcess : IAsyncDisposable
{
    public const string AdminKey = "admin-key-of-a-test-0123456789";

    private static readonly TimeSpan StartPatience = TimeSpan.FromSeconds(60);
    private readonly StringBuilder output = new();
    private readonly bool keepFolder;
    private readonly string[] through;
    private Process? process;
    private string? database;

    private ExchangeProcess(string folder, bool keepFolder, string[] through)
    {
        Folder = folder;
        this.through = through;
        this.keepFolder = keepFolder;
        HttpPort = FreePorts.Next();
        GrpcPort = FreePorts.Next();
        ManagementPort = FreePorts.Next();
        Http = new HttpClient(new SocketsHttpHandler { MaxConnectionsPerServer = 256 }) { BaseAddress = new Uri($"http://127.0.0.1:{HttpPort}"), Timeout = TimeSpan.FromSeconds(60) };
    }

    public string Folder { get; }
    public int HttpPort { get; }
    public int GrpcPort { get; }
    public int ManagementPort { get; }
    public HttpClient Http { get; }
    public int ProcessId => process!.Id;
    public bool HasExited => process!.HasExited;

    /// <summary>Everything the process has printed so far, across restarts.</summary>
    public string Output { get { lock (output) return output.ToString(); } }

    /// <param name="through">A program that runs the server in its own place and is replaced by it, with its arguments.</param>
    public static async Task<ExchangeProcess> StartAsync(string? folder = null, IReadOnlyDictionary<string, string>? environment = null, bool adminKeyFromEnvironment = true, string[]? through = null)
    {
        var keep = folder is not null;
        folder ??= Directory.CreateTempSubdirectory("exchange-test-").FullName;
        var exchange = new ExchangeProcess(folder, keep, through ?? []);
        await exchange.LaunchAsync(environment, adminKeyFromEnvironment);
        return exchange;
    }

    /// <summary>kill -9, then the same command again on the same folder and ports.</summary>
    public async Task KillAndRestartAsync(IReadOnlyDictionary<string, string>? environment = null)
    {
        Kill();
        await RestartAsync(environment);
    }

    /// <summary>The same command again on the same folder and ports, after a stop or a kill.</summary>
    public Task RestartAsync(IReadOnlyDictionary<string, string>? environment = null) => LaunchAsync(environment, true);

    public void Kill()
    {
        process!.Kill();
        process.WaitForExit();
    }

    /// <param name="signal">Without its SIG.</param>
    public Task SignalAsync(string signal) => Signal.SendAsync(process!, signal);

    /// <summary>SIGTERM, as an operator or a container runtime ends it.</summary>
    public async Task<int> StopAsync()
    {
        await SignalAsync("TERM");
        await process!.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(60));
        return process.ExitCode;
    }

    /// <summary>Runs the executable's command line to its end.</summary>
    public static async Task<(int Code, string Output, string Error)> CliAsync(IReadOnlyDictionary<string, string>? environment, params string[] arguments)
    {
        var start = StartInfo(arguments);
        foreach (var (name, value) in environment ?? new Dictionary<string, string>()) start.Environment[name] = value;
        using var cli = Process.Start(start)!;
        var standard = cli.StandardOutput.ReadToEndAsync();
        var error = cli.StandardError.ReadToEndAsync();
        await cli.WaitForExitAsync().WaitAsync(StartPatience);
        return (cli.ExitCode, await standard, await error);
    }

    public Task<(int Code, string Output, string Error)> CliAsync(params string[] arguments) => CliAsync(
        new Dictionary<string, string> { ["EXCHANGE_URL"] = $"http://127.0.0.1:{HttpPort}", ["EXCHANGE_KEY"] = AdminKey }, arguments);

    /// <summary>One call; the body as text and parsed where it is JSON.</summary>
    public async Task<Reply> SendAsync(
        HttpMethod method, string path, string? key, string? body = null, string contentType = "application/json", params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method, path);
        if (key is not null) request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        if (body is not null)
        {
            request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
            request.Content.Headers.ContentType = MediaTypeHeaderValue.Parse(contentType);
        }
        foreach (var (name, value) in headers) request.Headers.TryAddWithoutValidation(name, value);
        using var response = await Http.SendAsync(request);
        var text = await response.Content.ReadAsStringAsync();
        return new Reply((int)response.StatusCode, text, response.Headers.ToDictionary(header => header.Key, header => string.Join(",", header.Value), StringComparer.OrdinalIgnoreCase));
    }

    public Task<Reply> GetAsync(string path, string? key = AdminKey) => SendAsync(HttpMethod.Get, path, key);

    public Task<Reply> PostAsync(string path, string? key, object body, params (string Name, string Value)[] headers) =>
        SendAsync(HttpMethod.Post, path, key, body as string ?? JsonSerializer.Serialize(body), "application/json", headers);

    public async Task ApplyAsync(string yaml)
    {
        var reply = await SendAsync(HttpMethod.Put, "/v1/admin/catalog", AdminKey, yaml, "application/yaml", ("If-Match", "*"));
        if (reply.Status != 200) throw new InvalidOperationException($"apply answered {reply.Status}: {reply.Text}");
    }

    public async Task<string> KeyAsync(string role, string id, string mode = "live")
    {
        var reply = await PostAsync("/v1/admin/keys", AdminKey, new { role, @for = id, mode });
        if (reply.Status is not (200 or 201)) throw new InvalidOperationException($"keys answered {reply.Status}: {reply.Text}");
        return reply.Json["key"]!.GetValue<string>();
    }

    public async Task<string> MetricsAsync()
    {
        using var client = new HttpClient();
        return await client.GetStringAsync(new Uri($"http://127.0.0.1:{ManagementPort}/metrics"));
    }

    public static string Data(string file) => File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "data", file));

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        if (process is { HasExited: false }) Kill();
        process?.Dispose();
        await AuditAsync();
        if (!keepFolder) Directory.Delete(Folder, recursive: true);
    }

    /// <summary>Whatever a test did to the exchange, its invariants hold afterwards.</summary>
    private async Task AuditAsync()
    {
        if (database is null && !File.Exists(Path.Combine(Folder, SqliteStore.FactsFile))) return;
        using var postgres = database is null ? null : new PostgresAudits(database);
        using var sqlite = database is null ? new SqliteAudits(Folder) : null;
        var found = (await (postgres ?? (IAudits)sqlite!).RunAsync(TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds(), default)).Checks.SelectMany(check => check.Findings.Select(finding => $"{check.Id} {finding.Subject}: {finding.What}")).ToList();
        if (found.Count > 0) throw new InvalidOperationException("The audit found:\n" + string.Join('\n', found) + "\n" + Output);
    }

    private async Task LaunchAsync(IReadOnlyDictionary<string, string>? environment, bool adminKey)
    {
        database = environment?.GetValueOrDefault("Exchange__Postgres");
        var start = StartInfo([], through);
        start.Environment["ASPNETCORE_ENVIRONMENT"] = "Development";
        start.Environment["Exchange__Data"] = Folder;
        start.Environment["Exchange__Http__Port"] = Text(HttpPort);
        start.Environment["Exchange__Grpc__Port"] = Text(GrpcPort);
        start.Environment["Exchange__Management__Port"] = Text(ManagementPort);
        start.Environment["Exchange__Delivery__AllowLoopback"] = "true";
        // Tests run side by side on few cores: a queue that stands for a while is the machine's doing.
        start.Environment["Exchange__Intake__OverloadAfterMs"] = "60000";
        if (adminKey) start.Environment["EXCHANGE_ADMIN_KEY"] = AdminKey;
        foreach (var (name, value) in environment ?? new Dictionary<string, string>()) start.Environment[name] = value;
        process = Process.Start(start)!;
        process.OutputDataReceived += (_, line) => { if (line.Data is not null) lock (output) output.AppendLine(line.Data); };
        process.ErrorDataReceived += (_, line) => { if (line.Data is not null) lock (output) output.AppendLine(line.Data); };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        using var client = new HttpClient { Timeout = TimeSpan.FromSeconds(2) };
        var clock = Stopwatch.StartNew();
        while (clock.Elapsed < StartPatience)
        {
            if (process.HasExited) throw new InvalidOperationException($"The exchange ended with {process.ExitCode}:\n{Output}");
            try
            {
                using var ready = await client.GetAsync(new Uri($"http://127.0.0.1:{ManagementPort}/health/ready"));
                if (ready.IsSuccessStatusCode) return;
            }
            catch (Exception fault) when (fault is HttpRequestException or TaskCanceledException or SocketException) { }
            await Task.Delay(50);
        }
        throw new TimeoutException($"The exchange was not ready in {StartPatience}:\n{Output}");
    }

    private static ProcessStartInfo StartInfo(string[] arguments, string[]? through = null)
    {
        string[] words = [.. through ?? [], "dotnet", ServerDll(), .. arguments];
        var start = new ProcessStartInfo(words[0]) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        foreach (var argument in words[1..]) start.ArgumentList.Add(argument);
        // Two cores and many servers side by side: a heap per core is not what a test needs.
        start.Environment["DOTNET_gcServer"] = "0";
        return start;
    }

    /// <summary>The one that <c>tests/run</c> published, else that of the same build in the same configuration, as the project reference says.</summary>
    public static string ServerDll() =>
        Environment.GetEnvironmentVariable("EXCHANGE_TESTS_SERVER") ?? Repository.Path("src", "Exchange.Server", "bin", Repository.Configuration, "net10.0", "exchange.dll");

    private static string Text(int number) => number.ToString(global::System.Globalization.CultureInfo.InvariantCulture);
}

/// <summary>One HTTP answer.</summary>
public sealed record Reply(int Status, string Text, IReadOnlyDictionary<string, string> Headers)
{
    public JsonNode Json => JsonNode.Parse(Text)!;
    public string? Code => Text.Length == 0 ? null : Json["code"]?.GetValue<string>();
    public string? this[string member] => Json[member]?.ToString();
}
