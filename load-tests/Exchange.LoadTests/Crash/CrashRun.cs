using System.Data.Common;
using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text.Json;
using Exchange.Engine;
using Exchange.LoadTests.Admin;
using Exchange.LoadTests.Children;
using Microsoft.Data.Sqlite;
using Npgsql;

namespace Exchange.LoadTests.Crash;

internal sealed record CrashOptions(int Cycles, TimeSpan Most, bool Points, bool Postgres, int Silos, int Seed, int Workers, string? Server, string? History, string? Log);

/// <summary>What a run came to.</summary>
/// <param name="Cycles">Deaths at random moments.</param>
/// <param name="Reached">Fault points at which a process died, of those that there are.</param>
/// <param name="Missed">Points that were never passed.</param>
/// <param name="Forgotten">Persons who were forgotten, each brought back in the end.</param>
/// <param name="Resolved">Copies in doubt that were ended by the operator: where their buyer was sure, and <paramref name="Settled"/> in the end, where only he ends them or it was not to be asked again for long.</param>
/// <param name="LostPingsMs">Of the pings that died with a server: the time from the moment in its id to the moment at which the server that made it was killed.</param>
/// <param name="AtCap">Copies that count at the cap which is raised now and then, and <paramref name="Cap"/>, how far it was.</param>
/// <param name="Looks">How often the books were looked at meanwhile, each time before that cap was raised.</param>
/// <param name="Payments">How often the buyer with the small credit had run dry and paid in.</param>
/// <param name="Audits">How often the exchange's own auditor looked, the last time when all was settled.</param>
/// <param name="Audit">What it said: clean, or the first findings.</param>
internal sealed record CrashOutcome(
    CrashOptions Options, int Cycles, int Kills, int Reached, IReadOnlyList<string> Missed, IReadOnlyCollection<Post> Posts, long Pings, int Received, int Repeats, int Told, int Forgotten, int Resolved, int Settled, IReadOnlyList<double> ReadyMs,
    int AtCap, int Cap, int Looks, int Payments, IReadOnlyList<double> LostPingsMs, int Audits, string Audit, IReadOnlyList<Violation> Violations, TimeSpan Took)
{
    public const string Clean = "clean";

    public bool IsClean => Violations.Count == 0 && Missed.Count == 0 && Audit == Clean;
}

/// <summary>
/// Servers under load, killed again and again: at random moments and at each named fault point. At the end the faults stop, everything settles, and the
/// judge joins what publishers were told, what buyers have and what is stored.
/// </summary>
internal sealed class CrashRun(CrashOptions options, Action<string> tell)
{
    private const int AuditEvery = 10;
    private const string AdminKey = "admin-key-of-a-crash-run-0123456789";
    /// <summary>Servers live for seconds here: what they would be compiled better for never comes, and the next start waits for that processor (as in <c>tests/run</c>).</summary>
    private static readonly Dictionary<string, string> ShortLived = new()
    {
        ["DOTNET_TieredPGO"] = "0", ["DOTNET_TC_CallCountingDelayMs"] = "64", ["DOTNET_TC_CallCountThreshold"] = "1000", ["DOTNET_EnableWriteXorExecute"] = "0",
    };
    private static readonly TimeSpan SettlePatience = TimeSpan.FromMinutes(6), AskedAgainSoon = TimeSpan.FromSeconds(20), ReachPatience = TimeSpan.FromMinutes(4);

    private readonly Random _random = new(options.Seed);
    private readonly List<double> _readyMs = [];
    private readonly List<string> _missed = [];
    private int _cycles, _kills, _reached, _audits;
    private int _cap = CrashMarket.Cap;
    private string _audit = CrashOutcome.Clean;

