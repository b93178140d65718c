namespace Exchange.Engine.Catalog.Reading;

/// <summary>The known word that a wrong one was most likely meant to be.</summary>
internal static class Nearest
{
    /// <summary>
    /// The sentence with the nearest known word as its fix, or with the short list of them. Past the errors that any answer shows
    /// nothing is searched, so that a catalog wrong in ten thousand places is refused as fast as it is read.
    /// </summary>
    public static string Fix(string sentence, string word, IEnumerable<string> known, ConfigErrors errors)
    {
        if (errors.Errors.Count >= Limits.ErrorsPerAnswer) return sentence + ".";
        var words = known as IReadOnlyCollection<string> ?? [.. known];
        if (Find(word, words) is { } nearest) return $"{sentence}; did you mean `{nearest}`?";
        return words.Count is > 0 and <= 25 ? $"{sentence}; known are {string.Join(", ", words)}." : sentence + ".";
    }

    public static string? Find(string word, IEnumerable<string> known)
    {
        var allowed = Math.Max(1, word.Length / 3);
        string? best = null;
        foreach (var candidate in known)
        {
            if (Math.Abs(candidate.Length - word.Length) > allowed) continue;
            var distance = Distance(word, candidate, allowed);
            if (distance > allowed) continue;
            if (distance == allowed && best is not null) continue;
            best = candidate;
            allowed = distance;
            if (distance == 0) break;
        }
        return best;
    }

    /// <summary>Levenshtein distance without case; anything above <paramref name="most"/> may come back as any larger number.</summary>
    private static int Distance(string a, string b, int most)
    {
        Span<int> row = stackalloc int[Math.Min(b.Length, 128) + 1];
        if (b.Length > 128) return most + 1;
        for (var j = 0; j <= b.Length; j++) row[j] = j;
        for (var i = 1; i <= a.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            var least = i;
            for (var j = 1; j <= b.Length; j++)
            {
                var change = char.ToLowerInvariant(a[i - 1]) == char.ToLowerInvariant(b[j - 1]) ? 0 : 1;
                var next = Math.Min(Math.Min(row[j] + 1, row[j - 1] + 1), diagonal + change);
                diagonal = row[j];
                row[j] = next;
                least = Math.Min(least, next);
            }
            if (least > most) return most + 1;
        }
        return row[b.Length];
    }
}
