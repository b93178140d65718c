using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Exchange.System.Tests.Admin;

/// <summary>A request that the command line sent.</summary>
internal sealed record SentRequest(string Method, string Path, string? ContentType, string? IfMatch, string? Authorization, string Body);

/// <summary>Answers the command line over a real socket with what a test wants, and keeps what it was sent.</summary>
internal sealed class StubExchange : IAsyncDisposable
{
    private readonly WebApplication app;
    private readonly Dictionary<string, (int Status, string Body, string? Tag)> answers = new(StringComparer.Ordinal);
    private readonly TaskCompletionSource asked = new(TaskCreationOptions.RunContinuationsAsynchronously), released = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool holdsBack;

    private StubExchange(WebApplication app) => this.app = app;

    public List<SentRequest> Sent { get; } = [];
    public string Url => app.Urls.First();

    public static async Task<StubExchange> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        var stub = new StubExchange(app);
        app.Run(stub.AnswerAsync);
        await app.StartAsync();
        return stub;
    }

    public void Answer(string methodAndPath, int status, string body, string? tag = null) => answers[methodAndPath] = (status, body, tag);

    /// <summary>From here on it says nothing until <see cref="Release"/> is called.</summary>
    public void HoldBack() => holdsBack = true;

    public void Release() => released.TrySetResult();

    /// <summary>Done when the first answer is held back.</summary>
    public Task AskedAsync() => asked.Task;

    public async ValueTask DisposeAsync()
    {
        Release();
        await app.DisposeAsync();
    }

    private async Task AnswerAsync(HttpContext context)
    {
        using var reader = new StreamReader(context.Request.Body);
        var path = context.Request.Path + context.Request.QueryString.Value;
        var request = context.Request;
        Sent.Add(new(request.Method, path, request.ContentType, request.Headers.IfMatch, request.Headers.Authorization, await reader.ReadToEndAsync()));
        if (holdsBack)
        {
            asked.TrySetResult();
            await released.Task;
        }
        var (status, body, tag) = answers.TryGetValue($"{request.Method} {path}", out var answer) ? answer : (404, """{ "code": "not_found", "detail": "nothing here" }""", null);
        context.Response.StatusCode = status;
        if (tag is not null) context.Response.Headers.ETag = tag;
        await context.Response.WriteAsync(body);
    }
}