    public async Task<CrashOutcome> RunAsync(CancellationToken cancel)
    {
        var began = Stopwatch.GetTimestamp();
        var folder = Directory.CreateTempSubdirectory("exchange-crash-").FullName;
        var postgres = options.Postgres ? await PrivatePostgres.StartAsync(cancel) : null;
        var servers = Servers(folder, postgres?.Database);
        await using var log = WireLog.Open(options.Log);
        await using var sinks = await Sinks.StartAsync(options.Seed, log, cancel);
        try
        {
            foreach (var server in servers) await server.StartAsync(null, cancel);
            var (publisher, reader) = await PrepareAsync(servers[0], sinks, cancel);
            var wires = servers.Select(server => new IntakeWire(server, publisher, log)).ToList();
            var publishers = new Publishers(wires, options.Seed);
            var inbox = new InboxReader(servers, reader, options.Seed, log);
            publishers.Start(options.Workers);
            inbox.Start();
            var office = new Office(servers, AdminKey, sinks, publishers.ToForget, options.Seed, log);
            office.Start();
            var watch = new Watch(Database);
            using var changing = CancellationTokenSource.CreateLinkedTokenSource(cancel);
            var changes = ChangeCatalogAsync(servers, watch, changing.Token);
            await KillAsync(servers, cancel);
            sinks.Healed = true;
            await changing.CancelAsync();
            await changes;
            await publishers.StopAsync(TimeSpan.FromSeconds(60));
            await office.StopAsync();
            await watch.LookAsync(_cap, cancel);
            tell("settling");
            var settled = await SettleAsync(servers[0], sinks, Database, cancel);
            await inbox.StopAsync();
            await publishers.BringBackAsync(office.Erasures.Values.Select(static erased => erased.Post), cancel);
            // What was returned last is told too, and who came back.
            settled += await SettleAsync(servers[0], sinks, Database, cancel);
            await publishers.RepeatAllAsync(cancel);
            await AuditAsync(servers[0], cancel);
            await using var database = Database();
            var books = await Books.ReadAsync(database, cancel);
            var violations = Judge.Run(publishers.Posts, sinks.Copies, sinks.Postbacks.Values, inbox, books, _cap, office, await office.StillToldAsync(cancel), servers, watch);
            // A violation is seldom and does not come again by its seed: what is known of it is kept, asked for or not.
            var file = options.History ?? (violations.Count > 0 || _audit != CrashOutcome.Clean
                ? Path.Combine(Path.GetTempPath(), string.Create(CultureInfo.InvariantCulture, $"exchange-crash-{options.Seed}-{Environment.ProcessId}.jsonl")) : null);
            if (file is not null)
            {
                await History.WriteAsync(file, publishers.Posts, sinks.Copies, inbox, books, cancel);
                tell($"everything that is known of each post is in {file}");
            }
            foreach (var wire in wires) wire.Dispose();
            return new(options, _cycles, _kills, _reached, _missed, publishers.Posts, publishers.Pings, sinks.Copies.Count, sinks.Copies.Values.Sum(copy => copy.Attempts - 1), sinks.Postbacks.Count, office.Erasures.Count, office.Resolved + settled, settled, _readyMs,
                books.Copies.Count(Judge.CountsAtTheCap), _cap, watch.Looks, office.Payments, [.. publishers.Posts.Where(static post => post.IsPingLost).Select(post => Judge.LostMs(post, servers))], _audits, _audit,
                violations, Stopwatch.GetElapsedTime(began));
        }
        finally
        {
            foreach (var server in servers) await server.DisposeAsync();
            if (postgres is not null) await postgres.DisposeAsync();
            Directory.Delete(folder, recursive: true);
        }

        DbConnection Database() => postgres is null ? new SqliteConnection($"Data Source={Path.Combine(folder, "facts.db")};Mode=ReadOnly;Pooling=False") : new NpgsqlConnection(postgres.Database);
    }

