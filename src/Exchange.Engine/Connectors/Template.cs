namespace Exchange.Engine.Connectors;

/// <summary>A text with places that are filled when it is sent, as the catalog writes it; parsed once, by a library outside the engine.</summary>
public abstract class Template
{
    /// <summary>As written.</summary>
    public abstract string Text { get; }

    /// <summary>What it reads, by whole name (<c>lead.zip</c>, <c>with.host</c>, <c>test</c>), each once.</summary>
    public abstract IReadOnlyList<string> Reads { get; }

    /// <summary>It tells what a sale's campaign bid, which the sale's own row does not.</summary>
    public bool ReadsBid => Reads.Contains("sale.bid");

    /// <summary>Names of the connector's maps that it translates by, each once.</summary>
    public abstract IReadOnlyList<string> Maps { get; }
}

/// <summary>A parsed template, or why it is none, as a sentence.</summary>
public readonly record struct TemplateReading(Template? Template, string? Error);

/// <summary>Reads a template; never throws for what is written in it.</summary>
public delegate TemplateReading ParseTemplate(string text);
