namespace Exchange.System.Tests;

/// <summary>Tests that count what a busy machine changes, a transaction that stood still for a second say. They run after all others, one at a time.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
[global::System.Diagnostics.CodeAnalysis.SuppressMessage("Naming", "CA1711", Justification = "What xUnit calls it.")]
public sealed class AloneCollection
{
    public const string Name = "alone";
}