    private List<Server> Servers(string folder, string? database)
    {
        var assembly = options.Server is { } named ? Path.GetFullPath(named) : ExchangeChild.FindAssembly();
        var masterKey = Convert.ToBase64String(RandomNumberGenerator.GetBytes(32));
        var cluster = Guid.NewGuid().ToString("N");
        var ports = FreePorts.Find(4 * options.Silos);
        return [.. Enumerable.Range(0, options.Silos).Select(index =>
        {
            var settings = new Dictionary<string, string>(ShortLived) { ["EXCHANGE_ADMIN_KEY"] = AdminKey, ["Exchange__Data"] = folder, ["Logging__LogLevel__Default"] = "Warning" };
            if (database is not null)
            {
                settings["Exchange__Postgres"] = database;
                settings["Exchange__MasterKey"] = masterKey;
                settings["Exchange__Cluster__Id"] = cluster;
                settings["Exchange__Silo__Port"] = ports[4 * index + 3].ToString(CultureInfo.InvariantCulture);
                settings["Exchange__Silo__Name"] = string.Create(CultureInfo.InvariantCulture, $"member-{index}");
                settings["Exchange__Silo__DrainSeconds"] = "0";
            }
            return new Server(assembly, settings, ports[(4 * index)..(4 * index + 3)]);
        })];
    }

    /// <summary>The catalog, and keys of the publisher and of the buyer that reads its inbox.</summary>
    private static async Task<(string Publisher, string Reader)> PrepareAsync(Server server, Sinks sinks, CancellationToken cancel)
    {
        using var http = Admin(server);
        using var secret = await http.PutAsync($"/v1/admin/secrets/{CrashMarket.SecretName}", new StringContent(CrashMarket.Secret), cancel);
        if (!secret.IsSuccessStatusCode) throw new RunFailedException($"The secret: {await secret.Content.ReadAsStringAsync(cancel)}");
        using var request = new HttpRequestMessage(HttpMethod.Put, "/v1/admin/catalog") { Content = new StringContent(CrashMarket.Catalog(sinks.Address), new MediaTypeHeaderValue("application/yaml")) };
        request.Headers.IfMatch.Add(EntityTagHeaderValue.Any);
        using var applied = await http.SendAsync(request, cancel);
        if (!applied.IsSuccessStatusCode) throw new RunFailedException($"The catalog: {await applied.Content.ReadAsStringAsync(cancel)}");
        return (await KeyAsync("publisher", CrashMarket.Publisher), await KeyAsync("buyer", CrashMarket.Reader));

        async Task<string> KeyAsync(string role, string id)
        {
            using var answer = await http.PostAsJsonAsync("/v1/admin/keys", new Dictionary<string, string> { ["role"] = role, ["for"] = id, ["mode"] = "live" }, cancel);
            using var key = JsonDocument.Parse(await answer.Content.ReadAsStringAsync(cancel));
            return key.RootElement.GetProperty("key").GetString()!;
        }
    }

    /// <summary>Random instants first, then each fault point, at the first to third time it is passed.</summary>
    private async Task KillAsync(List<Server> servers, CancellationToken cancel)
    {
        var began = Stopwatch.GetTimestamp();
        for (var cycle = 1; cycle <= options.Cycles && Stopwatch.GetElapsedTime(began) < options.Most; cycle++)
        {
            await Task.Delay(_random.Next(100, 1_200), cancel);
            var victim = servers[_random.Next(servers.Count)];
            await KillAsync(victim);
            await RestartAsync(victim, null);
            _cycles++;
            // Under load, moments after somebody died: in every moment all that is committed holds.
            if (cycle % AuditEvery == 0) await AuditAsync(servers[_random.Next(servers.Count)], cancel);
            if (cycle % 20 == 0) tell(string.Create(CultureInfo.InvariantCulture, $"{cycle} of {options.Cycles} cycles"));
        }
        if (!options.Points) return;
        Server? fallen = null;
        foreach (var point in FaultPoints.All)
        {
            var victim = servers[_random.Next(servers.Count)];
            // Who has just died begins again with the next point before it, so it may die once more while it takes up what its death cut off.
            if (victim != fallen)
            {
                if (fallen is not null) await RestartAsync(fallen, null);
                await KillAsync(victim);
            }
            // The start is passed once; a doubt whose buyer is sure of its no is seldom.
            var nth = point == FaultPoints.AfterSchema || point == FaultPoints.AfterGiveUp ? 1 : _random.Next(1, 4);
            await RestartAsync(victim, string.Create(CultureInfo.InvariantCulture, $"{point}:{nth}"));
            if (await victim.DiesWithinAsync(ReachPatience, cancel))
            {
                _reached++;
                _kills++;
                tell($"died at {point}");
            }
            else
            {
                _missed.Add(point.Name);
                await KillAsync(victim);
                tell($"never came to {point}");
            }
            fallen = victim;
        }
        if (fallen is not null) await RestartAsync(fallen, null);

        async Task KillAsync(Server victim)
        {
            await victim.KillAsync();
            _kills++;
        }

        async Task RestartAsync(Server victim, string? faultPoint)
        {
            if (await victim.StartAsync(faultPoint, cancel) is { } ready && faultPoint is null) _readyMs.Add(ready.TotalMilliseconds);
        }
    }

