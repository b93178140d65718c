using System.Collections.Concurrent;
using System.Globalization;
using Shouldly;
using static Exchange.System.Tests.BlackBox.MarketCalls;

namespace Exchange.System.Tests.BlackBox;

/// <summary>One publisher for each market, who pings and posts until it is stopped. Each answer is kept, to be asked for again.</summary>
internal sealed class SteadyPublishers
{
    private readonly ConcurrentQueue<Answer> answers = new();
    private readonly CancellationTokenSource over = new();
    private readonly Task[] publishers;
    // Of each one's answers.
    private readonly int[] counts;

    public sealed record Answer(string Body, string IdempotencyKey, Reply Reply);

    public SteadyPublishers(ExchangeProcess exchange, string key, params string[] markets)
    {
        counts = new int[markets.Length];
        publishers = [.. markets.Select((market, number) => Task.Run(() => PublishAsync(exchange, key, market, number)))];
    }

    public Answer[] Answers => [.. answers];

    /// <summary>So many more in all, and of each a few.</summary>
    public Task AnsweredAsync(int more, string what, ExchangeProcess exchange)
    {
        var (enough, before) = (answers.Count + more, counts.ToArray());
        return Until(() => answers.Count >= enough && counts.Zip(before, static (now, then) => now - then).All(static own => own >= 3) || publishers.Any(static publisher => publisher.IsFaulted), what, exchange);
    }

    public async Task StopAsync()
    {
        await over.CancelAsync();
        await Task.WhenAll(publishers);
    }

    /// <summary>Each is answered again, the same to the letter, and by what was recorded.</summary>
    public static async Task AskAgainAsync(ExchangeProcess exchange, string key, IEnumerable<Answer> answers)
    {
        foreach (var answer in answers)
        {
            var again = await exchange.SellAsync(key, answer.Body, answer.IdempotencyKey);
            (again.Status, again.Text).ShouldBe((answer.Reply.Status, answer.Reply.Text));
            again.Headers["Idempotency-Replayed"].ShouldBe("true");
        }
    }

    private async Task PublishAsync(ExchangeProcess exchange, string key, string market, int number)
    {
        for (var i = 0; !over.IsCancellationRequested; i++)
        {
            var body = PostBody(await exchange.PingAsync(key, market));
            var idempotencyKey = string.Create(CultureInfo.InvariantCulture, $"{number}-{i}");
            var reply = await exchange.SellAsync(key, body, idempotencyKey);
            reply.Status.ShouldBe(200, reply.Text);
            answers.Enqueue(new(body, idempotencyKey, reply));
            Interlocked.Increment(ref counts[number]);
            // The processor is the server's.
            await Task.Delay(20, CancellationToken.None);
        }
    }
}
