using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Exchange.LoadTests.Buyers.Shapes;

/// <summary>What a buyer made of one call.</summary>
/// <param name="Took">It has the lead now, whatever it answered.</param>
internal sealed record BuyerCall(string Shape, BuyerAsked Asked, string Person, bool Took, string Fate);

/// <summary>
/// Buyers of every known shape behind one loopback port, each under its own paths. Seed and profile say what becomes of the calls, in the order in which
/// they come; a lead once taken is remembered, so that a second post of it is a duplicate.
/// </summary>
internal sealed class FakeBuyers : IAsyncDisposable
{
    private static readonly int[] s_faults = [500, 502, 503, 504, 429, 408];
    private static readonly string[] s_lies = ["-5", "NaN", "1e9", "", "999999999999999"];

    private readonly WebApplication _app;
    private readonly BuyerProfile _profile;
    private readonly Random _random;
    private readonly Lock _gate = new();
    private readonly HashSet<string> _taken = new(StringComparer.Ordinal);
    private int _calls;

    private FakeBuyers(int port, int seed, BuyerProfile profile)
    {
        _profile = profile;
        _random = new(seed);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, port));
        _app = builder.Build();
        _app.Run(AnswerAsync);
    }

    public int Port => new Uri(_app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single()).Port;

    /// <summary>Every call that was understood, in no particular order.</summary>
    public ConcurrentBag<BuyerCall> Calls { get; } = [];

    public event Action<BuyerCall>? Called;

    /// <param name="port">0: a free one.</param>
    public static async Task<FakeBuyers> StartAsync(int port, int seed, BuyerProfile profile, CancellationToken cancel = default)
    {
        var buyers = new FakeBuyers(port, seed, profile);
        await buyers._app.StartAsync(cancel);
        return buyers;
    }

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();

    private async Task AnswerAsync(HttpContext context)
    {
        var isXml = context.Request.ContentType?.Contains("xml", StringComparison.Ordinal) == true;
        var request = await BuyerRequest.ReadAsync(context.Request, context.RequestAborted);
        var shape = BuyerShape.All.FirstOrDefault(shape => shape.Asked(request, isXml) is not null);
        if (shape?.Asked(request, isXml) is not { } asked)
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return;
        }

        var (fate, dice, number) = Draw();
        var person = $"{shape.Name} {shape.Person(request)}";
        var (reply, took) = Decide(shape, asked, person, fate, number);
        var call = new BuyerCall(shape.Name, asked, shape.Person(request), took, fate);
        Calls.Add(call);
        Called?.Invoke(call);
        if (_profile.LatencyMs > 0)
        {
            await Task.Delay(_profile.LatencyMs + (dice % (_profile.LatencyMs + 1)), context.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        if (context.RequestAborted.IsCancellationRequested)
        {
            return;
        }

        switch (fate)
        {
            case "hang":
                await Task.Delay(Timeout.InfiniteTimeSpan, context.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                return;
            case "drop":
                context.Abort();
                return;
            case "error":
                // Statuses that say "surely not taken" are honest about it.
                var status = s_faults[dice % s_faults.Length];
                context.Response.StatusCode = took && status is (503 or 429) ? StatusCodes.Status500InternalServerError : status;
                await WriteAsync(context, reply.Body);
                return;
            case "garbage":
                context.Response.ContentType = dice % 2 == 0 ? reply.ContentType : "text/html";
                await WriteAsync(context, (dice % 4) switch { 0 => reply.Body[..(reply.Body.Length / 2)], 1 => "<html><body>We are down for maintenance.</body></html>", 2 => "", _ => "\u0001\u0002{[<" });
                return;
            default:
                context.Response.StatusCode = reply.Status;
                context.Response.ContentType = reply.ContentType;
                await WriteAsync(context, reply.Body);
                return;
        }
    }

    private static Task WriteAsync(HttpContext context, string body) => context.Response.WriteAsync(body, context.RequestAborted);

    private (string Fate, int Dice, int Number) Draw()
    {
        lock (_gate)
        {
            var percent = _random.Next(100);
            string[] fates = ["refuse", "garbage", "error", "hang", "drop", "lie"];
            int[] shares = [_profile.Refuse, _profile.Garbage, _profile.Error, _profile.Hang, _profile.Drop, _profile.Lie];
            for (var i = 0; i < fates.Length; i++)
            {
                if ((percent -= shares[i]) < 0)
                {
                    return (fates[i], _random.Next(1_000), ++_calls);
                }
            }

            return ("well", _random.Next(1_000), ++_calls);
        }
    }

    /// <summary>The answer that it would give, and whether it has the lead afterwards.</summary>
    private (BuyerReply Reply, bool Took) Decide(BuyerShape shape, BuyerAsked asked, string person, string fate, int number)
    {
        var price = string.Create(CultureInfo.InvariantCulture, $"{5 + (number % 20)}.50");
        var name = string.Create(CultureInfo.InvariantCulture, $"r{number}");
        if (asked == BuyerAsked.Ping)
        {
            return (fate switch { "refuse" => shape.NoBid("not now"), "lie" => shape.Bid(name, s_lies[number % s_lies.Length]), _ => shape.Bid(name, price) }, false);
        }

        lock (_gate)
        {
            if (asked == BuyerAsked.Check)
            {
                return (_taken.Contains(person) ? shape.Accepted(name, price) : shape.Unknown(), false);
            }

            if (_taken.Contains(person))
            {
                return (shape.Duplicate(), false);
            }

            if (fate is "refuse" or "lie")
            {
                return (shape.Rejected("no longer wanted"), false);
            }

            _taken.Add(person);
            return (shape.Accepted(name, price), true);
        }
    }
}
