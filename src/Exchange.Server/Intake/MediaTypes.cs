using Microsoft.Net.Http.Headers;

namespace Exchange.Server.Intake;

/// <summary>What a request's headers say about its body.</summary>
internal static class MediaTypes
{
    private const string Json = "application/json";

    public enum BodyIs { Json, Form, Xml, OtherType, OtherCharset }

    public static BodyIs Body(HttpRequest request)
    {
        if (request.Headers.ContentEncoding.Count > 0 && !string.Equals(request.Headers.ContentEncoding, "identity", StringComparison.OrdinalIgnoreCase)) return BodyIs.OtherType;
        var contentType = request.ContentType;
        if (string.Equals(contentType, Json, StringComparison.OrdinalIgnoreCase)) return BodyIs.Json;
        if (!MediaTypeHeaderValue.TryParse(contentType, out var parsed)) return BodyIs.OtherType;
        var kind = Kind(parsed.MediaType.Value!, HttpMethods.IsPatch(request.Method));
        if (kind == BodyIs.OtherType) return kind;
        var charset = HeaderUtilities.RemoveQuotes(parsed.Charset);
        return charset.Length == 0 || charset.Equals("utf-8", StringComparison.OrdinalIgnoreCase) ? kind : BodyIs.OtherCharset;
    }

    private static BodyIs Kind(string type, bool isPatch) => type.ToLowerInvariant() switch
    {
        Json => BodyIs.Json,
        "application/merge-patch+json" when isPatch => BodyIs.Json,
        "application/x-www-form-urlencoded" => BodyIs.Form,
        "application/xml" or "text/xml" => BodyIs.Xml,
        _ => BodyIs.OtherType,
    };
}
