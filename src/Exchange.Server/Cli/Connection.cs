using System.CommandLine;
using System.CommandLine.Invocation;
using System.Net.Sockets;
using System.Text.Json;

namespace Exchange.Server.Cli;

/// <summary>
/// How a command finds its exchange: <c>--url</c> and <c>--key</c>, or <c>EXCHANGE_URL</c> and <c>EXCHANGE_KEY</c>. A key in a shell's
/// history is a key in a file; the environment is the better place, and the help says so.
/// </summary>
internal sealed class Connection
{
    public const string DefaultUrl = "http://localhost:8080";

    public Option<string?> Url { get; } = new("--url") { Description = $"Where the exchange runs (or EXCHANGE_URL; {DefaultUrl}).", Recursive = true };
    public Option<string?> Key { get; } = new("--key") { Description = "An admin's or viewer's key (better: EXCHANGE_KEY, which no shell history keeps).", Recursive = true };
    public Option<bool> Json { get; } = new("--json") { Description = "Answer as JSON, for programs.", Recursive = true };

    /// <summary>How long an answer is waited for, unless its command knows that it may take long.</summary>
    public TimeSpan Patience { get; init; } = ExchangeClient.Patience;

    public void AddTo(Command root)
    {
        root.Options.Add(Url);
        root.Options.Add(Key);
        root.Options.Add(Json);
    }

    /// <summary>Makes a command act on a running exchange; answers usage errors and an exchange that is away, so that commands need not.</summary>
    /// <param name="away">The exit code when no exchange answers, or something else does.</param>
    public void Act(Command command, Func<Call, Task<int>> action, int away = ExitCodes.Refused) => command.SetAction(async (parsed, cancel) =>
    {
        var console = new CliConsole(parsed.InvocationConfiguration.Output, parsed.InvocationConfiguration.Error);
        var address = parsed.GetValue(Url) ?? NotEmpty("EXCHANGE_URL") ?? DefaultUrl;
        if (!Uri.TryCreate(address.TrimEnd('/') + "/", UriKind.Absolute, out var url) || url.Scheme is not ("http" or "https"))
        {
            await console.Error.WriteLineAsync($"'{address}' is not a URL of an exchange; it looks like {DefaultUrl}.");
            return ExitCodes.Usage;
        }
        if ((parsed.GetValue(Key) ?? NotEmpty("EXCHANGE_KEY")) is not { Length: > 0 } key)
        {
            await console.Error.WriteLineAsync("No key: set EXCHANGE_KEY or give --key.");
            return ExitCodes.Usage;
        }
        using var client = new ExchangeClient(url, key, Patience);
        try
        {
            return await action(new Call(parsed, client, console, parsed.GetValue(Json), cancel));
        }
        // A connection that is reset as soon as it stands comes out of the client as it is.
        catch (Exception fault) when (fault is HttpRequestException or SocketException)
        {
            await console.Error.WriteLineAsync($"No exchange answers at {address}.");
            return away;
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            await console.Error.WriteLineAsync($"The exchange at {address} did not answer in time.");
            return away;
        }
        // A good answer that is no JSON, or other JSON than an exchange's: a proxy's page, or another server.
        catch (Exception fault) when (fault is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            await console.Error.WriteLineAsync($"What answers at {address} is no exchange.");
            return away;
        }
    });

    /// <summary>As <see cref="Act"/> where a running exchange is named; else on the database itself.</summary>
    public void ActAnywhere(Command command, Func<Call, Task<int>> running, Func<ParseResult, CliConsole, bool, CancellationToken, Task<int>> local)
    {
        // Nothing was done is not the same as a no.
        Act(command, running, ExitCodes.Usage);
        var overHttp = (AsynchronousCommandLineAction)command.Action!;
        command.SetAction((parsed, cancel) => parsed.GetValue(Url) is null && NotEmpty("EXCHANGE_URL") is null
            ? local(parsed, new CliConsole(parsed.InvocationConfiguration.Output, parsed.InvocationConfiguration.Error), parsed.GetValue(Json), cancel)
            : overHttp.InvokeAsync(parsed, cancel));
    }

    private static string? NotEmpty(string variable) => Environment.GetEnvironmentVariable(variable) is { Length: > 0 } value ? value : null;
}

/// <summary>One run of a command against a running exchange.</summary>
internal sealed record Call(ParseResult Parsed, ExchangeClient Client, CliConsole Console, bool Json, CancellationToken Cancel)
{
    /// <summary>
    /// Ends a command by an answer: refused ones are told and exit 1; good ones are printed as they came with <c>--json</c>, else shown.
    /// </summary>
    public int Finish(ExchangeAnswer answer, Action<JsonElement> show)
    {
        if (!answer.IsOk) return Refuse(answer);
        if (Json)
        {
            Console.Output.WriteLine(answer.Body);
            return ExitCodes.Ok;
        }
        using var document = answer.Read();
        show(document.RootElement);
        return ExitCodes.Ok;
    }

    public int Refuse(ExchangeAnswer answer)
    {
        if (Json) Console.Output.WriteLine(answer.Body);
        else ProblemText.Write(answer, Console.Error);
        return ExitCodes.Refused;
    }
}
