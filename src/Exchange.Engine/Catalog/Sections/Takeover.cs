using System.Globalization;
using Exchange.Engine.Caps;

namespace Exchange.Engine.Catalog.Sections;

/// <summary>
/// Compiles each entry anew, or takes it over from the version before: if it is written as it was, and everything that it asked of others (is there
/// such a publisher, which zip codes are in the list, what are the vertical's fields) is answered as it was. The outcome is the same either way, so only
/// time is saved.
/// </summary>
internal sealed class Takeover(CatalogDraft draft, CompiledCatalog? previous)
{
    private readonly HashSet<(string Section, string Id)> compiled = [];
    private readonly HashSet<string> changed = new(StringComparer.Ordinal);
    private readonly HashSet<string> alike = new(StringComparer.Ordinal);
    private readonly IReadOnlyList<LimitModel> limitsBefore = previous?.Limits ?? [];
    private readonly LimitModel?[] movedTo = new LimitModel?[previous?.Limits.Count ?? 0];
    private Predicate<Question>? isAnsweredAlike;
    private List<Question>? asked;
    private string reading = "";

    /// <summary>Of this version, for the next one.</summary>
    public required CompiledCatalog Next { get; init; }

    /// <summary>Notes what the entry asks that is being compiled; where none is, nothing.</summary>
    public void Ask(Question question) => asked?.Add(question);

    /// <param name="read">Compiles it and sets its product in <paramref name="entries"/>, if there is any.</param>
    /// <param name="moved">The product with its limits as they are placed in this version: see <see cref="Moved(LimitModel)"/>.</param>
    public void Entry<T>(DraftEntries<T> entries, string id, ConfigNode node, Action<string, ConfigNode> read, Func<T, T> moved) where T : class
    {
        if (reading != entries.Section) Enter(entries.Section);
        var before = previous?.Find(entries.Section, id);
        var (limits, warnings) = (draft.Limits.Count, draft.Errors.Warnings.Count);
        if (before is not null && ConfigNode.Same(previous!.NodeOf(entries.Section, id), node) && Array.TrueForAll(before.Asked, isAnsweredAlike ??= IsAnsweredAlike))
        {
            foreach (var limit in before.Limits) movedTo[limit.Ordinal] = Placed(limit);
            foreach (var warning in before.Warnings) draft.Errors.Warn(warning.Pointer, warning.Code, warning.Message);
            if (before.Product is T product) entries[id] = moved(product);
            var same = ReferenceEquals(before.Product, entries.Peek(id)) && (before.Limits.Length == 0 || before.Limits[0].Ordinal == limits);
            Next.Add(entries.Section, id, same ? before : before with { Product = entries.Peek(id), Limits = LimitsFrom(limits) });
            return;
        }
        changed.Add(entries.Section);
        if (previous is not null) compiled.Add((entries.Section, id));
        asked = [];
        read(id, node);
        Next.Add(entries.Section, id, new(entries.Peek(id), [.. asked.Distinct()], LimitsFrom(limits), [.. draft.Errors.Warnings.Skip(warnings)]));
        asked = null;
    }

    /// <summary>
    /// A limit's ordinal is its place in the catalog's list of limits. One that is read anew and says what stood at this place before is that limit still.
    /// </summary>
    public LimitModel Placed(LimitModel limit)
    {
        var place = draft.Limits.Count;
        var placed = place < limitsBefore.Count && limitsBefore[place].IsWrittenAs(limit) ? limitsBefore[place]
            : limit.Ordinal == place ? limit : limit with { Ordinal = place };
        draft.Limits.Add(placed);
        return placed;
    }

    /// <summary>A limit of an entry that was taken over, where it stands in this version.</summary>
    public LimitModel Moved(LimitModel limit) => movedTo[limit.Ordinal] ?? throw new InvariantException("only limits of entries that were taken over are moved");

    public IReadOnlyList<LimitModel> Moved(IReadOnlyList<LimitModel> limits)
    {
        for (var i = 0; i < limits.Count; i++)
            if (!ReferenceEquals(limits[i], Moved(limits[i]))) return [.. limits.Select(Moved)];
        return limits;
    }

    private LimitModel[] LimitsFrom(int first) => [.. draft.Limits.GetRange(first, draft.Limits.Count - first)];

    /// <summary>Of a section that is done and was taken over whole, every question is answered as it was.</summary>
    private void Enter(string section)
    {
        if (previous is not null && reading.Length > 0 && !changed.Contains(reading) && draft.Declared[reading].Count == previous.CountOf(reading)) alike.Add(reading);
        reading = section;
    }

    private bool IsAnsweredAlike(Question question) => question.Kind != QuestionKind.Bought && alike.Contains(question.Section) || question.Kind switch
    {
        QuestionKind.Declared => draft.Declared[question.Section].Peek(question.Id) is not null == question.Answer,
        QuestionKind.Node => IsWrittenAlike(question.Section, question.Id),
        QuestionKind.AllNodes => draft.Declared[question.Section].Count == previous!.CountOf(question.Section)
            && AreWrittenAlike(question.Section),
        // Sections are read one after the other: whoever is not compiled anew by now was taken over, or is not there.
        QuestionKind.Product => question.Section != reading && !compiled.Contains((question.Section, question.Id))
            && previous!.Find(question.Section, question.Id) is null == draft.Declared[question.Section].Peek(question.Id) is null,
        QuestionKind.AllProducts => question.Section != reading && !changed.Contains(question.Section) && draft.Declared[question.Section].Count == previous!.CountOf(question.Section),
        QuestionKind.Bought => draft.IdsBoughtBy(question.Section) == question.Id,
        QuestionKind.Today => (draft.Options.Today?.ToString(CultureInfo.InvariantCulture) ?? "") == question.Id,
        QuestionKind.Secret => draft.Options.KnownSecrets?.Contains(question.Id) != false,
        QuestionKind.Address => draft.Options.CheckUrl?.Invoke(new Uri(question.Id)) is null,
        QuestionKind.Stored => draft.Options.IsStored == question.Answer,
        _ => false,
    };

    private bool AreWrittenAlike(string section) => draft.Declared[section].All.Keys.All(id => IsWrittenAlike(section, id));

    private bool IsWrittenAlike(string section, string id) =>
        draft.Declared[section].Peek(id) is { } node ? ConfigNode.Same(previous!.NodeOf(section, id), node) : previous!.NodeOf(section, id) is null;
}
