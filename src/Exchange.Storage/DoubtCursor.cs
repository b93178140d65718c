using System.Globalization;
using Exchange.Engine.Values;

namespace Exchange.Storage;

/// <summary>Where a list of doubts goes on: after this moment and copy. One that we did not write is read as the list's beginning.</summary>
internal static class DoubtCursor
{
    public static string Of(DoubtRow row) => string.Create(CultureInfo.InvariantCulture, $"{row.SinceMs}.{row.Copy}");

    public static (long Since, CopyId After) Read(string? cursor)
    {
        var dot = cursor?.IndexOf('.', StringComparison.Ordinal) ?? -1;
        return dot > 0 && long.TryParse(cursor.AsSpan(0, dot), NumberStyles.None, CultureInfo.InvariantCulture, out var since)
            && CopyId.TryParse(cursor.AsSpan(dot + 1), out var copy) ? (since, copy) : (-1, default);
    }
}
