using DbUp;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;

namespace Exchange.Storage.Sqlite;

/// <summary>Brings one file's schema to what this build knows.</summary>
internal static class Migrations
{
    public static void Run(string file, string set, ILogger logger) => Upgrade.Run(
        DeployChanges.To.SqliteDatabase(new SqliteConnectionStringBuilder { DataSource = file, Pooling = false }.ToString()),
        $"{typeof(Migrations).Namespace}.Migrations.{set}.", Path.GetFileName(file), logger);
}
