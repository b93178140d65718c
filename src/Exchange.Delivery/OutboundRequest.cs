using System.Net.Http.Headers;

namespace Exchange.Delivery;

/// <summary>A request as it goes out, byte for byte.</summary>
/// <param name="Method">GET, POST, PUT, PATCH or DELETE.</param>
/// <param name="Body">Null: none.</param>
/// <param name="ContentType">Of the body.</param>
public sealed record OutboundRequest(string Method, Uri Url, IReadOnlyList<KeyValuePair<string, string>> Headers, byte[]? Body, string? ContentType)
{
    /// <summary>False: the status is all that counts; a body is neither waited for nor read.</summary>
    public bool ReadBody { get; init; } = true;
    /// <summary>Names of the reply's headers that are wanted, in lower case.</summary>
    public IReadOnlyList<string> WantedHeaders { get; init; } = [];
}

/// <summary>
/// What came of one request. With <see cref="Sent"/> false certainly nothing of it left this machine; else it may have arrived, whatever
/// <see cref="Error"/> says. <see cref="Status"/> is 0 until an answer's head was read; <see cref="Body"/> is null unless it was read whole.
/// </summary>
public readonly record struct OutboundReply(bool Sent, int Status, byte[]? Body, string? Error, RetryConditionHeaderValue? RetryAfter)
{
    public bool IsSuccess => Status is >= 200 and < 300;
    public string? ContentType { get; init; }
    /// <summary>Those that were wanted and came.</summary>
    public IReadOnlyDictionary<string, string>? Headers { get; init; }
    /// <summary>Set with the error <c>rate_limited</c>: when the endpoint takes a call again.</summary>
    public TimeSpan? FreeIn { get; init; }
}

/// <summary>Why an endpoint is called: posts go before pings where its rate is short.</summary>
public enum CallPurpose { Post, Ping, Token }
