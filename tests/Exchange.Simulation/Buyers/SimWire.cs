using System.Net;
using Exchange.Engine.Values;
using Exchange.Simulation.Checks;
using Exchange.Simulation.World;

namespace Exchange.Simulation.Buyers;

/// <summary>
/// The wire from one silo to all buyers, in the sockets' place: the connection is refused, or the bytes leave; they arrive or not, the buyer answers
/// or not, the answer arrives or not.
/// </summary>
internal sealed class SimWire(SimWorld world, SimSilo silo) : HttpMessageHandler
{
    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var (plan, random) = (world.Plan, world.Random);
        if (world.IsFaulty && random.Chance(plan.WireCut / 2))
        {
            world.Count(Fault.BuyerRefused);
            await Task.Delay(TimeSpan.FromMilliseconds(random.Between(0, plan.NetworkMs)), silo.Clock, cancellationToken);
            throw new HttpRequestException(HttpRequestError.ConnectionError, "Refused");
        }
        var id = request.Headers.GetValues("webhook-id").Single();
        if (id.StartsWith("b-", StringComparison.Ordinal)) return await BidAsync(id, request.RequestUri!.Host[..1], cancellationToken);
        if (!CopyId.TryParse(id, out var copy)) throw new InvalidOperationException("A message without its copy's id");
        var buyer = request.RequestUri!.Host[..request.RequestUri.Host.IndexOf('.', StringComparison.Ordinal)];
        var path = request.RequestUri.AbsolutePath;
        world.Laws.Leaving(silo, copy, buyer, path);
        copy = world.Seams.IdOnTheWire(copy, world.Witness.Received.Count(message => message.Copy == copy));
        var body = await request.Content!.ReadAsByteArrayAsync(CancellationToken.None);
        silo.Process.Note("sends", copy + " to " + buyer);
        world.Nemesis.Sent(silo.Process);
        world.Office.Sent(copy);

        var reply = new TaskCompletionSource<HttpResponseMessage>();
        using var left = cancellationToken.Register(() => reply.TrySetException(new TaskCanceledException("Timed out")));
        if (world.IsFaulty && random.Chance(plan.WireCut)) Cut(random.Chance(500) ? null : reply);
        else world.Loop.After(random.Between(0, plan.NetworkMs), world.Outside, () => Arrive(copy, buyer, path, body, reply));
        if (world.Seams.AlsoTo(buyer) is { } other) Arrive(copy, other, path, body, new());
        return await reply.Task;
    }

    /// <summary>A buyer is asked for its bid: it may say none, several, garbage, or all too late; what came in time is what it bid.</summary>
    private async Task<HttpResponseMessage> BidAsync(string request, string buyer, CancellationToken left)
    {
        var (plan, random) = (world.Plan, world.Random);
        var reply = new TaskCompletionSource<HttpResponseMessage>();
        using var over = left.Register(() => reply.TrySetException(new TaskCanceledException("Timed out")));
        if (world.IsFaulty && random.Chance(plan.WireCut)) Cut(random.Chance(500) ? null : reply);
        else world.Loop.After(random.Between(0, Math.Min(plan.NetworkMs, 100)), world.Outside, () =>
        {
            var (prices, body, afterMs) = world.MindOf(buyer).Bid();
            world.Loop.After(afterMs, silo.Process, () =>
            {
                request = world.Seams.AnsweredAs(request);
                if (reply.TrySetResult(new(HttpStatusCode.OK) { Content = new ByteArrayContent(BuyerMind.Bytes(body)) })) world.Witness.Bids.Add((request, prices));
                else world.Count(Fault.BidLate);
            });
        });
        return await reply.Task;
    }

    /// <summary>The bytes are lost on their way; the connection breaks, or says nothing.</summary>
    private void Cut(TaskCompletionSource<HttpResponseMessage>? reply)
    {
        world.Count(Fault.WireCut);
        if (reply is not null)
            world.Loop.After(world.Random.Between(0, world.Plan.NetworkMs), silo.Process, () => reply.TrySetException(new HttpRequestException(HttpRequestError.Unknown, "Connection lost")));
    }

    private void Arrive(CopyId copy, string buyer, string path, byte[] body, TaskCompletionSource<HttpResponseMessage> reply)
    {
        var message = new ReceivedEvent(world.Loop.NowMs, buyer, path, copy, body, () => reply.Task.IsCompleted || silo.Process.IsDead, () => silo.Process.IsPaused);
        world.Laws.Arriving(message);
        world.Witness.Received.Add(message);
        var answer = world.MindOf(buyer).Answer(copy, path == "/hook");
        message.Status = answer.Status;
        world.Outside.Note("receives", buyer + " " + copy, (long)answer.Said);
        if (answer.Status == 0)
        {
            message.Said = answer.Said;
            return;
        }
        world.Loop.After(answer.AfterMs, world.Outside, () =>
        {
            message.Said = reply.Task.IsCompleted || silo.Process.IsDead ? Word.Unclear : answer.Said;
            if (world.IsFaulty && world.Random.Chance(world.Plan.WireCut / 2)) Cut(reply);
            else world.Loop.After(world.Random.Between(0, world.Plan.NetworkMs), silo.Process, () => reply.TrySetResult(new HttpResponseMessage((HttpStatusCode)answer.Status)
            {
                Content = new ByteArrayContent(BuyerMind.Bytes(answer.Body)),
            }));
        });
    }
}
