namespace Exchange.LoadTests;

/// <summary>0 is a run without errors.</summary>
internal static class ExitCodes
{
    public const int Failed = 1;
    public const int Usage = 2;
    /// <summary>What a shell shows after Ctrl-C.</summary>
    public const int Stopped = 130;
}

/// <summary>The run cannot go on, and its message tells the person at the keyboard why.</summary>
internal sealed class RunFailedException(string message) : Exception(message);
