using System.Text.RegularExpressions;
using Exchange.Engine.Connectors;

namespace Exchange.Engine.Tests.Connectors;

/// <summary>Templates plain enough for tests of the engine: <c>{{ name }}</c> and <c>{{ name | map: 'NAME' }}</c>; "{{{" is no template.</summary>
internal sealed partial class PlainTemplate(string text) : Template
{
    public static TemplateReading Parse(string text) => text.Contains("{{{", StringComparison.Ordinal) ? new(null, "Braces.") : new(new PlainTemplate(text), null);

    public override string Text => text;
    public override IReadOnlyList<string> Reads { get; } = [.. Place().Matches(text).Select(match => match.Groups[1].Value).Distinct()];
    public override IReadOnlyList<string> Maps { get; } = [.. Place().Matches(text).Where(match => match.Groups[2].Success).Select(match => match.Groups[2].Value).Distinct()];

    [GeneratedRegex(@"\{\{ ([a-z_0-9.]+)(?: \| map: '(\w+)')? \}\}")]
    private static partial Regex Place();
}
