using Exchange.Engine.Fields;

namespace Exchange.Server.Admin;

/// <summary>
/// What an admin sees of contact data without revealing it: enough to tell two leads apart on the phone with a publisher, too little to
/// reach anybody. What is short is hidden whole.
/// </summary>
internal static class Mask
{
    private const string Hidden = "•••";
    private const int PhoneEnd = 2;

    /// <summary>Hidden is what the catalog hides today or hid when the value came: a change of it shows nobody whoever is there already.</summary>
    /// <param name="today">Null: the vertical no longer has this field.</param>
    /// <param name="then">Null: not known.</param>
    public static string Of(FieldSchema? today, FieldSchema? then, string text) => Of(today is not null && then is { Pii: true } or { Sensitive: true } ? then : today, text);

    /// <param name="field">Null: the vertical no longer has this field; hidden whole, because what it held is not known.</param>
    public static string Of(FieldSchema? field, string text)
    {
        if (field is null) return Hidden;
        return field.Pii || field.Sensitive ? Of(field.Type, text) : text;
    }

    /// <summary>Contact data of this type.</summary>
    public static string Of(FieldType type, string text) => type switch
    {
        FieldType.Email => Email(text),
        FieldType.Phone => Phone(text),
        FieldType.Text => First(text),
        _ => Hidden,
    };

    /// <summary><c>jane@example.com</c> reads <c>j•••@•••</c>: the domain alone may name a person.</summary>
    public static string Email(string text)
    {
        var at = text.IndexOf('@', StringComparison.Ordinal);
        return at <= 0 ? Hidden : First(text[..at]) + "@" + Hidden;
    }

    /// <summary><c>+12025550134</c> reads <c>+1•••••••••34</c>: region and the last two digits, a dot for each digit between.</summary>
    public static string Phone(string text)
    {
        const int start = 2;
        return text.Length < start + PhoneEnd + 4 ? Hidden : text[..start] + new string('•', text.Length - start - PhoneEnd) + text[^PhoneEnd..];
    }

    /// <summary>The path may be shown, what follows it may name a person.</summary>
    public static string Page(string url)
    {
        var end = url.AsSpan().IndexOfAny('?', '#');
        return end < 0 ? url : url[..end] + "?" + Hidden;
    }

    public static string Whole() => Hidden;

    /// <summary>Whole characters, so that no half of one is left; a single letter is hidden, being all there is.</summary>
    private static string First(string text)
    {
        var runes = text.EnumerateRunes();
        return !runes.MoveNext() || runes.Current.Utf16SequenceLength == text.Length ? Hidden : runes.Current + Hidden;
    }
}
