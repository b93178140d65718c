namespace Exchange.Engine.Fields;

/// <summary>The catalog's words for field types.</summary>
public static class FieldTypes
{
    private static readonly (FieldType Type, string Name)[] All =
    [
        (FieldType.Text, "text"), (FieldType.Integer, "integer"), (FieldType.Decimal, "decimal"), (FieldType.Boolean, "boolean"),
        (FieldType.Choice, "choice"), (FieldType.Date, "date"), (FieldType.UsZip, "us_zip"), (FieldType.UsState, "us_state"),
        (FieldType.Email, "email"), (FieldType.Phone, "phone"), (FieldType.Ip, "ip"), (FieldType.Url, "url"),
    ];

    public static IReadOnlyList<string> Names { get; } = [.. All.Select(entry => entry.Name)];

    public static bool TryParse(string name, out FieldType type)
    {
        foreach (var entry in All)
            if (entry.Name == name) { type = entry.Type; return true; }
        type = default;
        return false;
    }

    public static string NameOf(FieldType type) => All[(int)type].Name;
}
