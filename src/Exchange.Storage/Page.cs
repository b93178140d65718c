namespace Exchange.Storage;

/// <summary>A page of rows, newest first, with the cursor of the next page or null.</summary>
public sealed record Page<T>(IReadOnlyList<T> Rows, string? Next);
