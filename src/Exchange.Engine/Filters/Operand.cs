using Exchange.Engine.Fields;
using Exchange.Engine.Schedules;

namespace Exchange.Engine.Filters;

/// <summary>What a leaf reads of its subject: a field, or one of the built-in names.</summary>
internal abstract class Operand(FieldSchema schema)
{
    /// <summary>Name, type, and for choices the words.</summary>
    public FieldSchema Schema => schema;
    public string Name => schema.Name;
    public FieldType Type => schema.Type;
    /// <summary>Ordinal of the field; -1 for built-in names.</summary>
    public virtual int Ordinal => -1;
    /// <summary>Whether its value is not told.</summary>
    public virtual bool Hides(Subject subject) => schema.Pii || schema.Sensitive;

    public abstract FieldValue Read(Subject subject);

    /// <summary>The value as people read it; null if none was given. For explanations.</summary>
    public virtual string? Tell(Subject subject) => Read(subject).Text;
}

internal sealed class FieldOperand(FieldSchema schema) : Operand(schema)
{
    private readonly int ordinal = schema.Ordinal;
    public override int Ordinal => ordinal;
    public override bool Hides(Subject subject) => base.Hides(subject) || subject.Today?.Hides(Name) == true;

    // A subject may have been read under an older version of the vertical, which had fewer fields.
    public override FieldValue Read(Subject subject) => ordinal < subject.Values.Length ? subject.Values[ordinal] : default;
}

internal sealed class BuiltInOperand(FieldSchema schema, Func<Subject, FieldValue> read) : Operand(schema)
{
    public override FieldValue Read(Subject subject) => read(subject);
}

/// <summary>Of the price that a payout is made of. Payouts are worked out at every ping, so its text is made only where it is told.</summary>
internal sealed class PriceOperand() : Operand(new() { Name = "price", Type = FieldType.Decimal, Ordinal = 0 })
{
    public override FieldValue Read(Subject subject) => new("", subject.Price.Micros);
    public override string? Tell(Subject subject) => subject.Price.ToString();
}

/// <summary>The names that every condition knows besides the vertical's fields.</summary>
public static class BuiltInNames
{
    /// <summary>In all places together; a vertical cannot have a field of these names.</summary>
    public static IReadOnlyList<string> All { get; } =
        ["vertical", "publisher", "sub_id", "channel", "hour", "weekday", "sharing", "buyer", "campaign", "price", "score"];

    private static readonly string[] SharingWords = ["exclusive", "shared"];
    private static readonly FieldValue[] Sharings = [new("exclusive", 0), new("shared", 1)];
    private static readonly FieldValue[] Days = [.. Weekdays.Names.Select((name, index) => new FieldValue(name, index))];
    private static readonly FieldValue[] Hours =
        [.. Enumerable.Range(0, 24).Select(hour => new FieldValue(hour.ToString(System.Globalization.CultureInfo.InvariantCulture), hour))];

    internal static bool IsOpenTo(string name, ConditionPlace place) => name switch
    {
        "vertical" or "publisher" or "sub_id" or "channel" or "hour" or "weekday" => true,
        "sharing" => place is ConditionPlace.Price or ConditionPlace.Payout,
        "buyer" or "campaign" or "price" => place == ConditionPlace.Payout,
        _ => false,
    };

    internal static Operand Create(string name, ConditionContext context)
    {
        var clock = ZoneClock.Of(context.Zone);
        return name switch
        {
            "vertical" => Text(name, static subject => subject.Vertical),
            "publisher" => Text(name, static subject => subject.Publisher),
            "sub_id" => Text(name, static subject => subject.SubId),
            "channel" => Text(name, static subject => subject.Channel),
            "buyer" => Text(name, static subject => subject.Buyer),
            "campaign" => Text(name, static subject => subject.Campaign),
            "hour" => new BuiltInOperand(Schema(name, FieldType.Integer), subject => Hours[Local(clock, subject) % ZoneClock.Day / ZoneClock.Hour]),
            "weekday" => new BuiltInOperand(Schema(name, FieldType.Choice, Weekdays.Names),
                subject => Days[ZoneClock.WeekdayOf(ZoneClock.DateOf(Local(clock, subject)))]),
            "sharing" => new BuiltInOperand(Schema(name, FieldType.Choice, SharingWords),
                static subject => subject.Sharing == Sharing.Either ? default : Sharings[(int)subject.Sharing]),
            "price" => new PriceOperand(),
            _ => throw new InvariantException("built-in name"),
        };
    }

    private static long Local(ZoneClock clock, Subject subject) => clock.LocalAt(subject.Now.ToUnixTimeSeconds());

    private static BuiltInOperand Text(string name, Func<Subject, string?> read) => new(Schema(name, FieldType.Text), subject => new(read(subject), 0));

    private static FieldSchema Schema(string name, FieldType type, IReadOnlyList<string>? values = null) =>
        new() { Name = name, Type = type, Ordinal = 0, Values = values ?? [] };
}
