using System.Collections.Concurrent;
using System.Globalization;
using Exchange.Engine.Catalog;
using Exchange.Engine.Fields;
using Exchange.Engine.Values;
using Exchange.Grains.Catalog;
using Exchange.Grains.Deliveries;
using Exchange.Grains.Leads;
using Exchange.Grains.Pings;
using Exchange.Storage;
using Microsoft.Extensions.Logging;
using Orleans;
using Orleans.Runtime;

namespace Exchange.Grains.Intake;

/// <summary>The door of this silo: pings to the desk, posts to their lead's grain, reads to the rows.</summary>
public sealed class LeadIntake(
    PingDesk desk, RateLimits limits, IGrainFactory grains, IExchangeStore store, LeadAnswers answers, ICatalogHost catalog, DeliveryPump pump, WaitPump waits, FieldParsers parsers, TimeProvider time, ILogger<LeadIntake> log) : ILeadIntake
{
    /// <summary>A silo that was killed is known to be gone within this time.</summary>
    private static readonly TimeSpan SilosSettle = TimeSpan.FromSeconds(8);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    private readonly RunningKeys running = new();
    private readonly ConcurrentDictionary<string, Task<PostReply>> directPosts = new(StringComparer.Ordinal);

    public ValueTask<PingReply> PingAsync(PingCommand command, CancellationToken callerLeft)
    {
        command = InItsMode(command);
        var admitted = limits.AdmitAsync(command.Publisher, CallKind.Ping);
        return admitted is { IsCompletedSuccessfully: true, Result: null } ? desk.PingAsync(command, callerLeft) : LimitedAsync(admitted, command, callerLeft);
    }

    public async Task<PostReply> PostAsync(PostCommand command, CancellationToken callerLeft) =>
        await limits.AdmitAsync(command.Publisher, CallKind.Post) is { } refused ? PostReply.Refused(refused)
            : await Followed(command.Publisher, command.IdempotencyKey, ToGrainAsync(command, callerLeft));

    /// <summary>The post goes on when its caller leaves, and its key is known to run until it ends.</summary>
    private Task<PostReply> Post(PostCommand command) =>
        Followed(command.Publisher, command.IdempotencyKey, grains.Lead(LeadId.FromBytes(command.PingId)).Post(command).AsTask());

    private Task<PostReply> Followed(string publisher, string? key, Task<PostReply> post)
    {
        if (key is not null) running.Follow(publisher, key, post);
        return post;
    }

    /// <summary>
    /// Every call of a publisher that only tests is a test. A test and a live call are never the same request, whatever else they say: neither gets the
    /// other's recorded answer.
    /// </summary>
    private PingCommand InItsMode(PingCommand command)
    {
        if (!command.Test && catalog.Current.Publishers.GetValueOrDefault(command.Publisher)?.Status != EntryStatus.Test) return command;
        if (command.BodyHash is not { Length: > 0 } hash) return command with { Test = true };
        return command with { Test = true, BodyHash = [.. hash[..^1], (byte)(hash[^1] ^ 1)] };
    }

    private async ValueTask<PingReply> LimitedAsync(ValueTask<Problem?> admitted, PingCommand command, CancellationToken callerLeft) =>
        await admitted is { } refused ? new(null, refused) : await desk.PingAsync(command, callerLeft);

    private async Task<PostReply> ToGrainAsync(PostCommand command, CancellationToken callerLeft)
    {
        var started = time.GetTimestamp();
        while (true)
        {
            try
            {
                return await Post(command).WaitAsync(callerLeft);
            }
            catch (StorageBusyException)
            {
                return PostReply.Refused(Problem.Of(503, "storage_unavailable", "The outcome is not known here; the same request gets it.", 1));
            }
            catch (Exception fault) when (fault is SiloUnavailableException or OrleansMessageRejectionException && time.GetElapsedTime(started) < SilosSettle)
            {
                // The silo that had the lead, or knew where it is, has just gone. Again: the same post gets the same outcome, whatever the first one did.
                await Task.Delay(Pause, time, callerLeft);
            }
            catch (Exception fault) when (fault is TimeoutException or OrleansException)
            {
                log.LogError(fault, "A lead's grain did not answer");
                return PostReply.Refused(Problem.Of(503, "overloaded", "The outcome is not known here; the same request gets it.", 1));
            }
        }
    }

    public async Task<PostReply> DirectPostAsync(DirectPostCommand command, CancellationToken callerLeft)
    {
        if (await limits.AdmitAsync(command.Ping.Publisher, CallKind.Post) is { } refused) return PostReply.Refused(refused);
        command = command with { Ping = InItsMode(command.Ping) };
        var ping = command.Ping;
        var hash = Convert.ToHexString(ping.BodyHash);

        // Two at once in this silo: the second waits for the first. Elsewhere the request row is the fence.
        var slot = ping.Publisher + "\n" + ping.IdempotencyKey + "\n" + hash;
        var mine = new TaskCompletionSource<PostReply>(TaskCreationOptions.RunContinuationsAsynchronously);
        var first = directPosts.GetOrAdd(slot, mine.Task);
        if (first != mine.Task)
        {
            var reply = await first.WaitAsync(callerLeft);
            return reply.Problem is null ? reply with { Replayed = true } : reply;
        }
        // From its ping on.
        _ = Followed(ping.Publisher, ping.IdempotencyKey, mine.Task);
        try
        {
            var reply = await PostDirectAsync(command, hash);
            mine.SetResult(reply);
            return reply;
        }
        catch (Exception fault)
        {
            mine.SetException(fault);
            _ = mine.Task.Exception;
            throw;
        }
        finally
        {
            directPosts.TryRemove(slot, out _);
        }
    }

    public async Task<PostReply> GetRequestAsync(string publisher, string key, CancellationToken callerLeft)
    {
        // First what runs: a post that ends between the two looks is then in the rows.
        var runs = running.Has(publisher, key);
        if (await store.Leads.FindRequestAsync(publisher, key, callerLeft) is { } request) return await GetLeadAsync(publisher, request.Lead, callerLeft);
        return PostReply.Refused(runs
            ? Problem.Of(409, "idempotency_in_progress", "The request with this key still runs; come again for its answer.", 1)
            : Problem.Of(404, "not_found", "Nothing was done under this key."));
    }

    public async Task<PostReply> GetLeadAsync(string publisher, LeadId lead, CancellationToken callerLeft)
    {
        var row = await store.Leads.FindAsync(lead, callerLeft);
        if (row is not { IsPosted: true } || row.Publisher != publisher) return NotFound();
        var answer = await answers.OfRowAsync(row, callerLeft);
        return new(answer.HttpStatus, answer.ToJson(), null);
    }

    public async Task<PostReply> AddFieldsAsync(string publisher, LeadId lead, PostedField[] fields, CancellationToken callerLeft)
    {
        var row = await store.Leads.FindAsync(lead, callerLeft);
        if (row is not { IsPosted: true } || row.Publisher != publisher) return NotFound();
        if (row.IsErased) return PostReply.Refused(Problem.Of(409, "erased", "The person of this lead was erased; nothing is added to it."));
        var model = await catalog.ModelAsync(row.CatalogVersion, callerLeft);
        var vertical = model.Verticals[row.Vertical];
        var payload = LeadPayload.Of(store.Vault, row);
        var today = PostRules.Today(time.GetUtcNow(), model.Zone);
        var given = PostRules.ValuesOf(vertical, payload, parsers, today);
        var reading = FieldsReader.ReadAddition(vertical.Fields, Array.ConvertAll(fields, field => new RawField(field.Name, field.Kind, field.Text)), given, parsers, today, catalog.Current.Publishers.GetValueOrDefault(publisher)?.Intake);
        if (!reading.Ok)
        {
            var problem = Problem.Invalid(reading.Errors);
            return PostReply.Refused(reading.Errors.All(error => error.Code == "field_fixed") ? problem with { Status = 409, Code = "field_fixed" } : problem);
        }
        var resealed = store.Vault.Seal(lead, (payload with { Fields = LeadPayload.Given(vertical.Fields, reading.Values) }).ToJson());
        if (!await store.Leads.AddFieldsAsync(lead, row.Sealed, resealed, time.GetUtcNow().ToUnixTimeMilliseconds(), callerLeft))
            return PostReply.Refused(Problem.Of(409, "idempotency_in_progress", "Other fields are being added to this lead; come again.", 1));
        await TellAddedAsync(lead);
        var answer = await answers.OfRowAsync(row, callerLeft);
        // The fields are there, whatever the lead still waits for.
        return new(200, (answer with { Warnings = [.. answer.Warnings, .. reading.Warnings] }).ToJson(), null);
    }

    /// <summary>Whoever remembers the lead reads it anew, and what waited for its fields is looked at again. The fields are durable whether or not this succeeds.</summary>
    private async Task TellAddedAsync(LeadId lead)
    {
        try
        {
            await grains.Lead(lead).FieldsAdded();
        }
        catch (Exception fault) when (fault is TimeoutException or OrleansException or StorageBusyException)
        {
            log.LogWarning("A lead's grain was not told of its added fields ({Fault}); a delivery under way goes without them", fault.GetType().Name);
        }
        pump.Nudge();
        waits.Nudge();
    }

    private async Task<PostReply> PostDirectAsync(DirectPostCommand command, string hash)
    {
        // Without a key a direct post is keyed by its body for one to two of these spans: it claims the span before as well, so that two that come at the
        // same time to two silos, on either side of a span's end, meet in the rows.
        const long spanSeconds = 120;
        var span = command.Ping.ReceivedAt.ToUnixTimeSeconds() / spanSeconds;
        var (key, also) = command.Ping.IdempotencyKey is { } given ? (given, (string?)null) : (BodyKey(hash, span), BodyKey(hash, span - 1));
        if (await KnownAsync(command.Ping, key) is { } known) return known;
        if (also is not null && await KnownAsync(command.Ping, also) is { } earlier) return earlier;
        var reply = await desk.PingOfDirectPostAsync(command.Ping);
        if (reply.Problem is { } problem) return PostReply.Refused(problem);
        var ping = reply.Answer!;
        try
        {
            // The whole body is posted; what was pinged is equal by construction.
            return await ToGrainAsync(new PostCommand
            {
                Publisher = command.Ping.Publisher,
                ReceivedAt = command.Ping.ReceivedAt,
                PingId = ping.PingId.ToBytes(),
                OfferIds = command.OfferIds,
                Fields = [.. command.Ping.Fields.Select(field => new PostedField(field.Name, field.Kind, field.Text))],
                MinPayoutMicros = command.Ping.MinPayout.Micros,
                DeadlineMs = command.Ping.DeadlineMs,
                Consent = command.Consent ?? command.Ping.Consent,
                IdempotencyKey = key,
                AlsoKey = also,
                BodyHash = command.Ping.BodyHash,
                Direct = true,
            }, CancellationToken.None);
        }
        finally
        {
            desk.EndOfDirectPost(ping.PingId);
        }
    }

    private async Task<PostReply?> KnownAsync(PingCommand ping, string key)
    {
        if (await store.Leads.FindRequestAsync(ping.Publisher, key, CancellationToken.None) is not { } request) return null;
        if (!request.BodyHash.AsSpan().SequenceEqual(ping.BodyHash))
            return PostReply.Refused(Problem.Of(422, "idempotency_key_reused", "The idempotency key came before with another body."));
        if (await store.Leads.FindAsync(request.Lead, CancellationToken.None) is not { } row) return null;
        var answer = await answers.OfRowAsync(row, CancellationToken.None);
        // What was answered stands, whatever became of its copies since; what was open then is told as it stands.
        return new(answer.HttpStatus, answer.HttpStatus == 200 && row.Answer is { } recorded ? recorded : answer.ToJson(), null, true);
    }

    private static string BodyKey(string hash, long span) => string.Create(CultureInfo.InvariantCulture, $"body:{hash}:{span}");

    private static PostReply NotFound() => PostReply.Refused(Problem.Of(404, "not_found", "There is no such lead."));
}
