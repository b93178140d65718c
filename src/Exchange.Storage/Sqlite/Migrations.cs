using DbUp;
using DbUp.Engine;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;

namespace Exchange.Storage.Sqlite;

/// <summary>Brings one file's schema to what this build knows: the numbered scripts that it has not run yet, each in its own transaction.</summary>
internal static class Migrations
{
    private static string Prefix(string set) => $"{typeof(Migrations).Namespace}.Migrations.{set}.";

    public static void Run(string file, string set, ILogger logger)
    {
        var prefix = Prefix(set);
        var connectionString = new SqliteConnectionStringBuilder { DataSource = file, Pooling = false }.ToString();
        var upgrader = DeployChanges.To.SqliteDatabase(connectionString)
            .WithScriptsEmbeddedInAssembly(typeof(Migrations).Assembly, name => name.StartsWith(prefix, StringComparison.Ordinal))
            .WithTransactionPerScript()
            .WithVariablesDisabled()
            .LogTo(new MigrationLog(logger))
            .Build();

        var known = upgrader.GetDiscoveredScripts().Select(script => script.Name).ToHashSet(StringComparer.Ordinal);
        var newer = upgrader.GetExecutedScripts().Where(name => !known.Contains(name)).ToList();
        if (newer.Count > 0)
            throw new StorageOpenException(
                $"'{Path.GetFileName(file)}' was written by a newer exchange (it has {newer[^1][prefix.Length..]}). Start that version, or restore a backup.");

        DatabaseUpgradeResult result = upgrader.PerformUpgrade();
        if (!result.Successful) throw new StorageOpenException($"'{Path.GetFileName(file)}' could not be migrated ({result.ErrorScript?.Name}).", result.Error);
    }
}
