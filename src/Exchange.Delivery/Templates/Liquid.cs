using System.Globalization;
using Exchange.Engine;
using Exchange.Engine.Connectors;
using Fluid;
using Fluid.Ast;
using Fluid.Parser;

namespace Exchange.Delivery.Templates;

/// <summary>
/// Liquid as connectors may write it: outputs, conditions, loops over lists, variables. No file is read, no other template included, no object of ours
/// reached but the values that are named; steps, output and work are bounded.
/// </summary>
public static class Liquid
{
    /// <summary>Steps of one rendering: outputs, tags, rounds of loops.</summary>
    private const int MaxSteps = 5_000;
    private const int MaxTags = 100;
    /// <summary>Within one pair of braces; it bounds how deep an expression can nest.</summary>
    private const int MaxTagChars = 1_000;

    private static readonly string[] Tags = ["break", "continue", "comment", "#", "capture", "raw", "assign", "if", "unless", "case", "for"];

    private static readonly FluidParser Parser = CreateParser();

    internal static TemplateOptions Options { get; } = CreateOptions();

    /// <summary>Reads a template; an error is a sentence that says what to change.</summary>
    public static TemplateReading Parse(string text)
    {
        if (text.Length > Limits.TemplateChars) return Refused($"A template may have at most {Limits.TemplateChars} characters.");
        if (!text.Contains("{{", StringComparison.Ordinal) && !text.Contains("{%", StringComparison.Ordinal)) return new(new LiquidTemplate(text, null, null, [], []), null);
        if (Oversized(text) is { } oversized) return Refused(oversized);
        try
        {
            if (!Parser.TryParse(text, out var template, out var error)) return Refused(Sentence(error));
            var reads = new TemplateReads();
            reads.VisitTemplate(template);
            if (reads.Error is { } wrong) return Refused(wrong);
            var alone = ((FluidTemplate)template).Statements is [OutputStatement output] ? output.Expression : null;
            return new(new LiquidTemplate(text, new WrittenNumbers().VisitTemplate(template), alone, reads.Names, reads.Maps), null);
        }
        // A library's fault at somebody's text is an error of the text.
        catch (Exception fault) when (fault is not OutOfMemoryException)
        {
            return Refused("This template cannot be read.");
        }
    }

    private static FluidParser CreateParser()
    {
        var parser = new FluidParser(new() { AllowFunctions = false, AllowParentheses = false, AllowLiquidTag = false });
        foreach (var tag in parser.RegisteredTags.Keys.Except(Tags).ToArray()) parser.RegisteredTags.Remove(tag);
        return parser;
    }

    private static TemplateOptions CreateOptions()
    {
        var options = new TemplateOptions { MaxSteps = MaxSteps, MaxRecursion = 20, CultureInfo = CultureInfo.InvariantCulture, TimeZone = TimeZoneInfo.Utc };
        TemplateFilters.Replace(options.Filters);
        return options;
    }

    /// <summary>What would make the reading itself dear, found before it.</summary>
    private static string? Oversized(string text)
    {
        var tags = 0;
        for (var i = 0; i + 1 < text.Length; i++)
        {
            if (text[i] != '{' || text[i + 1] is not ('{' or '%')) continue;
            if (text[i + 1] == '%' && ++tags > MaxTags) return $"A template may have at most {MaxTags} tags.";
            var quote = '\0';
            var start = i;
            for (i += 2; i + 1 < text.Length && !(quote == '\0' && text[i + 1] == '}' && text[i] is '}' or '%'); i++)
            {
                if (i - start > MaxTagChars) return $"Between its braces a template may have at most {MaxTagChars} characters.";
                if (quote != '\0')
                {
                    if (text[i] == quote) quote = '\0';
                }
                else if (text[i] is '\'' or '"') quote = text[i];
                else if (text[i] is '[' or '(') return "Templates know no brackets and no ranges between their braces; write names with dots, as lead.zip.";
            }
        }
        return null;
    }

    /// <summary>Without the source, which the error's place already shows.</summary>
    private static string Sentence(string error)
    {
        var line = error.Split('\n', '\r')[0];
        return $"This template cannot be read: {line.Replace(" Source:", "", StringComparison.Ordinal).Trim()}.";
    }

    /// <summary>The library writes 11.0 for 11.00; a price goes out as it is.</summary>
    private sealed class WrittenNumbers : AstRewriter
    {
        protected override Statement VisitOutputStatement(OutputStatement outputStatement) =>
            new OutputStatement(new FilterExpression(outputStatement.Expression, TemplateFilters.Written, []));
    }

    private static TemplateReading Refused(string sentence) => new(null, sentence);
}
