using System.Diagnostics;

namespace Exchange.System.Tests.BlackBox;

/// <summary>The load tests' program (<c>load-tests/Exchange.LoadTests</c>), built by the same build in the same configuration.</summary>
internal static class LoadTool
{
    public static ProcessStartInfo StartInfo(params string[] arguments)
    {
        var dll = Repository.Path("load-tests", "Exchange.LoadTests", "bin", Repository.Configuration, "net10.0", "Exchange.LoadTests.dll");
        var start = new ProcessStartInfo("dotnet", [dll, .. arguments]) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["DOTNET_gcServer"] = "0";
        return start;
    }

    /// <summary>Runs it to its end, which must be a good one. Gives the cells of the rows of its tables: <c>│ name │ value │</c>.</summary>
    public static async Task<IReadOnlyList<string[]>> TablesAsync(TimeSpan patience, params string[] arguments)
    {
        using var process = Process.Start(StartInfo(arguments))!;
        var reading = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        try
        {
            await process.WaitForExitAsync().WaitAsync(patience);
        }
        finally
        {
            if (!process.HasExited) process.Kill(entireProcessTree: true);
        }
        var output = await reading;
        Assert.True(process.ExitCode == 0, output + await error);
        return [.. output.Split('\n').Where(line => line.Contains('│', StringComparison.Ordinal)).Select(line => line.Split('│', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))];
    }
}
