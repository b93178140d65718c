using System.Collections;
using System.Reflection;
using System.Text.RegularExpressions;
using Exchange.Engine.Catalog;

namespace Exchange.Engine.Tests.Catalog;

/// <summary>
/// Finds the first difference between two compiled catalogs, down to the last member, so that a member that is added one day is compared too.
/// What is one object in the one must be one object in the other: no campaign may point at a buyer or limit of an earlier version.
/// </summary>
internal sealed class SameModel
{
    /// <summary>Worked out at first use, to the same effect whenever that is.</summary>
    private static readonly string[] WorkedOutLater = ["units", "terms", "term", "plan", "last", "personScope", "watchedFields", "turnTiers", "treeArray"];

    private readonly Dictionary<object, object> pairs = new(ReferenceEqualityComparer.Instance);
    private readonly Dictionary<object, object> reverse = new(ReferenceEqualityComparer.Instance);

    /// <summary>Where they differ, or null.</summary>
    public static string? Difference(CatalogModel? a, CatalogModel? b) => new SameModel().Compare(a, b, "model");

    private string? Compare(object? a, object? b, string path)
    {
        if (a is null || b is null) return a is null && b is null ? null : $"{path}: one is null";
        if (a.GetType() != b.GetType()) return $"{path}: {a.GetType().Name} and {b.GetType().Name}";
        switch (a)
        {
            case string or Enum or IConvertible or TimeSpan or Uri or Int128 or UInt128: return a.Equals(b) ? null : $"{path}: {a} and {b}";
            case TimeZoneInfo zone: return zone.Id == ((TimeZoneInfo)b).Id ? null : $"{path}: {zone.Id} and {((TimeZoneInfo)b).Id}";
            case Regex regex: return regex.ToString() == b.ToString() ? null : $"{path}: {regex} and {b}";
            case Delegate: return null;
        }
        if (!a.GetType().IsValueType)
        {
            var (known, knownBack) = (pairs.TryGetValue(a, out var pair), reverse.TryGetValue(b, out var back));
            if (known || knownBack) return ReferenceEquals(pair, b) && ReferenceEquals(back, a) || IsShared(a) ? null : $"{path}: not the same {a.GetType().Name} as elsewhere";
            pairs[a] = b;
            reverse[b] = a;
        }
        return a is IEnumerable items ? CompareItems(items, (IEnumerable)b, path) : CompareMembers(a, b, path);
    }

    /// <summary>Sets and lists without identity: an empty list may be one object in the one and two in the other.</summary>
    private static bool IsShared(object value) => value is IEnumerable;

    private string? CompareItems(IEnumerable a, IEnumerable b, string path)
    {
        var (first, second) = (a.Cast<object?>().ToArray(), b.Cast<object?>().ToArray());
        if (first.Length != second.Length) return $"{path}: {first.Length} and {second.Length} items";
        if (KeysOf(first) is { } keys && KeysOf(second) is { } otherKeys)
        {
            Array.Sort(keys, first, StringComparer.Ordinal);
            Array.Sort(otherKeys, second, StringComparer.Ordinal);
        }
        for (var i = 0; i < first.Length; i++) if (Compare(first[i], second[i], $"{path}[{i}]") is { } difference) return difference;
        return null;
    }

    /// <summary>The keys of a dictionary or a set's items, which have no order of their own; null: a list.</summary>
    private static string[]? KeysOf(object?[] items) => items.Length > 0 && items[0] is { } item && item.GetType() is { IsGenericType: true } type
        && type.GetGenericTypeDefinition() == typeof(KeyValuePair<,>) ? [.. items.Select(pair => type.GetProperty("Key")!.GetValue(pair)!.ToString()!)] : null;

    private string? CompareMembers(object a, object b, string path)
    {
        for (var type = a.GetType(); type is not null && type != typeof(object) && type != typeof(ValueType); type = type.BaseType)
        {
            foreach (var field in type.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly))
            {
                if (WorkedOutLater.Any(name => field.Name == name)) continue;
                if (Compare(field.GetValue(a), field.GetValue(b), $"{path}.{field.Name}") is { } difference) return difference;
            }
        }
        return null;
    }
}
