namespace Exchange.Engine.Schedules;

/// <summary>IANA time zones by name.</summary>
public static class Zones
{
    /// <summary>Finds <c>America/New_York</c>, <c>UTC</c> and the like; names without a region other than UTC are not taken.</summary>
    public static bool TryFind(string id, out TimeZoneInfo zone)
    {
        zone = TimeZoneInfo.Utc;
        if (id == "UTC") return true;
        // Windows names and abbreviations such as EST (which never shifts) are what people mistake for a zone.
        if (id.Length is 0 or > 64 || !id.Contains('/', StringComparison.Ordinal) || id.StartsWith('/') || id.Contains("..", StringComparison.Ordinal)) return false;
        if (!TimeZoneInfo.TryFindSystemTimeZoneById(id, out var found)) return false;
        zone = found;
        return true;
    }
}
