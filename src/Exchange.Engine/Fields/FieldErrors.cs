namespace Exchange.Engine.Fields;

/// <summary>The codes in <c>errors[].code</c> that reading fields can give. Stable for ever.</summary>
public static class FieldErrors
{
    public const string WrongType = "wrong_type";
    public const string InvalidFormat = "invalid_format";
    public const string OutOfRange = "out_of_range";
    /// <summary>A choice that the vertical does not list.</summary>
    public const string NotAllowed = "not_allowed";
    public const string MissingField = "missing_field";
    public const string UnknownField = "unknown_field";
    /// <summary>The field exists, but not in this kind of request.</summary>
    public const string InvalidField = "invalid_field";
    public const string PiiInPing = "pii_in_ping";
    public const string DuplicateProperty = "duplicate_property";
    public const string PingMismatch = "ping_mismatch";
    /// <summary>A field given before cannot be given again.</summary>
    public const string FieldFixed = "field_fixed";
}
