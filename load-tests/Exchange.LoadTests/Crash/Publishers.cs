using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;

namespace Exchange.LoadTests.Crash;

/// <summary>
/// The load: each worker pings, posts with an idempotency key and sends the same post again until it is answered, over HTTP and gRPC, to any server.
/// Now and then it repeats what was answered. A post whose ping died with its server is begun anew, with the same person. Now and then a person asks to
/// be forgotten.
/// </summary>
internal sealed class Publishers(IReadOnlyList<IntakeWire> wires, int seed)
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(25);
    /// <summary>A wait between posts, so that a run of many cycles stays small enough to be judged.</summary>
    private static readonly TimeSpan Think = TimeSpan.FromMilliseconds(15);
    /// <summary>One post of so many is of a person who asks to be forgotten: at once, or when as many more were made.</summary>
    private const int OneForgottenOf = 40;
    private static readonly TimeSpan HealedPatience = TimeSpan.FromSeconds(20);

    private readonly ConcurrentQueue<Post> _posts = new();
    private readonly ConcurrentQueue<Post> _toForget = new();
    private readonly CancellationTokenSource _over = new();
    private Task[] _workers = [];
    private long _pings;

    public IReadOnlyCollection<Post> Posts => _posts;
    public long Pings => Interlocked.Read(ref _pings);
    /// <summary>Those whose person asks to be forgotten, in the order in which they ask. Whoever takes one out sees to it.</summary>
    public ConcurrentQueue<Post> ToForget => _toForget;

    public void Start(int workers) => _workers = [.. Enumerable.Range(0, workers).Select(worker => Task.Run(() => WorkAsync(worker)))];

    /// <summary>No new posts; done when all that were begun are answered.</summary>
    public async Task StopAsync(TimeSpan patience)
    {
        await _over.CancelAsync();
        try
        {
            await Task.WhenAll(_workers).WaitAsync(patience);
        }
        catch (TimeoutException)
        {
            // Those that were never answered are told by the judge.
        }
    }

    /// <summary>Persons who were forgotten come again, in another market, where nobody has them yet.</summary>
    public async Task BringBackAsync(IEnumerable<Post> forgotten, CancellationToken cancel) =>
        await Parallel.ForEachAsync(forgotten, new ParallelOptions { MaxDegreeOfParallelism = 8, CancellationToken = cancel }, async (before, _) =>
        {
            var market = CrashMarket.Markets[(Array.IndexOf(CrashMarket.Markets, before.Market) + 1) % CrashMarket.Markets.Length];
            var pinged = Stopwatch.GetTimestamp();
            string? ping;
            while ((ping = await wires[0].PingAsync(market, grpc: false)) is null)
            {
                if (Stopwatch.GetElapsedTime(pinged) > HealedPatience)
                {
                    before.Broken ??= "no offer in another market when all was healed";
                    return;
                }
                await Task.Delay(Pause, cancel);
            }
            var post = new Post(before.Key + "-again", market, ping, before.Email, pinged, 0) { MustNotSell = true };
            _posts.Enqueue(post);
            await AnsweredAsync(post, new Random(seed));
        });

    /// <summary>Every final answer once more, over both wires.</summary>
    public async Task RepeatAllAsync(CancellationToken cancel) =>
        await Parallel.ForEachAsync(_posts.Where(post => post.Refused is null), new ParallelOptions { MaxDegreeOfParallelism = 8, CancellationToken = cancel }, async (post, _) =>
        {
            foreach (var grpc in (bool[])[false, true])
            {
                var reply = post.Heard(await wires[0].PostAsync(post, grpc), grpc);
                if (reply.Ended == Ended.Ok) post.Answered(reply, grpc);
                else post.Broken ??= $"its repetition ends {reply.Ended} {reply.Code}";
            }
        });

    private async Task WorkAsync(int worker)
    {
        var random = new Random(seed * 1_000 + worker);
        var later = new Queue<(int Number, Post Post)>();
        for (var number = 0; !_over.IsCancellationRequested; number++)
        {
            var market = CrashMarket.Markets[random.Next(CrashMarket.Markets.Length)];
            var name = string.Create(CultureInfo.InvariantCulture, $"{worker}-{number}");
            var email = $"person{name}@example.com";
            for (var again = 0; !_over.IsCancellationRequested; again++)
            {
                Interlocked.Increment(ref _pings);
                var pinged = Stopwatch.GetTimestamp();
                var home = random.Next(wires.Count);
                if (await wires[home].PingAsync(market, random.Next(2) == 0) is not { } ping)
                {
                    await Task.Delay(Pause);
                    continue;
                }
                var post = new Post(again == 0 ? name : string.Create(CultureInfo.InvariantCulture, $"{name}-{again}"), market, ping, email, pinged, home);
                _posts.Enqueue(post);
                await AnsweredAsync(post, random);
                if (post.IsPingGone) continue;
                if (post.IsAnswered && random.Next(OneForgottenOf) == 0)
                {
                    if (random.Next(2) == 0) _toForget.Enqueue(post);
                    else later.Enqueue((number, post));
                }
                break;
            }
            if (later.TryPeek(out var oldest) && oldest.Number + OneForgottenOf <= number) _toForget.Enqueue(later.Dequeue().Post);
            await Task.Delay(Think);
        }
    }

    private async Task AnsweredAsync(Post post, Random random)
    {
        while (true)
        {
            var grpc = random.Next(2) == 0;
            post.Sent++;
            var reply = post.Heard(await Any(random).PostAsync(post, grpc), grpc);
            switch (reply.Ended)
            {
                case Ended.Ok:
                    post.Answered(reply, grpc);
                    if (random.Next(5) != 0) return;
                    break;
                case Ended.Unknown:
                    post.Unknown++;
                    await Task.Delay(Pause);
                    break;
                case Ended.Refused when reply.Code is "storage_unavailable" or "overloaded" or "idempotency_in_progress":
                    await Task.Delay(Pause);
                    break;
                default:
                    if (post.Final is not null) post.Broken ??= $"{reply.Code} after {post.Final.Status}";
                    else post.RefusedAs(reply.Code);
                    return;
            }
        }
    }

    private IntakeWire Any(Random random) => wires[random.Next(wires.Count)];
}
