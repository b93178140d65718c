using Microsoft.Net.Http.Headers;

namespace Exchange.Server.Intake;

/// <summary>What a request's headers say about its body and the answer it takes.</summary>
internal static class MediaTypes
{
    private const string Json = "application/json";

    public enum BodyIs { Json, OtherType, OtherCharset }

    public static BodyIs Body(HttpRequest request)
    {
        if (request.Headers.ContentEncoding.Count > 0 && !string.Equals(request.Headers.ContentEncoding, "identity", StringComparison.OrdinalIgnoreCase)) return BodyIs.OtherType;
        var contentType = request.ContentType;
        if (string.Equals(contentType, Json, StringComparison.OrdinalIgnoreCase)) return BodyIs.Json;
        if (!MediaTypeHeaderValue.TryParse(contentType, out var parsed)) return BodyIs.OtherType;
        var isPatch = HttpMethods.IsPatch(request.Method) && parsed.MediaType.Equals("application/merge-patch+json", StringComparison.OrdinalIgnoreCase);
        if (!isPatch && !parsed.MediaType.Equals(Json, StringComparison.OrdinalIgnoreCase)) return BodyIs.OtherType;
        var charset = HeaderUtilities.RemoveQuotes(parsed.Charset);
        return charset.Length == 0 || charset.Equals("utf-8", StringComparison.OrdinalIgnoreCase) ? BodyIs.Json : BodyIs.OtherCharset;
    }

    /// <summary>No Accept header takes all. A type with q=0 is one that is not taken.</summary>
    public static bool TakesJson(HttpRequest request)
    {
        var accept = request.Headers.Accept;
        if (accept.Count == 0 || accept.Count == 1 && accept[0] is null or "" or "*/*" or Json) return true;
        // A header that cannot be read is no wish that could be refused.
        if (!MediaTypeHeaderValue.TryParseList(accept, out var types)) return true;
        foreach (var type in types)
        {
            if (type.Quality is null or > 0 && (type.MatchesAllTypes || type.MediaType.Equals("application/*", StringComparison.OrdinalIgnoreCase)
                || type.MediaType.Equals(Json, StringComparison.OrdinalIgnoreCase))) return true;
        }
        return false;
    }
}
