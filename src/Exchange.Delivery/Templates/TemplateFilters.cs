using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Exchange.Engine.Connectors;
using Fluid;
using Fluid.Values;

namespace Exchange.Delivery.Templates;

/// <summary>Every filter that a template may use: ours, and of Liquid's own those that only turn one value into another.</summary>
internal static class TemplateFilters
{
    /// <summary>Under which a rendering finds its connector's maps and its budget.</summary>
    public const string MapsKey = "maps";
    public const string BudgetKey = "budget";
    /// <summary>Our own, behind every output: a number with the decimals that it has.</summary>
    public const string Written = "written";

    private static readonly string[] OfLiquid =
    [
        "append", "prepend", "capitalize", "downcase", "upcase", "strip", "lstrip", "rstrip", "remove", "remove_first", "replace", "replace_first", "slice", "split",
        "strip_newlines", "truncate", "default", "join", "first", "last", "size", "abs", "at_least", "at_most", "ceil", "floor", "round", "plus", "minus", "times",
        "divided_by", "modulo", "url_encode", "url_decode", "base64_encode", "base64_decode", "date",
    ];

    private static readonly Dictionary<string, FilterDelegate> Ours = new(StringComparer.Ordinal)
    {
        ["map"] = Map,
        ["phone"] = Phone,
        ["yes_no"] = YesNo,
        ["number"] = Number,
        ["text"] = Text,
        ["sha256"] = (input, _, _) => Hash(input, SHA256.HashData),
        // Asked for by buyers' interfaces, to compare persons by; nothing is protected with them.
#pragma warning disable CA5350, CA5351
        ["sha1"] = (input, _, _) => Hash(input, SHA1.HashData),
        ["md5"] = (input, _, _) => Hash(input, MD5.HashData),
#pragma warning restore CA5350, CA5351
    };

    public static IReadOnlyList<string> Names { get; } = [.. OfLiquid.Concat(Ours.Keys).Order(StringComparer.Ordinal)];

    public static bool IsKnown(string name) => Ours.ContainsKey(name) || OfLiquid.Contains(name);

    /// <summary>Takes every filter out but these, each within the rendering's budget.</summary>
    public static void Replace(FilterCollection filters)
    {
        var kept = OfLiquid.Select(name => (Name: name, Filter: filters.TryGetValue(name, out var filter) ? filter : throw new InvalidOperationException(name))).ToArray();
        filters.Clear();
        foreach (var (name, filter) in kept) filters.AddFilter(name, Bounded(name == "date" ? Date(filter) : filter));
        foreach (var (name, filter) in Ours) filters.AddFilter(name, Bounded(filter));
        filters.AddFilter(Written, static (input, _, _) => input is NumberValue ? StringValue.Create(input.ToNumberValue().ToString(CultureInfo.InvariantCulture)) : input);
    }

    private static FilterDelegate Bounded(FilterDelegate filter) => (input, arguments, context) =>
    {
        var budget = (TemplateBudget)context.AmbientValues[BudgetKey];
        long longest = 1;
        for (var i = 0; i < arguments.Count; i++) longest = Math.Max(longest, Length(arguments.At(i)));
        // What replace and join can come to at the most.
        budget.Spend((1 + Length(input)) * (1 + longest));
        return filter(input, arguments, context);
    };

    private static long Length(FluidValue value) => value switch
    {
        StringValue text => text.ToStringValue().Length,
        ArrayValue list => list.Values.Sum(Length) + list.Values.Count,
        _ => 40,
    };

    private static ValueTask<FluidValue> Map(FluidValue input, FilterArguments arguments, TemplateContext context)
    {
        if (IsEmpty(input)) return NilValue.Instance;
        var maps = (IReadOnlyDictionary<string, ValueMap>)context.AmbientValues[MapsKey];
        return StringValue.Create(maps[arguments.At(0).ToStringValue()].Theirs(input.ToStringValue()));
    }

    /// <summary><c>digits</c> (of North America the ten of the number, else with the country's), <c>dashed</c> (202-555-0123), <c>e164</c>.</summary>
    private static ValueTask<FluidValue> Phone(FluidValue input, FilterArguments arguments, TemplateContext context)
    {
        if (IsEmpty(input)) return NilValue.Instance;
        var e164 = input.ToStringValue();
        var digits = string.Concat(e164.Where(char.IsAsciiDigit));
        var american = e164.StartsWith("+1", StringComparison.Ordinal) && digits.Length == 11 ? digits[1..] : null;
        return StringValue.Create(arguments.At(0).ToStringValue() switch
        {
            "digits" => american ?? digits,
            "dashed" => american is null ? e164 : $"{american[..3]}-{american[3..6]}-{american[6..]}",
            _ => e164,
        });
    }

    /// <summary>The first word for yes, the second for no; what is neither stays as it is.</summary>
    private static ValueTask<FluidValue> YesNo(FluidValue input, FilterArguments arguments, TemplateContext context)
    {
        if (IsEmpty(input)) return NilValue.Instance;
        bool? yes = input is BooleanValue ? input.ToBooleanValue() : input.ToStringValue().ToLowerInvariant() switch
        {
            "true" or "yes" or "y" or "1" => true,
            "false" or "no" or "n" or "0" => false,
            _ => null,
        };
        if (yes is not { } known) return input;
        var word = arguments.At(known ? 0 : 1);
        return word.IsNil() ? StringValue.Create(known ? "yes" : "no") : word;
    }

    private static ValueTask<FluidValue> Number(FluidValue input, FilterArguments arguments, TemplateContext context)
    {
        if (IsEmpty(input)) return NilValue.Instance;
        return TemplateScope.NumberOf(input.ToStringValue().Trim()) ?? input;
    }

    private static ValueTask<FluidValue> Text(FluidValue input, FilterArguments arguments, TemplateContext context) =>
        IsEmpty(input) ? NilValue.Instance : StringValue.Create(input.ToStringValue());

    /// <summary>Of the value's text in UTF-8, in small hexadecimal letters; of nothing, nothing.</summary>
    private static ValueTask<FluidValue> Hash(FluidValue input, Func<byte[], byte[]> hash) =>
        IsEmpty(input) ? NilValue.Instance : StringValue.Create(Convert.ToHexStringLower(hash(Encoding.UTF8.GetBytes(input.ToStringValue()))));

    /// <summary>Liquid's, of our dates and moments; what is neither stays as it is.</summary>
    private static FilterDelegate Date(FilterDelegate format) => (input, arguments, context) =>
    {
        if (IsEmpty(input)) return NilValue.Instance;
        if (input is DateTimeValue) return format(input, arguments, context);
        return DateTimeOffset.TryParse(input.ToStringValue(), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var moment)
            ? format(new DateTimeValue(moment), arguments, context) : input;
    };

    private static bool IsEmpty(FluidValue input) => input.IsNil() || input is StringValue && input.ToStringValue().Length == 0;
}

/// <summary>How much work one request's templates may make, in characters.</summary>
internal sealed class TemplateBudget
{
    private long left = 4_000_000;

    /// <exception cref="TemplateFaultException">Nothing is left.</exception>
    public void Spend(long characters)
    {
        left -= characters;
        if (left < 0) throw new TemplateFaultException("template_too_large");
    }
}
