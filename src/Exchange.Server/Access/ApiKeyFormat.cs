using System.Security.Cryptography;

namespace Exchange.Server.Access;

/// <summary>
/// How an API key is written: <c>lx_live_</c> or <c>lx_test_</c>, 43 random characters of base 62 (256 bits), and six more that are the
/// CRC-32 of all before them. A mistyped or cut key is told from its text alone; scanners for leaked secrets can find one by its prefix.
/// </summary>
public static class ApiKeyFormat
{
    public const string LivePrefix = "lx_live_";
    public const string TestPrefix = "lx_test_";
    /// <summary>Characters of a key that may be shown again: enough to tell one's keys apart, too few to guess the rest.</summary>
    public const int ShownChars = 12;

    private const string Alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    private const int RandomChars = 43;
    private const int ShortestRandomChars = 26;
    private const int LongestRandomChars = 100;
    private const int ChecksumChars = 6;

    public static string Create(bool test)
    {
        var body = (test ? TestPrefix : LivePrefix) + RandomNumberGenerator.GetString(Alphabet, RandomChars);
        return string.Create(body.Length + ChecksumChars, body, static (span, text) =>
        {
            text.CopyTo(span);
            WriteChecksum(text, span[text.Length..]);
        });
    }

    /// <summary>A random id of base 62 for a key's row; not secret.</summary>
    public static string CreateId() => "key_" + RandomNumberGenerator.GetString(Alphabet, 16);

    /// <summary>True if prefix, alphabet, length and checksum are right. Says nothing about whether the key was ever given out.</summary>
    public static bool IsWellFormed(ReadOnlySpan<char> key)
    {
        if (!key.StartsWith(LivePrefix, StringComparison.Ordinal) && !key.StartsWith(TestPrefix, StringComparison.Ordinal)) return false;
        var random = key.Length - LivePrefix.Length - ChecksumChars;
        if (random is < ShortestRandomChars or > LongestRandomChars) return false;
        foreach (var c in key[LivePrefix.Length..]) if (!char.IsAsciiLetterOrDigit(c)) return false;
        Span<char> checksum = stackalloc char[ChecksumChars];
        WriteChecksum(key[..^ChecksumChars], checksum);
        return key[^ChecksumChars..].SequenceEqual(checksum);
    }

    private static void WriteChecksum(ReadOnlySpan<char> ascii, Span<char> destination)
    {
        var value = Crc32.Of(ascii);
        for (var i = ChecksumChars - 1; i >= 0; i--) { destination[i] = Alphabet[(int)(value % 62)]; value /= 62; }
    }
}