    /// <summary>
    /// Waits until nothing is open. What nobody asks about again, or only much later, the operator ends by what its buyer has; what has to be sent again only
    /// much later he sends at once. What is due soon is left to it: if it is not done, that is to be seen. Returns how many were ended.
    /// </summary>
    private async Task<int> SettleAsync(Server server, Sinks sinks, Func<DbConnection> connection, CancellationToken cancel)
    {
        using var http = Admin(server);
        await using var database = connection();
        await database.OpenAsync(cancel);
        var began = Stopwatch.GetTimestamp();
        var (resolved, told) = (0, began);
        while (Stopwatch.GetElapsedTime(began) < SettlePatience)
        {
            // First: a lead that is settled afterwards may have made a delivery.
            var open = await Books.OpenEndsAsync(database, cancel);
            // Buyer by buyer: what the inbox has not acknowledged yet would fill the page.
            List<JsonElement> deliveries = [];
            foreach (var sink in CrashMarket.Sinks.Keys) deliveries.AddRange(await ArrayAsync($"/v1/admin/deliveries?status=waiting&buyer={sink}&limit=100", "deliveries"));
            var postbacks = await ArrayAsync("/v1/admin/postbacks?status=waiting&limit=100", "postbacks");
            // Also of leads that are sold by another copy: of an erased person's nobody is asked again, and only the operator ends it.
            var doubts = await ArrayAsync("/v1/admin/doubts?limit=100", "doubts");
            open += deliveries.Count + postbacks.Count + doubts.Count;
            if (open == 0) return resolved;
            if (Stopwatch.GetElapsedTime(began) > AskedAgainSoon)
            {
                foreach (var doubt in doubts.Where(static doubt => doubt.GetProperty("next").GetString() == "operator" || IsFarOff(doubt, "next_at")))
                {
                    var copy = doubt.GetProperty("copy_id").GetString()!;
                    var outcome = sinks.Copies.GetValueOrDefault(copy) is { Taken: true } ? "accepted" : "rejected";
                    using var answer = await http.PostAsJsonAsync($"/v1/admin/copies/{copy}/resolve", new { outcome }, cancel);
                    if (answer.IsSuccessStatusCode) resolved++;
                }
                foreach (var delivery in deliveries.Where(static row => IsFarOff(row, "due_at")))
                    await SendNowAsync($"/v1/admin/deliveries/{delivery.GetProperty("copy_id").GetString()}/{delivery.GetProperty("endpoint").GetString()}/replay", delivery);
                foreach (var postback in postbacks.Where(static row => IsFarOff(row, "due_at"))) await SendNowAsync($"/v1/admin/postbacks/{postback.GetProperty("postback_id").GetString()}/replay", postback);
            }
            if (Stopwatch.GetElapsedTime(told) > AskedAgainSoon)
            {
                tell(string.Create(CultureInfo.InvariantCulture, $"{open} still open"));
                told = Stopwatch.GetTimestamp();
            }
            await Task.Delay(500, cancel);
        }
        return resolved;

        static bool IsFarOff(JsonElement row, string member) => row.GetProperty(member) is { ValueKind: JsonValueKind.String } due && due.GetDateTimeOffset() > TimeProvider.System.GetUtcNow() + AskedAgainSoon;

        async Task SendNowAsync(string path, JsonElement row)
        {
            using var answer = await http.PostAsync(path, null, cancel);
            tell($"to be sent again only at {row.GetProperty("due_at").GetString()}, after {row.GetProperty("attempts").GetInt32()} attempts: sent now, {(int)answer.StatusCode}");
        }

        async Task<List<JsonElement>> ArrayAsync(string path, string name)
        {
            using var answer = await http.GetAsync(path, cancel);
            var text = await answer.Content.ReadAsStringAsync(cancel);
            if (!answer.IsSuccessStatusCode) throw new RunFailedException($"{path}: {(int)answer.StatusCode} {Problems.Code(text)}");
            using var body = JsonDocument.Parse(text);
            return [.. body.RootElement.GetProperty(name).EnumerateArray().Select(element => element.Clone())];
        }
    }

