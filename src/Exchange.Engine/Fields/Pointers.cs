namespace Exchange.Engine.Fields;

/// <summary>JSON pointers (RFC 6901) to what a caller sent. Names are repeated, values never.</summary>
public static class Pointers
{
    private const int LongestName = 64;

    /// <summary>Of a member named by the caller, cut so that a name cannot blow up the answer.</summary>
    public static string To(string parent, string name)
    {
        if (name.Length > LongestName) name = name[..LongestName];
        if (name.AsSpan().ContainsAny('~', '/')) name = name.Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal);
        return $"{parent}/{name}";
    }
}
