namespace Exchange.Engine.Filters;

/// <summary>Codes of what can be wrong with a condition, a list or a schedule in a catalog.</summary>
public static class ConditionErrors
{
    public const string UnknownKey = "unknown_key";
    public const string MissingKey = "missing_key";
    /// <summary>A map where a text is wanted, and the like.</summary>
    public const string WrongKind = "wrong_type";
    public const string UnknownField = "unknown_field";
    /// <summary>The field exists but cannot be read at this place.</summary>
    public const string FieldNotHere = "field_not_here";
    public const string UnknownList = "unknown_list";
    public const string UnknownId = "unknown_id";
    public const string UnknownZone = "unknown_zone";
    /// <summary>The operator does not suit the field's type.</summary>
    public const string WrongOperator = "wrong_operator";
    public const string InvalidValue = "invalid_format";
    public const string Overlap = "overlap";
    public const string OverLimit = "out_of_range";
}
