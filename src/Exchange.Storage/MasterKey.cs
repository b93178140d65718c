using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Logging;

namespace Exchange.Storage;

/// <summary>The installation's key: 32 bytes, base64 in the environment or in a file beside the data.</summary>
public static class MasterKey
{
    public const string FileName = "exchange.key";

    /// <summary>Base64 of exactly 32 bytes, whatever white space is around it; null: it is not that.</summary>
    public static byte[]? Read(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var key = new byte[Vault.KeyBytes];
        return Convert.TryFromBase64String(text.Trim(), key, out var length) && length == key.Length ? key : null;
    }

    /// <summary>The same. Throws <see cref="StorageOpenException"/> that never repeats the text.</summary>
    public static byte[] Parse(string text) => Read(text) ?? throw new StorageOpenException("The installation's key must be 32 bytes in base64.");

    /// <summary>The folder's key file; for an empty folder it is made, readable by its owner only.</summary>
    public static byte[] ReadOrCreate(string folder, bool folderHasData, ILogger logger)
    {
        var path = Path.Combine(folder, FileName);
        if (File.Exists(path)) return Parse(File.ReadAllText(path));
        if (folderHasData)
            throw new StorageOpenException(
                $"The data folder '{folder}' has data but no {FileName}: without the key it was sealed with it cannot be read. Put the file back, or give the key.");
        var key = RandomNumberGenerator.GetBytes(Vault.KeyBytes);
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using (var file = new FileStream(path, options))
        {
            file.Write(Encoding.ASCII.GetBytes(Convert.ToBase64String(key) + "\n"));
            file.Flush(flushToDisk: true);
        }
        logger.LogWarning(
            "A new installation key was written to {Path}. Keep a copy away from the data: without it contact data cannot be read, with it beside the data it can be read by whoever has both",
            path);
        return key;
    }
}
