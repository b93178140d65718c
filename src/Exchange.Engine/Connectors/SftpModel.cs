namespace Exchange.Engine.Connectors;

/// <summary>What a file of leads is written in.</summary>
public enum FileFormat { Csv, Json }

/// <summary>Copies as files in a folder of the buyer's SSH server: what was sold since the last moment of its schedule is one file.</summary>
public sealed record SftpModel
{
    public const int UsualPort = 22;
    public static readonly TimeSpan UsualEvery = TimeSpan.FromHours(1);

    /// <summary>Name or address.</summary>
    public required string Host { get; init; }
    public int Port { get; init; } = UsualPort;
    public required string User { get; init; }
    /// <summary>Where files appear; from the user's home where it starts without a slash.</summary>
    public required string Folder { get; init; }
    public FileFormat Format { get; init; } = FileFormat.Csv;
    /// <summary>Files are written at whole multiples of it, counted in UTC from 1970.</summary>
    public TimeSpan Every { get; init; } = UsualEvery;
    /// <summary>
    /// Who the server may be: SHA-256 fingerprints of its host keys, Base64 without padding. None: whoever it was when it was first called, and nobody else after that.
    /// </summary>
    public IReadOnlyList<string> HostKeys { get; init; } = [];

    /// <summary>The first moment of its schedule after this one: a copy sold at that very moment is in the next file.</summary>
    public long NextFileMs(long nowMs)
    {
        var every = (long)Every.TotalMilliseconds;
        return (nowMs / every + 1) * every;
    }
}
