using System.Collections.Concurrent;
using Exchange.LoadTests.Admin;
using Exchange.LoadTests.Leads;
using Spectre.Console;

namespace Exchange.LoadTests.Demo;

/// <summary>One campaign's sales in this run.</summary>
internal sealed record CampaignTotal(string Campaign, int Copies, decimal Revenue, decimal Payout)
{
    public decimal Margin => Revenue - Payout;
}

/// <summary>Everything the closing table shows. Money is read from the exchange's books, lead by lead, not added up from promises.</summary>
/// <param name="Answered">Pings that got an answer, offered or not.</param>
/// <param name="Waiting">Leads that are pending or in doubt at the end.</param>
/// <param name="Reasons">Why pings got no offer or posts were not sold, by wire name.</param>
/// <param name="Refusals">Requests that the exchange did not take, by status and code.</param>
/// <param name="BooksDiffer">Copies and ledger do not say the same: a fault of the exchange.</param>
internal sealed record DemoOutcome(
    string Currency, int Sent, int Answered, int Offered, int Sold, int Waiting, IReadOnlyList<CampaignTotal> Campaigns,
    IReadOnlyList<(string Reason, int Count)> Reasons, IReadOnlyList<(string Refusal, int Count)> Refusals, bool BooksDiffer, TimeSpan Took)
{
    public decimal Revenue => Campaigns.Sum(campaign => campaign.Revenue);
    public decimal Payout => Campaigns.Sum(campaign => campaign.Payout);
    public bool IsClean => Refusals.Count == 0 && !BooksDiffer;
}

/// <summary>The stream: each consumer is pinged, and posted when there is an offer.</summary>
internal sealed class DemoRun
{
    private readonly ConcurrentDictionary<string, int> _reasons = new();
    private readonly ConcurrentDictionary<string, int> _refusals = new();
    private readonly ConcurrentBag<string> _leads = [];
    private int _answered;
    private int _offered;

    private DemoRun()
    {
    }

    public static async Task<DemoOutcome> RunAsync(Uri exchange, AdminClient admin, DemoOptions options, IAnsiConsole console, CancellationToken cancel)
    {
        var catalog = await admin.ReadCatalogAsync(cancel);
        var keys = new Dictionary<string, IssuedKey>();
        try
        {
            foreach (var publisher in catalog.Publishers)
            {
                keys[publisher.Id] = await admin.IssuePublisherKeyAsync(publisher.Id, cancel);
            }

            return await new DemoRun().SendAsync(exchange, admin, catalog, keys, options, console, cancel);
        }
        finally
        {
            // A party may hold two live keys only: what was made for this run goes with it, also when the run was stopped.
            foreach (var key in keys.Values)
            {
                await admin.RevokeKeyAsync(key.Id, CancellationToken.None);
            }
        }
    }

    private async Task<DemoOutcome> SendAsync(
        Uri exchange, AdminClient admin, CatalogShape catalog, Dictionary<string, IssuedKey> keys, DemoOptions options, IAnsiConsole console, CancellationToken cancel)
    {
        var verticals = catalog.Verticals.ToDictionary(vertical => vertical.Id);
        var sources = (from publisher in catalog.Publishers
                       from vertical in publisher.Verticals
                       where verticals.ContainsKey(vertical)
                       select (Key: keys[publisher.Id].Key, Vertical: verticals[vertical])).ToList();
        if (sources.Count == 0)
        {
            throw new RunFailedException("The catalog has no active publisher with a vertical: nothing can be sent.");
        }

        var clock = TimeProvider.System;
        var maker = new LeadMaker(options.Seed, DateOnly.FromDateTime(clock.GetUtcNow().UtcDateTime));
        using var intake = new IntakeClient(exchange, options.Concurrency);
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = options.Concurrency, CancellationToken = cancel };
        var began = clock.GetTimestamp();
        var took = TimeSpan.Zero;
        var books = new Books();
        await console.Progress()
            .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn())
            .StartAsync(async progress =>
            {
                var sending = progress.AddTask("Pings and posts", maxValue: options.Pings);
                await Parallel.ForEachAsync(Enumerable.Range(0, options.Pings), parallel, async (index, stop) =>
                {
                    var (key, vertical) = sources[index % sources.Count];
                    await SendOneAsync(intake, key, maker.Make(vertical, index), clock, stop);
                    sending.Increment(1);
                });
                took = clock.GetElapsedTime(began);
                var reading = progress.AddTask("Reading the books", maxValue: Math.Max(1, _leads.Count));
                await Parallel.ForEachAsync(_leads, parallel, async (lead, stop) =>
                {
                    books.Add(await admin.ReadCopiesAsync(lead, stop), await admin.ReadTransfersAsync(lead, stop));
                    reading.Increment(1);
                });
                reading.Value = reading.MaxValue;
            });
        return new DemoOutcome(
            catalog.Currency, options.Pings, _answered, _offered, books.Sold, books.Waiting, books.Campaigns, Sorted(_reasons), Sorted(_refusals), books.Differ, took);
    }

    private async Task SendOneAsync(IntakeClient intake, string key, MadeLead lead, TimeProvider clock, CancellationToken cancel)
    {
        try
        {
            var ping = await intake.PingAsync(key, lead, cancel);
            Interlocked.Increment(ref _answered);
            if (!ping.Offered)
            {
                Count(_reasons, ping.Reason ?? "no_reason_given");
                return;
            }

            Interlocked.Increment(ref _offered);
            var post = await intake.PostAsync(key, lead, ping, clock.GetUtcNow(), cancel);
            _leads.Add(post.LeadId);
            if (post.Status == "unsold")
            {
                Count(_reasons, post.Reason ?? "no_reason_given");
            }
        }
        catch (RefusedException refusal)
        {
            Count(_refusals, refusal.Message);
        }
    }

    private static void Count(ConcurrentDictionary<string, int> counts, string name) => counts.AddOrUpdate(name, 1, (_, count) => count + 1);

    private static List<(string, int)> Sorted(ConcurrentDictionary<string, int> counts) =>
        [.. counts.OrderByDescending(pair => pair.Value).ThenBy(pair => pair.Key, StringComparer.Ordinal).Select(pair => (pair.Key, pair.Value))];
}
