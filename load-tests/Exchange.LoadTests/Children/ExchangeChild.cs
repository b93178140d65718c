using System.Globalization;
using System.Security.Cryptography;

namespace Exchange.LoadTests.Children;

/// <summary>
/// The exchange as a child process with a data folder of its own under the temporary files, an admin key made for this run and free ports.
/// Ends with this object: process stopped, folder gone.
/// </summary>
internal sealed class ExchangeChild : IAsyncDisposable
{
    private static readonly TimeSpan StartPatience = TimeSpan.FromSeconds(60);

    private readonly ChildProcess _process;
    private readonly string _folder;

    private ExchangeChild(ChildProcess process, string folder, string adminKey, int[] ports)
    {
        _process = process;
        _folder = folder;
        AdminKey = adminKey;
        Http = new Uri($"http://localhost:{ports[0]}");
        Grpc = new Uri($"http://localhost:{ports[1]}");
        Management = new Uri($"http://localhost:{ports[2]}");
    }

    public string AdminKey { get; }
    public Uri Http { get; }
    public Uri Grpc { get; }
    public Uri Management { get; }
    public int ProcessId => _process.ProcessId;
    public TimeSpan ProcessorTime => _process.ProcessorTime;
    /// <summary>Its resident memory.</summary>
    public double MemoryMb => _process.MemoryMb;

    /// <summary>Starts it and waits until it is ready to trade.</summary>
    /// <param name="assembly">The server's assembly; null: the one built beside this program.</param>
    /// <param name="environment"><c>Development</c> or <c>Production</c>.</param>
    /// <param name="more">Further settings.</param>
    public static async Task<ExchangeChild> StartAsync(string? assembly, string environment, CancellationToken cancel, IReadOnlyDictionary<string, string>? more = null)
    {
        assembly = assembly is null ? FindAssembly() : Path.GetFullPath(assembly);
        if (!File.Exists(assembly))
        {
            throw new RunFailedException($"There is no server at {assembly}.");
        }

        var ports = FreePorts.Find(3);
        var folder = Directory.CreateTempSubdirectory("exchange-").FullName;
        var adminKey = "demo_" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));
        var settings = new Dictionary<string, string>
        {
            ["EXCHANGE_ADMIN_KEY"] = adminKey,
            ["ASPNETCORE_ENVIRONMENT"] = environment,
            ["DOTNET_ENVIRONMENT"] = environment,
            // In Production it would listen on every address of the machine.
            ["Exchange__Listen"] = "localhost",
            ["Exchange__Data"] = folder,
            ["Exchange__Http__Port"] = Text(ports[0]),
            ["Exchange__Grpc__Port"] = Text(ports[1]),
            ["Exchange__Management__Port"] = Text(ports[2]),
            // A load that waits for its answers is none that is turned away, however slow this machine is.
            ["Exchange__Intake__OverloadAfterMs"] = "60000",
        };
        foreach (var (name, value) in more ?? new Dictionary<string, string>())
        {
            settings[name] = value;
        }

        ExchangeChild? exchange = null;
        try
        {
            exchange = new ExchangeChild(ChildProcess.Start(assembly, [], settings), folder, adminKey, ports);
            await exchange.WaitUntilReadyAsync(cancel);
            return exchange;
        }
        catch
        {
            if (exchange is not null)
            {
                await exchange.DisposeAsync();
            }
            else
            {
                Directory.Delete(folder, recursive: true);
            }

            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _process.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private async Task WaitUntilReadyAsync(CancellationToken cancel)
    {
        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(5) };
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        patience.CancelAfter(StartPatience);
        var ready = new Uri(Management, "/health/ready");
        try
        {
            while (!await IsReadyAsync(http, ready, patience.Token))
            {
                if (_process.HasExited)
                {
                    throw new RunFailedException($"The server ended while it started. Its last lines:{Environment.NewLine}{_process.Tail}");
                }

                await Task.Delay(TimeSpan.FromMilliseconds(100), patience.Token);
            }
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            throw new RunFailedException($"The server was not ready after {StartPatience.TotalSeconds:0} s. Its last lines:{Environment.NewLine}{_process.Tail}");
        }
    }

    private static async Task<bool> IsReadyAsync(HttpClient http, Uri ready, CancellationToken cancel)
    {
        try
        {
            using var answer = await http.GetAsync(ready, cancel);
            return answer.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
        catch (TaskCanceledException) when (!cancel.IsCancellationRequested)
        {
            return false;
        }
    }

    /// <summary>Walks up to the repository and takes the build of the same configuration as this program, else the other one.</summary>
    internal static string FindAssembly()
    {
        var own = AppContext.BaseDirectory;
        string[] configurations = own.Contains($"{Path.DirectorySeparatorChar}Debug{Path.DirectorySeparatorChar}", StringComparison.Ordinal)
            ? ["Debug", "Release"]
            : ["Release", "Debug"];
        for (var folder = new DirectoryInfo(own); folder is not null; folder = folder.Parent)
        {
            var server = Path.Combine(folder.FullName, "src", "Exchange.Server");
            if (!Directory.Exists(server))
            {
                continue;
            }

            var built = configurations.Select(configuration => Path.Combine(server, "bin", configuration, "net10.0", "exchange.dll")).FirstOrDefault(File.Exists);
            return built ?? throw new RunFailedException("The server is not built: dotnet build -c Release src/Exchange.Server");
        }

        throw new RunFailedException("The server is not found from here. Name its exchange.dll with --server, or a running exchange with --url and --key.");
    }

    private static string Text(int port) => port.ToString(CultureInfo.InvariantCulture);
}
