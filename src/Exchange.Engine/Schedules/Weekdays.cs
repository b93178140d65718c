namespace Exchange.Engine.Schedules;

/// <summary>A set of weekdays, Monday = bit 0 … Sunday = bit 6.</summary>
public readonly record struct DaySet(byte Bits)
{
    public bool Has(int weekday) => (Bits >> weekday & 1) != 0;
}

/// <summary>The words for weekdays. Weeks start on Monday.</summary>
public static class Weekdays
{
    /// <summary>mon … sun, by number (Monday = 0).</summary>
    public static IReadOnlyList<string> Names { get; } = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

    /// <summary>Reads <c>sat</c> or <c>mon-fri</c>. A range runs forward within the week: <c>fri-mon</c> is refused.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out DaySet days)
    {
        days = default;
        var hyphen = text.IndexOf('-');
        var first = IndexOf(hyphen < 0 ? text : text[..hyphen]);
        var last = hyphen < 0 ? first : IndexOf(text[(hyphen + 1)..]);
        if (first < 0 || last < first) return false;
        var bits = 0;
        for (var day = first; day <= last; day++) bits |= 1 << day;
        days = new((byte)bits);
        return true;
    }

    private static int IndexOf(ReadOnlySpan<char> name)
    {
        name = name.Trim();
        for (var i = 0; i < Names.Count; i++) if (name.Equals(Names[i], StringComparison.OrdinalIgnoreCase)) return i;
        return -1;
    }
}
