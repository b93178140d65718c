using System.Globalization;
using System.Text.Json.Nodes;
using Exchange.Engine;
using Exchange.Engine.Ledger;
using Exchange.Engine.Values;
using Exchange.Grains.Intake;

namespace Exchange.Server.Intake.Compatibility;

/// <summary>What an exchange's answer is about. Exactly one of the three is set.</summary>
internal sealed record ForeignOutcome(PingAnswer? Ping, LeadAnswer? Lead, Problem? Problem)
{
    /// <summary>The lead is taken, sold or not yet settled: not to be sold elsewhere.</summary>
    public bool IsTaken => Lead is { State: not LeadState.Unsold };

    public bool IsDuplicate => Lead is { State: LeadState.Unsold, Reason: Reason.Duplicate } || Ping?.Reason == Reason.Duplicate;

    public string? Id => (Ping?.PingId ?? Lead?.LeadId)?.ToString();

    /// <summary>What is promised at a ping; at a post what is owed now, never what may follow.</summary>
    public Money Price => Ping?.Payout ?? Lead?.Payout ?? Money.Zero;

    /// <summary>In words why there is no sale; of a problem its detail.</summary>
    public string Why => Problem?.Detail ?? (Ping?.Reason ?? Lead!.Reason).Wire();
}

/// <summary>
/// Another product's form of pinging and posting: how a call is told to us and how our answer is told back. Pure: no I/O. One folder each, registered in
/// <see cref="CompatibilityComposition"/>.
/// </summary>
internal abstract class ForeignApi
{
    /// <summary>First part of its paths, after <c>/compat/</c>.</summary>
    public abstract string Name { get; }

    /// <summary>The rest of its paths. All take POST.</summary>
    public abstract IReadOnlyList<string> Paths { get; }

    /// <summary>Its member that carries our key.</summary>
    public abstract string KeyName { get; }

    /// <summary>Its member that says the vertical, by our id or the publisher's word for it.</summary>
    public abstract string VerticalName { get; }

    /// <summary>Whether it takes JSON besides forms.</summary>
    public abstract bool TakesJson { get; }

    /// <summary>Where a consent's parts stand: ours to its names.</summary>
    public virtual IReadOnlyList<(string Part, string Name)> Consent { get; } =
        [("ip", "ip_address"), ("page", "landing_page"), ("page", "landing_page_url"), ("text", "tcpa_text"), ("user_agent", "user_agent")];

    /// <summary>How it calls members of ours, for errors.</summary>
    public virtual string NameOf(string member) => member == "vertical" ? VerticalName : member;

    /// <summary>Ping, post or direct post; null and an error in words: none of them.</summary>
    public abstract (RequestKind? Kind, string Error) KindOf(string path, ForeignForm form);

    /// <summary>Takes its own members out of the form into the request.</summary>
    public abstract void Read(ForeignForm form, IntakeRequest request);

    /// <summary>The answer's members, and how it is written. The form is asked for how it wants to be answered.</summary>
    public abstract ForeignReply Answer(ForeignOutcome outcome, ForeignForm form);

    /// <summary>Its flags are 1 or 0, or absent.</summary>
    protected static bool Flag(ForeignForm form, string name, IntakeRequest request)
    {
        switch (form.Take(name, request))
        {
            case null or "0" or "false": return false;
            case "1" or "true": return true;
            default:
                request.AddError("/" + name, "wrong_type", "1 or 0 is needed.");
                return false;
        }
    }

    protected static Money Amount(ForeignForm form, string name, IntakeRequest request)
    {
        if (form.Take(name, request) is not { } text) return Money.Zero;
        if (Money.TryParse(text, out var money)) return money;
        request.AddError("/" + name, "invalid_format", "An amount such as 4.00 is needed.");
        return Money.Zero;
    }

    /// <summary>A price as a JSON number, by its digits.</summary>
    protected static JsonNode Number(Money money) => JsonNode.Parse(money.ToString())!;

    protected static JsonArray List(IEnumerable<string> texts) => new([.. texts.Select(text => JsonValue.Create(text))]);

    /// <summary>Every error of a problem as its form tells them: <c>name: what is wrong</c>.</summary>
    protected IEnumerable<string> Texts(Problem problem) => problem.Errors.Length == 0
        ? [problem.Detail]
        : problem.Errors.Select(error => $"{FieldOf(error)}: {(error.Code == "missing_field" ? "required" : error.Message)}");

    /// <summary>The name that an error is about, as the caller sent it.</summary>
    protected string FieldOf(ProblemError error)
    {
        var name = error.Pointer.StartsWith("/fields/", StringComparison.Ordinal) ? error.Pointer["/fields/".Length..] : NameOf(error.Pointer.TrimStart('/').Replace('/', '.'));
        return name.Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal);
    }

    protected static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}

/// <param name="Body">Members without null.</param>
/// <param name="XmlRoot">Null: JSON.</param>
internal sealed record ForeignReply(JsonObject Body, string? XmlRoot);