    /// <summary>Changes the catalog while servers die: a bid that moves all the time, and a cap that is raised whenever it has run full.</summary>
    private async Task ChangeCatalogAsync(List<Server> servers, Watch watch, CancellationToken stop)
    {
        var clients = servers.Select(Admin).ToList();
        for (var change = 0; !stop.IsCancellationRequested; change++)
        {
            var full = change % 2 == 1 && await IsFullAsync(clients[change % clients.Count]);
            // Nobody sees afterwards what was above a limit that was raised since.
            var raises = await watch.LookAsync(_cap, stop) && full;
            // For the judge what may have been applied counts, whether or not anybody was told.
            if (raises) _cap += CrashMarket.CapRaise;
            using var request = new HttpRequestMessage(HttpMethod.Patch, $"/v1/admin/campaigns/{(raises ? CrashMarket.Capped : CrashMarket.Repriced)}")
            {
                Content = JsonContent.Create(
                    raises ? new Dictionary<string, object> { ["caps"] = new[] { new Dictionary<string, object> { ["per"] = "total", ["leads"] = _cap } } }
                        : new Dictionary<string, object> { ["bid"] = string.Create(CultureInfo.InvariantCulture, $"10.{change % 100:00}") },
                    new MediaTypeHeaderValue("application/merge-patch+json")),
            };
            request.Headers.IfMatch.Add(EntityTagHeaderValue.Any);
            try
            {
                using var answer = await clients[change % clients.Count].SendAsync(request, stop);
            }
            // The server died, or the run is over: whether it was applied the next one will see.
            catch (Exception fault) when (LostCall.Is(fault)) { }
            await Task.Delay(500, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        foreach (var client in clients) client.Dispose();

        async Task<bool> IsFullAsync(HttpClient client)
        {
            try
            {
                using var answer = await client.GetAsync($"/v1/admin/campaigns/{CrashMarket.Capped}", stop);
                using var campaign = JsonDocument.Parse(await answer.Content.ReadAsStringAsync(stop));
                return campaign.RootElement.TryGetProperty("state", out var state) && state.GetProperty("caps")[0].GetProperty("left").GetInt64() <= 0;
            }
            catch (Exception fault) when (LostCall.Is(fault) || fault is JsonException)
            {
                return false;
            }
        }
    }

    private async Task AuditAsync(Server server, CancellationToken cancel)
    {
        using var http = Admin(server);
        http.Timeout = TimeSpan.FromMinutes(5);
        using var answer = await http.GetAsync("/v1/admin/audit", cancel);
        var text = await answer.Content.ReadAsStringAsync(cancel);
        if (!answer.IsSuccessStatusCode) throw new RunFailedException($"The audit: {(int)answer.StatusCode} {Problems.Code(text)}");
        using var report = JsonDocument.Parse(text);
        _audits++;
        if (_audit == CrashOutcome.Clean && !report.RootElement.GetProperty("clean").GetBoolean()) _audit = $"After {_kills} kills: {text}";
    }

    private static HttpClient Admin(Server server) =>
        new() { BaseAddress = server.Http, Timeout = TimeSpan.FromSeconds(30), DefaultRequestHeaders = { Authorization = new("Bearer", AdminKey) } };
}
