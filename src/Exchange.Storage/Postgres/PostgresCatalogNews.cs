using Microsoft.Extensions.Logging;
using Npgsql;

namespace Exchange.Storage.Postgres;

/// <summary>News of catalogs by LISTEN, on a connection of its own that is made again when it is lost.</summary>
internal sealed class PostgresCatalogNews(NpgsqlDataSource source, TimeProvider time, ILogger logger) : ICatalogNews
{
    public const string Channel = "exchange_catalog";

    private static readonly TimeSpan BeforeAgain = TimeSpan.FromSeconds(1);

    public async Task ListenAsync(Func<Task> heard, CancellationToken cancel)
    {
        try
        {
            while (true)
            {
                try { await HearAsync(heard, cancel).ConfigureAwait(false); }
                // Whatever it is, a login that is refused for a while too: who cannot listen looks from time to time.
                catch (Exception fault) when (fault is not OperationCanceledException || !cancel.IsCancellationRequested)
                {
                    logger.LogWarning("News of catalogs are not heard for the moment: {Fault}", fault.Message);
                    await Task.Delay(BeforeAgain, time, cancel).ConfigureAwait(false);
                }
            }
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested) { }
    }

    private async Task HearAsync(Func<Task> heard, CancellationToken cancel)
    {
        await using var connection = await source.OpenConnectionAsync(cancel).ConfigureAwait(false);
        await connection.RunAsync($"LISTEN {Channel}", cancel).ConfigureAwait(false);
        while (true)
        {
            await heard().ConfigureAwait(false);
            await connection.WaitAsync(cancel).ConfigureAwait(false);
        }
    }
}
