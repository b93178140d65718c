using Microsoft.OpenApi;

namespace Exchange.Server.OpenApi;

/// <summary>Writes JSON schemas in few words.</summary>
internal static class Schemas
{
    public static OpenApiSchema Text(string description, string? format = null, int? longest = null) =>
        new() { Type = JsonSchemaType.String, Description = description, Format = format, MaxLength = longest };

    public static OpenApiSchema OptionalText(string description) => new() { Type = JsonSchemaType.String | JsonSchemaType.Null, Description = description };

    public static OpenApiSchema Money(string description) => new() { Type = JsonSchemaType.String, Description = description, Pattern = @"^-?\d{1,12}(\.\d{1,6})?$" };

    public static OpenApiSchema Count(string description, int least, int? most = null) =>
        new() { Type = JsonSchemaType.Integer, Description = description, Minimum = Number(least), Maximum = most is { } value ? Number(value) : null };

    public static OpenApiSchema Flag(string description) => new() { Type = JsonSchemaType.Boolean, Description = description };

    public static OpenApiSchema Word(string description, params string[] words) =>
        new() { Type = JsonSchemaType.String, Description = description, Enum = [.. words.Select(word => System.Text.Json.Nodes.JsonValue.Create(word))] };

    public static OpenApiSchema List(string description, IOpenApiSchema of, int? most = null) =>
        new() { Type = JsonSchemaType.Array, Description = description, Items = of, MaxItems = most };

    /// <summary>Names of the caller's choosing, each with a value of the schema.</summary>
    public static OpenApiSchema Map(string description, IOpenApiSchema of, int? most = null) =>
        new() { Type = JsonSchemaType.Object, Description = description, AdditionalProperties = of, MaxProperties = most };

    /// <summary>Exactly these members; those named in <paramref name="required"/> must be there.</summary>
    public static OpenApiSchema Object(string description, string[] required, params (string Name, IOpenApiSchema Schema)[] members) => new()
    {
        Type = JsonSchemaType.Object,
        Description = description,
        Required = required.ToHashSet(StringComparer.Ordinal),
        Properties = members.ToDictionary(member => member.Name, member => member.Schema, StringComparer.Ordinal),
        AdditionalPropertiesAllowed = false,
    };

    private static string Number(int value) => value.ToString(System.Globalization.CultureInfo.InvariantCulture);
}
