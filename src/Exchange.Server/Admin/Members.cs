using System.Globalization;
using System.Text.Json;
using Exchange.Engine.Fields;
using Exchange.Engine.Values;
using Exchange.Grains.Intake;

namespace Exchange.Server.Admin;

/// <summary>
/// The members of a small JSON object, read strictly: what is unknown, given twice, missing or of the wrong type is an error, all of them
/// at once. Numbers and booleans count as their text.
/// </summary>
internal sealed class Members
{
    private readonly Dictionary<string, string> values = new(StringComparer.Ordinal);
    private readonly List<InputError> errors = [];

    /// <summary>Null as long as nothing is wrong.</summary>
    public Problem? Problem => errors.Count == 0 ? null : Problem.Invalid(errors);

    /// <summary>The body of a POST, at most 256 KiB of JSON; the bytes come with it to be recorded under an idempotency key.</summary>
    public static async Task<(Members Members, byte[] Bytes, Problem? Problem)> ReadAsync(ApiCall call, params string[] known)
    {
        var (bytes, _, problem) = await Body.ReadAsync(call, Engine.Limits.BodyBytes, Reply.JsonType);
        if (problem is not null) return (new Members(), bytes, problem);
        problem = Parse(bytes, out var members, known);
        return (members, bytes, problem);
    }

    /// <summary>The same; a call without a body asks for nothing special.</summary>
    public static async Task<(Members Members, byte[] Bytes, Problem? Problem)> ReadOptionalAsync(ApiCall call, params string[] known)
    {
        var (bytes, _, problem) = await Body.ReadAsync(call, Engine.Limits.BodyBytes, Reply.JsonType);
        if (problem is not null || bytes.Length == 0) return (new Members(), bytes, problem);
        problem = Parse(bytes, out var members, known);
        return (members, bytes, problem);
    }

    public static Problem? Parse(byte[] utf8, out Members members, params ReadOnlySpan<string> known)
    {
        members = new Members();
        try
        {
            using var document = JsonDocument.Parse(utf8, new JsonDocumentOptions { MaxDepth = Engine.Limits.JsonDepth });
            if (document.RootElement.ValueKind != JsonValueKind.Object) return Problem.Of(400, "malformed", "The body must be a JSON object.");
            foreach (var property in document.RootElement.EnumerateObject())
            {
                var pointer = Pointers.To("", property.Name);
                if (!known.Contains(property.Name)) members.Fail(pointer, "unknown_field", $"There is no such member; known are {string.Join(", ", known.ToArray())}.");
                else if (members.values.ContainsKey(property.Name)) members.Fail(pointer, "duplicate_property", "This member is given twice.");
                else if (property.Value.ValueKind is JsonValueKind.Object or JsonValueKind.Array) members.Fail(pointer, "wrong_type", "This member is a text.");
                else if (property.Value.ValueKind == JsonValueKind.String) members.Add(pointer, property.Name, property.Value.GetString()!);
                else if (property.Value.ValueKind != JsonValueKind.Null) members.values[property.Name] = property.Value.GetRawText();
            }
            return null;
        }
        // The second: half a character of UTF-16, or bytes that are no UTF-8.
        catch (Exception fault) when (fault is JsonException or InvalidOperationException)
        {
            return Problem.Of(400, "malformed", "The body is not JSON that can be read.");
        }
    }

    private void Add(string pointer, string name, string value)
    {
        values[name] = value;
        // No database but one keeps it.
        if (value.Contains('\0', StringComparison.Ordinal)) Fail(pointer, "invalid_format", "A text has no NUL characters.");
    }

    public string? Optional(string name) => values.GetValueOrDefault(name);

    /// <summary>Null where it is missing or empty; with an error noted if it is longer than <paramref name="most"/>.</summary>
    public string? Optional(string name, int most)
    {
        if (values.GetValueOrDefault(name) is not { Length: > 0 } value) return null;
        if (value.Length <= most) return value;
        Fail("/" + name, "out_of_range", $"At most {most} characters.");
        return null;
    }

    /// <summary>Unix milliseconds; null where it is missing, or is none, which is noted.</summary>
    public long? OptionalTime(string name)
    {
        if (values.GetValueOrDefault(name) is not { } text) return null;
        if (DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time)) return time.ToUnixTimeMilliseconds();
        Fail("/" + name, "invalid_format", "A time is written like 2026-11-22T12:00:00Z.");
        return null;
    }

    /// <summary>Empty, with an error noted, if it is missing, empty or longer than <paramref name="most"/>.</summary>
    public string Required(string name, int most = 200)
    {
        var value = values.GetValueOrDefault(name);
        if (string.IsNullOrWhiteSpace(value)) Fail("/" + name, "missing_field", "This member is required.");
        else if (value.Length > most) Fail("/" + name, "out_of_range", $"At most {most} characters.");
        else return value;
        return "";
    }

    /// <summary>An amount above zero.</summary>
    public Money Amount(string name)
    {
        if (values.GetValueOrDefault(name) is not { } text) Fail("/" + name, "missing_field", "This member is required.");
        else if (!Money.TryParse(text, out var amount)) Fail("/" + name, "invalid_format", "An amount is written like \"500.00\", with at most six decimals.");
        else if (amount <= Money.Zero) Fail("/" + name, "out_of_range", "The amount must be above zero.");
        else return amount;
        return Money.Zero;
    }

    public void Fail(string pointer, string code, string message) => errors.Add(new(pointer, code, message));
}
