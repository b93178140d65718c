using System.Text;
using Exchange.Grains.Feed;
using Exchange.Grains.Intake;
using Exchange.Server.Access;
using Exchange.Server.Problems;
using Exchange.Storage;

namespace Exchange.Server.Admin;

/// <summary>
/// <c>GET /v1/admin/live</c>: what happens on all silos, as server-sent events <c>ping</c>, <c>lead</c> and <c>catalog</c>. It shows and counts
/// nothing: whoever needs every event reads the rows.
/// </summary>
internal static class LiveRoutes
{
    private static readonly TimeSpan Breath = TimeSpan.FromSeconds(10);
    private static readonly KeyRole[] Roles = [KeyRole.Admin, KeyRole.Viewer];
    private static readonly byte[] Comment = ": still here\n\n"u8.ToArray();

    public static void MapLiveRoutes(this IEndpointRouteBuilder routes)
    {
        Func<HttpContext, Task> handler = StreamAsync;
        routes.MapMethods("/v1/admin/live", [HttpMethods.Get], handler)
            .RequireRole(Roles)
            .WithSummary("Server-sent events of pings, leads and catalog changes on all silos, as they happen. No PII; a slow reader misses some.")
            .WithTags("Admin").Produces(200, contentType: "text/event-stream").ProducesProblem(401).ProducesProblem(403).ProducesProblem(503);
    }

    private static async Task StreamAsync(HttpContext context)
    {
        var feed = context.RequestServices.GetRequiredService<LiveFeed>();
        var time = context.RequestServices.GetRequiredService<TimeProvider>();
        if (feed.Watch(out var ticket) is not { } events)
        {
            await ProblemWriter.WriteAsync(context, Problem.Of(503, "overloaded", "Too many watch already; come again.", 10));
            return;
        }
        // A process that leaves does not wait for those who watch it.
        using var end = CancellationTokenSource.CreateLinkedTokenSource(
            context.RequestAborted, context.RequestServices.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping);
        try
        {
            context.Response.ContentType = "text/event-stream";
            context.Response.Headers.CacheControl = "no-store";
            await context.Response.Body.WriteAsync(Comment, end.Token);
            await context.Response.Body.FlushAsync(end.Token);
            var gate = context.RequestServices.GetRequiredService<Gate>();
            while (!end.IsCancellationRequested)
            {
                using var breath = new CancellationTokenSource(Breath, time);
                using var either = CancellationTokenSource.CreateLinkedTokenSource(end.Token, breath.Token);
                try
                {
                    await events.WaitToReadAsync(either.Token);
                    // A key that was revoked meanwhile opens nothing any more.
                    if (gate.Check(context, Roles, out _) is not null) return;
                    while (events.TryRead(out var told)) await WriteAsync(context.Response.Body, told, end.Token);
                }
                catch (OperationCanceledException) when (breath.IsCancellationRequested && !end.IsCancellationRequested)
                {
                    if (gate.Check(context, Roles, out _) is not null) return;
                    // So that a connection that is dead is noticed, and proxies keep one that is not.
                    await context.Response.Body.WriteAsync(Comment, end.Token);
                }
                await context.Response.Body.FlushAsync(end.Token);
            }
        }
        catch (OperationCanceledException) { }
        finally
        {
            feed.Leave(ticket);
        }
    }

    /// <summary>JSON of our own writer holds no line break.</summary>
    private static async Task WriteAsync(Stream body, FeedEvent told, CancellationToken cancel)
    {
        await body.WriteAsync(Encoding.ASCII.GetBytes($"event: {told.Kind}\ndata: "), cancel);
        await body.WriteAsync(told.Json, cancel);
        await body.WriteAsync("\n\n"u8.ToArray(), cancel);
    }
}
