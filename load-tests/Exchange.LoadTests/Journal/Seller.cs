using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Exchange.LoadTests.Children;

namespace Exchange.LoadTests.Journal;

/// <summary>A process that sells through a journal of its own (<see cref="JournalSellCommand"/>).</summary>
internal sealed class Seller : IDisposable
{
    private static readonly TimeSpan StartPatience = TimeSpan.FromSeconds(60);

    private readonly Process _process;

    private Seller(Process process) => _process = process;

    /// <summary>What became of its sales.</summary>
    public sealed record Outcome(int Done, int Refused, int Failed, IReadOnlyList<Wait> Longest, double PerSecond, long Retries);

    /// <summary>Done when it has its store open.</summary>
    public static async Task<Seller> StartAsync(string database, int campaigns, long cap, int sales, int seconds, int callers, CancellationToken cancel)
    {
        var start = new ProcessStartInfo(ChildProcess.DotnetHost()) { RedirectStandardInput = true, RedirectStandardOutput = true };
        foreach (var word in (string[])[typeof(Seller).Assembly.Location, "journal-sell", "--connection", database, "--campaigns", Number(campaigns), "--cap", Number(cap), "--sales", Number(sales), "--seconds", Number(seconds), "--callers", Number(callers)])
            start.ArgumentList.Add(word);
        var seller = new Seller(Process.Start(start) ?? throw new RunFailedException("A seller did not start."));
        if (await seller._process.StandardOutput.ReadLineAsync(cancel).AsTask().WaitAsync(StartPatience, cancel) == JournalSellCommand.Ready) return seller;
        seller.Dispose();
        throw new RunFailedException("A seller could not open its store.");
    }

    public void Go() => _process.StandardInput.WriteLine("go");

    public async Task<Outcome> EndAsync(CancellationToken cancel)
    {
        var line = await _process.StandardOutput.ReadLineAsync(cancel);
        await _process.WaitForExitAsync(cancel);
        return line is null ? throw new RunFailedException($"A seller ended with {_process.ExitCode} and no word.") : JsonSerializer.Deserialize<Outcome>(line)!;
    }

    /// <param name="signal">STOP or CONT.</param>
    public Task SignalAsync(string signal) => Signal.SendAsync(_process, signal);

    public void Dispose()
    {
        // kill -9 ends also who is stopped.
        if (!_process.HasExited) _process.Kill();
        _process.Dispose();
    }

    private static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);
}
