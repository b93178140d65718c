using Exchange.Engine.Fields;

namespace Exchange.Server.Intake.Specification;

/// <summary>A value that a field takes, for examples: within its bounds; only a pattern cannot be met by rote.</summary>
internal static class SampleValues
{
    public static string Of(FieldSchema field, int today) => field.Type switch
    {
        FieldType.Integer or FieldType.Decimal => FieldFormat.Number(field, Within(field.Min, field.Max, field.Type == FieldType.Decimal ? 100_000_000 : 35)),
        FieldType.Boolean => "true",
        FieldType.Choice => field.Values[0],
        FieldType.Date => FieldFormat.Number(field, Within(field.MinDate?.DayNumber(today), field.MaxDate?.DayNumber(today), today)),
        FieldType.UsZip => "90210",
        FieldType.UsState => "CA",
        FieldType.Email => "pat.doe@example.com",
        FieldType.Phone => "+13105550100",
        FieldType.Ip => "192.0.2.1",
        FieldType.Url => "https://example.com/page",
        _ => field.MaxLength >= "Example".Length ? "Example" : "x",
    };

    private static long Within(long? min, long? max, long liked) => liked < min ? min.Value : liked > max ? max.Value : liked;
}
