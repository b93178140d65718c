namespace Exchange.Server.Cli;

/// <summary>What a command's exit tells a script.</summary>
public static class ExitCodes
{
    public const int Ok = 0;
    /// <summary>The exchange said no, or could not be reached.</summary>
    public const int Refused = 1;
    /// <summary>The command line itself is wrong: an unknown command or option, a file that is not there, no key.</summary>
    public const int Usage = 2;
    /// <summary>A server that ended by itself because a part of it failed: whoever supervises it starts it again.</summary>
    public const int Failed = 3;
}
