using System.Net.Http.Headers;
using System.Text.Json;
using Exchange.LoadTests.Children;
using Spectre.Console;

namespace Exchange.LoadTests.Admin;

/// <summary>The exchange's own audit at the end of a run: what was measured counts for nothing if a cap, a cent or a lead was lost for it.</summary>
internal static class BooksAudit
{
    private const int Told = 2_000;

    /// <summary>It reads every row of a run.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    /// <summary>Prints what it says. True: clean.</summary>
    public static Task<bool> IsCleanAsync(ExchangeChild exchange, CancellationToken cancel) => IsCleanAsync(exchange.Http, exchange.AdminKey, AnsiConsole.Console, cancel);

    public static async Task<bool> IsCleanAsync(Uri exchange, string adminKey, IAnsiConsole console, CancellationToken cancel)
    {
        using var http = new HttpClient { BaseAddress = exchange, Timeout = Patience };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", adminKey);
        using var report = JsonDocument.Parse(await http.GetStringAsync(new Uri("/v1/admin/audit", UriKind.Relative), cancel));
        var clean = report.RootElement.GetProperty("clean").GetBoolean();
        var text = report.RootElement.ToString();
        console.WriteLine("The audit: " + (clean ? "clean" : text[..Math.Min(Told, text.Length)]));
        return clean;
    }
}
