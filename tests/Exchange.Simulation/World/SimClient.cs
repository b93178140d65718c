using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Exchange.Engine.Fields;
using Exchange.Grains.Intake;
using Exchange.Simulation.Checks;
using Exchange.Simulation.Scheduling;

namespace Exchange.Simulation.World;

/// <summary>
/// A publisher's program: pings, posts, and posts again while it does not know. Now and then it posts the same at once on another silo, with another
/// body or under another key.
/// </summary>
/// <param name="name">Its own among the programs of its publisher: another publisher's may use the same keys.</param>
internal sealed class SimClient(SimWorld world, SimProcess process, string publisher, string name)
{
    private const long PatienceMs = 6_000;

    private readonly SimClock clock = new(process);
    private int running;

    public bool IsDone { get; private set; }

    public async Task RunAsync(int pings)
    {
        for (var i = 0; i < pings; i++)
        {
            await Wait(0, 300);
            var key = string.Create(CultureInfo.InvariantCulture, $"{name}-{i}");
            var phone = string.Create(CultureInfo.InvariantCulture, $"+1202555010{world.Random.Next(world.Plan.Phones)}");
            var state = world.Random.Pick(["CA", "NY"]);
            if (world.Random.Chance(120)) await SellDirectlyAsync(Direct(key, phone, state));
            else await SellAsync(key, phone, state);
        }
        while (running > 0) await Wait(50, 50);
        IsDone = true;
    }

    private async Task SellDirectlyAsync(Sending direct)
    {
        await SendAsync(direct);
        if (!world.Random.Chance(world.Plan.PostTwice)) return;
        await Wait(0, 6_000);
        await SendAsync(direct);
    }

    private async Task SellAsync(string key, string phone, string state)
    {
        PingReply? ping = null;
        for (var tries = 0; tries < 4 && ping is not { Answer: not null }; tries++)
        {
            try
            {
                var to = world.AnySilo();
                ping = await world.Network.CallAsync(process, to.Process, async () => await to.Intake.PingAsync(Ping(to, key, state), CancellationToken.None), PatienceMs, mayComeTwice: true);
                if (ping is { Problem.Status: < 500 }) return;
            }
            catch (Exception fault) when (fault is TimeoutException or IOException or NotReadyException) { }
            if (ping is not { Answer: not null }) await Wait(100, 300);
        }
        if (ping is not { Answer: { Offered: true } offered }) return;
        await Wait(0, world.Random.Chance(150) ? 20_000 : 1_500);
        var post = Post(offered, key, key, phone, state);
        var (random, plan) = (world.Random, world.Plan);
        if (world.IsFaulty && random.Chance(plan.PostTwice)) Beside(Fault.PostTwice, post);
        if (world.IsFaulty && random.Chance(plan.PostAltered)) Beside(Fault.PostAltered, Post(offered, key, key + " other", "+12025550199", state));
        if (world.IsFaulty && random.Chance(plan.PostAltered / 2)) Beside(Fault.PostElsewhere, Post(offered, key + " other", key, phone, state));
        await SendAsync(post);
        // A repeat long after.
        if (!random.Chance(plan.PostTwice)) return;
        await Wait(0, 3_000);
        await SendAsync(post);
    }

    private void Beside(Fault what, Sending sending)
    {
        world.Count(what);
        running++;
        process.Start(async () =>
        {
            await Wait(0, 2_000);
            await SendAsync(sending);
            running--;
        });
    }

    /// <summary>One request as it is sent, whenever it is sent.</summary>
    private sealed record Sending(string Key, string Request, byte[] BodyHash, Func<SimSilo, Task<PostReply>> To);

    /// <summary>Until it is told something that does not say "come again".</summary>
    private async Task SendAsync(Sending sending)
    {
        world.Witness.Begun.TryAdd((publisher, sending.Key), world.Loop.NowMs);
        for (var tries = 0; ; tries++)
        {
            try
            {
                var to = world.AnySilo();
                var reply = await world.Network.CallAsync(process, to.Process, async () =>
                {
                    var made = await sending.To(to);
                    world.Laws.Answering(made);
                    return made;
                }, PatienceMs, mayComeTwice: true);
                world.Witness.Told.Add(new(world.Loop.NowMs, publisher, sending.Key, sending.Request, sending.BodyHash, reply.Status, reply.Answer, reply.Problem?.Code));
                process.Note("is told", sending.Request, reply.Status);
                if (reply.Problem is not { Status: 503 } and not { Code: "idempotency_in_progress" } and not { Code: "ping_not_found" }) return;
                if (reply.Problem.Code == "ping_not_found" && tries > 3) return;
            }
            catch (Exception fault) when (fault is not Engine.InvariantException) { }
            await Wait(50, 600);
        }
    }

    private PingCommand Ping(SimSilo at, string key, string state) => new()
    {
        Publisher = publisher, ReceivedAt = at.Clock.GetUtcNow(), Vertical = "auto", IdempotencyKey = "ping " + key, BodyHash = Hash("ping" + key),
        Fields = [new("zip", RawKind.String, "02139"), new("state", RawKind.String, state)],
    };

    private Sending Post(PingAnswer ping, string key, string body, string phone, string state)
    {
        var command = new PostCommand
        {
            Publisher = publisher, ReceivedAt = default, PingId = ping.PingId.ToBytes(), IdempotencyKey = key, BodyHash = Hash(body),
            Fields = [new("zip", RawKind.String, "02139"), new("state", RawKind.String, state), new("phone", RawKind.String, phone)],
        };
        return new(key, $"{publisher} {key} {body}", command.BodyHash, to => to.Intake.PostAsync(command with { ReceivedAt = to.Clock.GetUtcNow() }, CancellationToken.None));
    }

    private Sending Direct(string key, string phone, string state) => new(key, $"{publisher} {key} direct", Hash("direct" + key), to => to.Intake.DirectPostAsync(new(new PingCommand
    {
        Publisher = publisher, ReceivedAt = to.Clock.GetUtcNow(), Vertical = "auto", IdempotencyKey = key, BodyHash = Hash("direct" + key),
        Fields = [new("zip", RawKind.String, "02139"), new("state", RawKind.String, state), new("phone", RawKind.String, phone)],
    }, null, null), CancellationToken.None));

    private Task Wait(int from, int to) => Task.Delay(TimeSpan.FromMilliseconds(world.Random.Between(from, to)), clock);

    private static byte[] Hash(string text) => SHA256.HashData(Encoding.UTF8.GetBytes(text));
}

/// <summary>Nobody answers at this address.</summary>
internal sealed class NotReadyException() : Exception("No silo is ready");
