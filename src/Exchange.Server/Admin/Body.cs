using Exchange.Grains.Intake;
using Exchange.Server.Problems;
using Microsoft.Net.Http.Headers;

namespace Exchange.Server.Admin;

/// <summary>Reads a request's body whole, up to a bound.</summary>
internal static class Body
{
    /// <param name="mediaTypes">Those taken; the first is assumed where the request names none.</param>
    /// <returns>The bytes and their media type, or 415 or 413.</returns>
    public static async Task<(byte[] Bytes, string MediaType, Problem? Problem)> ReadAsync(ApiCall call, int limit, params string[] mediaTypes)
    {
        var request = call.Request;
        var mediaType = mediaTypes[0];
        if (!string.IsNullOrEmpty(request.ContentType))
        {
            if (!MediaTypeHeaderValue.TryParse(request.ContentType, out var parsed) || !mediaTypes.Contains(parsed.MediaType.ToString(), StringComparer.OrdinalIgnoreCase)
                || parsed.Charset.HasValue && !parsed.Charset.Equals("utf-8", StringComparison.OrdinalIgnoreCase))
                return ([], "", Problem.Of(415, "unsupported_media_type", $"The body must be {string.Join(" or ", mediaTypes)} in UTF-8."));
            mediaType = parsed.MediaType.ToString().ToLowerInvariant();
        }
        if (request.Headers.ContentEncoding.Count > 0) return ([], "", StatusProblems.Of(415));
        if (request.ContentLength > limit) return ([], "", TooLarge(limit));
        if (call.Http.Features.Get<Microsoft.AspNetCore.Http.Features.IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size) size.MaxRequestBodySize = limit;
        using var bytes = new MemoryStream();
        var chunk = new byte[16 * 1024];
        try
        {
            int read;
            while ((read = await request.Body.ReadAsync(chunk, call.Cancel)) > 0)
            {
                if (bytes.Length + read > limit) return ([], "", TooLarge(limit));
                bytes.Write(chunk, 0, read);
            }
        }
        catch (BadHttpRequestException e) when (e.StatusCode == 413)
        {
            return ([], "", TooLarge(limit));
        }
        return (bytes.ToArray(), mediaType, null);
    }

    private static Problem TooLarge(int limit) => Problem.Of(413, "body_too_large", $"The body may have at most {limit / 1024} KiB here.");
}
