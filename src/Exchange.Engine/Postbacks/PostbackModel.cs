using Exchange.Engine.Connectors;

namespace Exchange.Engine.Postbacks;

/// <summary>Where a publisher is called, and on what.</summary>
/// <param name="Url">Its host is written out; what is filled in is part of the path or the query.</param>
/// <param name="SecretName">Signs a message that is posted; null: the address alone is called.</param>
public sealed record PostbackModel(Template Url, IReadOnlyList<PostbackEvent> Events, string? SecretName)
{
    /// <summary>How long it is tried before it is a dead letter.</summary>
    public static TimeSpan RetryFor { get; } = TimeSpan.FromHours(24);

    /// <summary>Who is called knows a test from a sale; else it never hears of tests.</summary>
    public bool TellsTests => SecretName is not null || Url.Reads.Contains(Test);

    /// <summary>The name under which templates read whether it is a test.</summary>
    public const string Test = "test";

    public bool Wants(PostbackEvent happened, bool test) => Events.Contains(happened) && (!test || TellsTests);
}
