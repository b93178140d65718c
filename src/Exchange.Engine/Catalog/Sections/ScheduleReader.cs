using Exchange.Engine.Schedules;

namespace Exchange.Engine.Catalog.Sections;

/// <summary><c>schedule</c> of a campaign, with the warning that it is over.</summary>
internal static class ScheduleReader
{
    public static Schedule? Read(ConfigNode node, CatalogDraft draft)
    {
        var schedule = ScheduleCompiler.Compile(node, draft.Zone, draft.Lists.GetValueOrDefault, draft.Errors);
        if (schedule?.Until is { } until && until <= draft.Today)
            draft.Errors.Warn(ConfigErrors.At(node.Path, "until"), ConfigCodes.NeverUsed, "This schedule is over and never opens again.");
        return schedule;
    }
}
