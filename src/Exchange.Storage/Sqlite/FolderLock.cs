using System.Globalization;
using System.Text;

namespace Exchange.Storage.Sqlite;

/// <summary>
/// The one exclusive lock of a data folder. The system keeps it (flock), so it is free again the moment its process is gone, however it went.
/// </summary>
internal sealed class FolderLock : IDisposable
{
    private readonly FileStream file;

    private FolderLock(FileStream file) => this.file = file;

    public static FolderLock Take(string folder)
    {
        FileStream file;
        try
        {
            file = new FileStream(Path.Combine(folder, "exchange.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (UnauthorizedAccessException exception)
        {
            throw new StorageOpenException($"The data folder '{folder}' may not be written by this user.", exception);
        }
        catch (IOException exception)
        {
            throw new StorageOpenException(
                $"The data folder '{folder}' is in use by another exchange process. Stop it, or give this one a folder of its own.", exception);
        }
        // Only for an operator who looks; the lock is not the content.
        file.SetLength(0);
        file.Write(Encoding.ASCII.GetBytes(Environment.ProcessId.ToString(CultureInfo.InvariantCulture)));
        file.Flush();
        return new FolderLock(file);
    }

    public void Dispose() => file.Dispose();
}
