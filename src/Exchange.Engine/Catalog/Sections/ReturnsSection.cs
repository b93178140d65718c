using Exchange.Engine.Caps;
using Exchange.Engine.Catalog.Reading;
using Exchange.Engine.Returns;

namespace Exchange.Engine.Catalog.Sections;

/// <summary><c>returns</c> of buyers and campaigns: <c>{ within, reasons, at_most, review }</c>; a campaign may also say <c>none</c>.</summary>
internal static class ReturnsSection
{
    private static readonly TimeSpan LongestWindow = TimeSpan.FromDays(366);
    private static readonly MapKeys Keys = new(["within", "reasons", "at_most", "review"]);

    public static ReturnTerms? Read(ConfigNode node, CapScope scope, string owner, ConfigErrors errors)
    {
        if (scope == CapScope.Campaign && node is ConfigText { Text: "none" }) return ReturnTerms.Never;
        if (MapReader.Open(node, Keys, errors) is not { } map) return null;
        var within = map.Required("within", "how long after the sale, as 10d", errors) is { } withinNode ? Within(withinNode, errors) : null;
        return new()
        {
            Scope = scope, Owner = owner, Days = within?.Days ?? 0, Span = within?.Span ?? default,
            Reasons = map["reasons"] is { } reasons ? Reasons(reasons, errors) : [],
            AtMost = map["at_most"] is { } most ? AtMost(most, errors) : null,
            Review = map["review"] is { } review && ValueReader.Boolean(review, errors) == true,
        };
    }

    /// <summary>Days are calendar days, everything shorter is time.</summary>
    private static (int Days, TimeSpan Span)? Within(ConfigNode node, ConfigErrors errors)
    {
        if (ValueReader.Duration(node, errors) is not { } duration) return null;
        if (duration > LongestWindow)
        {
            errors.Add(node.Path, ConfigCodes.OutOfRange, "Leads come back within at most 366d of their sale.");
            return null;
        }
        return ((ConfigText)node).Text.EndsWith('d') ? ((int)duration.TotalDays, TimeSpan.Zero) : (0, duration);
    }

    private static List<string> Reasons(ConfigNode node, ConfigErrors errors)
    {
        var reasons = new List<string>();
        foreach (var text in ValueReader.Texts(node, errors))
        {
            if (ReturnTerms.IsReason(text.Text)) reasons.Add(text.Text);
            else errors.Add(text.Path, ConfigCodes.InvalidFormat, "A reason is a word of lower-case letters, digits, underscores or hyphens, as invalid_phone.");
        }
        return reasons;
    }

    private static Values.Percent? AtMost(ConfigNode node, ConfigErrors errors)
    {
        if (ValueReader.Percent(node, errors) is not { } percent) return null;
        if (percent.Millionths is > 0 and <= Values.Percent.One) return percent;
        errors.Add(node.Path, ConfigCodes.OutOfRange, "This is more than 0% and at most 100%; leave `returns` out where nothing comes back.");
        return null;
    }
}
