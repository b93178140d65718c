using Microsoft.Net.Http.Headers;

namespace Exchange.Server.Answers;

/// <summary>In what an answer is written.</summary>
public enum AnswerFormat
{
    /// <summary>None that the caller takes.</summary>
    None,
    Json,
    Xml,
    Html,
}

/// <summary>Chooses an answer's format by the <c>Accept</c> header: JSON unless another is liked better.</summary>
internal static class AnswerFormats
{
    private const string Json = "application/json";

    private static readonly (AnswerFormat Format, string Type)[] Types =
    [
        (AnswerFormat.Json, Json), (AnswerFormat.Xml, "application/xml"), (AnswerFormat.Xml, "text/xml"), (AnswerFormat.Html, "text/html"),
    ];

    /// <summary>JSON or XML.</summary>
    public static AnswerFormat Of(HttpRequest request) => Of(request, AnswerFormat.Xml);

    /// <summary>JSON or <paramref name="other"/>; without an <c>Accept</c> header, or with one that cannot be read, JSON. A type with q=0 is one that is not taken.</summary>
    public static AnswerFormat Of(HttpRequest request, AnswerFormat other)
    {
        var accept = request.Headers.Accept;
        if (accept.Count == 0 || accept.Count == 1 && accept[0] is null or "" or "*/*" or Json) return AnswerFormat.Json;
        if (!MediaTypeHeaderValue.TryParseList(accept, out var wishes)) return AnswerFormat.Json;
        var (best, bestQuality, bestPlace) = (AnswerFormat.None, 0.0, int.MaxValue);
        foreach (var (format, type) in Types)
        {
            if (format != AnswerFormat.Json && format != other) continue;
            var (quality, place) = Wish(wishes, type);
            // Liked equally: the one named first, and JSON where a wildcard names both.
            if (quality <= 0 || quality < bestQuality || quality == bestQuality && place >= bestPlace) continue;
            (best, bestQuality, bestPlace) = (format, quality, place);
        }
        return best;
    }

    /// <summary>Whether the caller takes any of these types; without an <c>Accept</c> header, or with one that cannot be read, it takes them all.</summary>
    public static bool Takes(HttpRequest request, IEnumerable<string> types) =>
        request.Headers.Accept.Count == 0 || !MediaTypeHeaderValue.TryParseList(request.Headers.Accept, out var wishes) || types.Any(type => Wish(wishes, type).Quality > 0);

    /// <summary>How much a type is liked, by the most specific of the ranges that hold it, and the range's place in the header.</summary>
    private static (double Quality, int Place) Wish(IList<MediaTypeHeaderValue> wishes, string type)
    {
        var (quality, place, precision) = (0.0, int.MaxValue, -1);
        for (var i = 0; i < wishes.Count; i++)
        {
            var wish = wishes[i];
            var fits = wish.MatchesAllTypes ? 0
                : wish.MatchesAllSubTypes && type.AsSpan().StartsWith(wish.Type.AsSpan(), StringComparison.OrdinalIgnoreCase) && type[wish.Type.Length] == '/' ? 1
                : wish.MediaType.Equals(type, StringComparison.OrdinalIgnoreCase) ? 2
                : -1;
            if (fits <= precision) continue;
            (quality, place, precision) = (wish.Quality ?? 1, i, fits);
        }
        return (quality, place);
    }
}
