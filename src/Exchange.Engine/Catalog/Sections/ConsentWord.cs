using Exchange.Engine.Catalog.Reading;

namespace Exchange.Engine.Catalog.Sections;

/// <summary><c>consent</c> of verticals and campaigns.</summary>
internal static class ConsentWord
{
    private static readonly (string, ConsentLevel)[] Levels = [("none", ConsentLevel.None), ("proof", ConsentLevel.Proof), ("named", ConsentLevel.Named)];

    public static ConsentLevel? Read(ConfigNode? node, ConfigErrors errors) => node is null ? null : ValueReader.Word(node, Levels, errors);
}
