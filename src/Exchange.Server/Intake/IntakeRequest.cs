using Exchange.Engine.Fields;
using Exchange.Engine.Values;

namespace Exchange.Server.Intake;

public enum RequestKind : byte { Ping = 1, Post = 2, DirectPost = 3, AddFields = 4 }

/// <summary>
/// What a publisher sent, whatever wire it came over: filled by one reader per wire, then checked by <see cref="RequestRules"/>, hashed by
/// <see cref="CanonicalHash"/> and turned into a command. An empty text counts as not given, since protobuf cannot tell the two apart.
/// </summary>
public sealed class IntakeRequest(RequestKind kind)
{
    public RequestKind Kind { get; } = kind;

    public string? Vertical { get; set; }
    public string? SubId { get; set; }
    public string? Channel { get; set; }
    public List<KeyValuePair<string, string>> Tags { get; private set; } = NoTags;
    public Money MinPayout { get; set; }
    /// <summary>0 = as the tree says.</summary>
    public int MaxCopies { get; set; }
    public int SoldElsewhereCopies { get; set; }
    public string[] SoldElsewhereSellers { get; set; } = [];
    /// <summary>As the content says; 0 = not given.</summary>
    public int DeadlineMs { get; set; }
    public ConsentContent? Consent { get; set; }
    public bool Test { get; set; }
    public string? TestResult { get; set; }
    public string? PingId { get; set; }
    /// <summary>Null = the ping's best.</summary>
    public string[]? OfferIds { get; set; }
    /// <summary>After the rules have run: by name, ordinal.</summary>
    public List<RawField> Fields { get; } = new(16);
    public bool FieldsGiven { get; set; }

    /// <summary>Everything wrong so far, in the order found.</summary>
    public List<InputError> Errors { get; private set; } = NoErrors;

    private static readonly List<KeyValuePair<string, string>> NoTags = [];
    private static readonly List<InputError> NoErrors = [];

    public void AddTag(string name, string value)
    {
        if (ReferenceEquals(Tags, NoTags)) Tags = [];
        Tags.Add(new(name, value));
    }

    public void AddError(string pointer, string code, string message)
    {
        if (ReferenceEquals(Errors, NoErrors)) Errors = [];
        // One more than is shown, so that "too many" can be told from "just as many".
        if (Errors.Count <= Engine.Limits.ErrorsPerAnswer) Errors.Add(new(pointer, code, message));
    }
}

/// <summary>The members of a consent as sent.</summary>
public sealed class ConsentContent
{
    public string? Text { get; set; }
    public DateTimeOffset? At { get; set; }
    public string? Page { get; set; }
    public string? Ip { get; set; }
    public string? UserAgent { get; set; }
    public string[] Sellers { get; set; } = [];

    public bool IsEmpty => Text is null && At is null && Page is null && Ip is null && UserAgent is null && Sellers.Length == 0;
}
