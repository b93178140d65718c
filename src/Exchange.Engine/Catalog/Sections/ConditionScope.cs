using Exchange.Engine.Filters;
using Exchange.Engine.Fields;

namespace Exchange.Engine.Catalog.Sections;

/// <summary>Where a condition stands: what it may read, in which zone, and where its errors go.</summary>
internal sealed class ConditionScope
{
    private readonly ConditionContext context;

    /// <param name="pingOnly">False for what is asked at the post alone.</param>
    /// <param name="zone">Of <c>today</c>, <c>hour</c> and <c>weekday</c>; null = the exchange's.</param>
    /// <param name="errors">Null = the catalog's.</param>
    /// <param name="elsewhere">Fields of the other verticals that the same text is compiled for.</param>
    public ConditionScope(
        CatalogDraft draft, VerticalDraft vertical, ConditionPlace place, bool pingOnly = true, TimeZoneInfo? zone = null, ConfigErrors? errors = null,
        Func<string, bool>? elsewhere = null)
    {
        Errors = errors ?? draft.Errors;
        context = new()
        {
            Fields = vertical.Fields,
            Place = place,
            Zone = zone ?? draft.Zone,
            Parsers = draft.Options.Parsers,
            List = draft.Lists.GetValueOrDefault,
            PingFieldsOnly = pingOnly,
            // A field that is itself wrong was reported where it is declared.
            KnownElsewhere = name => vertical.DeclaredFields is null || vertical.DeclaredFields.Find(name) is not null || elsewhere?.Invoke(name) == true,
            KnownVertical = draft.Declared["verticals"].ContainsKey,
            KnownPublisher = draft.Declared["publishers"].ContainsKey,
            KnownBuyer = draft.Declared["buyers"].ContainsKey,
            KnownCampaign = draft.Declared["campaigns"].ContainsKey,
        };
    }

    /// <summary>Outside a catalog that is being read.</summary>
    public ConditionScope(ConditionContext context, ConfigErrors errors) => (this.context, Errors) = (context, errors);

    public ConfigErrors Errors { get; }

    /// <summary>A condition that is wrong is reported and holds for nothing.</summary>
    public Condition Read(ConfigNode node) => ConditionCompiler.Compile(node, context, Errors);
}
