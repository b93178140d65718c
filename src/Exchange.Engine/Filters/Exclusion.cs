using Exchange.Engine.Catalog;

namespace Exchange.Engine.Filters;

/// <summary>
/// Whether two conditions can never hold for one ping, as far as their text shows it: other values or ranges of one field, given and not given, or
/// one that says <c>not</c> to a part of the other. What it cannot see is taken as possible.
/// </summary>
internal static class Exclusion
{
    public static bool IsSure(Condition a, ConfigNode writtenA, Condition b, ConfigNode writtenB)
    {
        var (left, right) = (Parts(a, writtenA), Parts(b, writtenB));
        foreach (var x in left) foreach (var y in right) if (Excludes(x, y) || Excludes(y, x)) return true;
        return Denies(left, writtenB) || Denies(right, writtenA);
    }

    private readonly record struct Part(Condition Condition, ConfigNode Written);

    /// <summary>What must all hold, each with its text.</summary>
    private static List<Part> Parts(Condition condition, ConfigNode written)
    {
        var parts = new List<Part>();
        Add(condition, written, parts);
        return parts;
    }

    private static void Add(Condition condition, ConfigNode written, List<Part> parts)
    {
        if (condition is AllCondition all && ConfigPatch.Find(written, "all") is ConfigList list && list.Items.Count == all.Parts.Length)
            for (var i = 0; i < all.Parts.Length; i++) Add(all.Parts[i], list.Items[i], parts);
        else parts.Add(new(condition, written));
    }

    private static bool Excludes(Part x, Part y)
    {
        if (x.Condition is AnyCondition any && ConfigPatch.Find(x.Written, "any") is ConfigList list && list.Items.Count == any.Parts.Length)
        {
            for (var i = 0; i < any.Parts.Length; i++) if (!IsSure(any.Parts[i], list.Items[i], y.Condition, y.Written)) return false;
            return true;
        }
        return (x.Condition, y.Condition) switch
        {
            (LeafCondition a, LeafCondition b) => Alike(a.Operand, b.Operand) && Excludes(a.Test, b.Test),
            (LeafCondition a, ExistsCondition b) => Alike(a.Operand, b.Operand) && !b.Wanted,
            (ExistsCondition a, ExistsCondition b) => Alike(a.Operand, b.Operand) && a.Wanted != b.Wanted,
            _ => false,
        };
    }

    private static bool Alike(Operand a, Operand b) => a.Name == b.Name;

    private static bool Excludes(ValueTest a, ValueTest b)
    {
        if (a.Set is { } set)
        {
            if (b.Set is { } other) return set.Numbers.All(number => !other.Contains(new("", number))) && set.Texts.All(text => !Has(other, text));
            if (b.Range is { } range) return !set.Numbers.Any(range.Has);
            if (b.Except is { } except) return set.Numbers.All(number => except.Contains(new("", number))) && set.Texts.All(text => Has(except, text));
        }
        return a.Range is { } low && b.Range is { } high && (low.High < high.Low || high.High < low.Low);
    }

    private static bool Has(ValueSet set, string text) => set.Contains(new(text, 0));

    /// <summary>One of the parts says <c>not</c> to the other condition or to a part of it.</summary>
    private static bool Denies(List<Part> parts, ConfigNode other)
    {
        var said = new HashSet<string>(StringComparer.Ordinal);
        Texts(other, said);
        return parts.Exists(part => ConfigPatch.Find(part.Written, "not") is { } denied && DeniedTexts(denied).Any(said.Contains));
    }

    private static void Texts(ConfigNode condition, HashSet<string> texts)
    {
        texts.Add(ConfigJson.WriteText(condition));
        if (ConfigPatch.Find(condition, "all") is ConfigList list) foreach (var item in list.Items) Texts(item, texts);
    }

    /// <summary>Whoever denies <c>any</c> denies each of them.</summary>
    private static IEnumerable<string> DeniedTexts(ConfigNode denied) =>
        ConfigPatch.Find(denied, "any") is ConfigList list ? list.Items.SelectMany(DeniedTexts).Append(ConfigJson.WriteText(denied)) : [ConfigJson.WriteText(denied)];
}
