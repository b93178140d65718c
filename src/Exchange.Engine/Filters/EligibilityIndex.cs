namespace Exchange.Engine.Filters;

/// <summary>Placeholder for the compiled index; its builder fills it.</summary>
public sealed partial class EligibilityIndex;
