using System.Globalization;
using Exchange.Engine;
using Microsoft.Data.Sqlite;

namespace Exchange.Storage.Sqlite;

/// <summary>One file of a finished backup.</summary>
public readonly record struct BackupFile(string Name, long Bytes);

/// <summary>
/// Copies a data folder while an exchange writes in it. Each file is one moment of its database, written anew (VACUUM INTO), so that nothing that was
/// deleted is in it. The facts are copied last: pings name versions of the catalog, which are facts, and a lead whose ping is missing is the same as
/// after a crash; a ping whose catalog is missing could not be read.
/// </summary>
public static class SqliteBackup
{
    /// <summary>
    /// Numbers of sold copies that a restored exchange leaves out. A buyer reads its inbox on from the last it saw: what is sold after a restore must
    /// come after all that was sold between the backup and the loss.
    /// </summary>
    public const long SoldNumbersLeftOut = 1_000_000_000;

    /// <summary>In the order in which they are copied.</summary>
    private static readonly string[] Files = [GrainMemory.FileName, SqliteStore.PingsFile, SqliteStore.FactsFile];

    /// <summary>
    /// Whole or not at all: written beside <paramref name="target"/> under another name, flushed, then renamed. The target is a folder that is not there
    /// or empty. Throws <see cref="StorageOpenException"/> with a sentence for the operator.
    /// </summary>
    /// <param name="withKey">Also the key that opens contact data. Else whoever finds the backup has none, and a restore needs the key from elsewhere.</param>
    public static IReadOnlyList<BackupFile> Run(string folder, string target, bool withKey)
    {
        (folder, target) = (Path.GetFullPath(folder), Path.TrimEndingDirectorySeparator(Path.GetFullPath(target)));
        if (!File.Exists(Path.Combine(folder, SqliteStore.FactsFile))) throw new StorageOpenException($"There is no {SqliteStore.FactsFile} in '{folder}'.");
        if (File.Exists(target) || Directory.Exists(target) && Directory.EnumerateFileSystemEntries(target).Any())
            throw new StorageOpenException($"'{target}' is not empty; a backup goes into a folder of its own.");
        var key = Path.Combine(folder, MasterKey.FileName);
        if (withKey && !File.Exists(key)) throw new StorageOpenException($"There is no {MasterKey.FileName} in '{folder}': the key is given in the environment, and is to be kept from there.");
        var parent = Path.GetDirectoryName(target) ?? throw new StorageOpenException($"'{target}' is no place for a backup.");
        var partial = string.Create(CultureInfo.InvariantCulture, $"{target}.partial-{Guid.NewGuid():N}");
        try
        {
            Directory.CreateDirectory(parent);
            SqliteStore.CreateFolder(partial);
            foreach (var name in Files)
            {
                if (!File.Exists(Path.Combine(folder, name))) continue;
                Copy(Path.Combine(folder, name), Path.Combine(partial, name));
                FaultPoints.InBackup.Pass();
            }
            LeaveOutSoldNumbers(Path.Combine(partial, SqliteStore.FactsFile));
            if (withKey) File.Copy(key, Path.Combine(partial, MasterKey.FileName));
            foreach (var file in Directory.EnumerateFiles(partial)) Flush(file);
            FolderFlush.Flush(partial);
            if (Directory.Exists(target)) Directory.Delete(target);
            Directory.Move(partial, target);
            FolderFlush.Flush(parent);
            return [.. Directory.EnumerateFiles(target).Select(static file => new BackupFile(Path.GetFileName(file), new FileInfo(file).Length))];
        }
        catch (Exception fault) when (fault is SqliteException or IOException or UnauthorizedAccessException)
        {
            throw new StorageOpenException($"The backup was not made: {fault.Message}", fault);
        }
        finally
        {
            if (Directory.Exists(partial)) Directory.Delete(partial, recursive: true);
        }
    }

    private static void Copy(string from, string to)
    {
        using (var source = Database.OpenReader(from)) source.Prepare("VACUUM INTO ?").Bind(to).Run();
        using var copy = Database.OpenReader(to);
        var told = copy.Prepare("PRAGMA quick_check(1)").First(static row => row.Text(0));
        if (told != "ok") throw new StorageOpenException($"'{Path.GetFileName(from)}' is damaged ({told}); no backup was made.");
    }

    private static void LeaveOutSoldNumbers(string facts)
    {
        using var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = facts, Pooling = false }.ToString());
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "UPDATE sequence SET value = value + $left_out WHERE name = 'sold'";
        command.Parameters.AddWithValue("$left_out", SoldNumbersLeftOut);
        command.ExecuteNonQuery();
    }

    private static void Flush(string file)
    {
        using var stream = new FileStream(file, FileMode.Open, FileAccess.ReadWrite);
        stream.Flush(flushToDisk: true);
    }
}
