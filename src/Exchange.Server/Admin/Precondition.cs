using System.Globalization;
using Exchange.Grains.Intake;

namespace Exchange.Server.Admin;

/// <summary>
/// <c>If-Match</c> against the catalog's version: whoever changes the catalog says which one it saw, or <c>*</c> that it does not care.
/// </summary>
/// <param name="Expected">The version seen; null = any (<c>*</c>).</param>
internal readonly record struct Precondition(long? Expected)
{
    public static string TagOf(long version) => string.Create(CultureInfo.InvariantCulture, $"\"{version}\"");

    /// <summary>428 where the header is missing. A tag that is no version of ours reads as version -1, which matches nothing.</summary>
    public static Problem? Read(HttpRequest request, out Precondition precondition)
    {
        precondition = default;
        var text = request.Headers.IfMatch.ToString().Trim();
        if (text.Length == 0)
            return Problem.Of(428, "if_match_required", "Send If-Match with the ETag of the catalog you changed, or * to overwrite whatever is there.");
        if (text != "*") precondition = new(ParseTag(text) ?? -1);
        return null;
    }

    public bool Holds(long version) => Expected is null || Expected == version;

    public static Problem Conflict(long current) => Problem.Of(412, "version_conflict",
        string.Create(CultureInfo.InvariantCulture, $"The catalog has moved on: version {current} serves. Read it, make the change there and send it again."));

    private static long? ParseTag(string text)
    {
        var tag = text.StartsWith("W/", StringComparison.Ordinal) ? text[2..] : text;
        return long.TryParse(tag.Trim('"'), NumberStyles.None, CultureInfo.InvariantCulture, out var version) ? version : null;
    }
}
