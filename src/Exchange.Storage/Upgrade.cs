using System.Globalization;
using DbUp.Builder;
using DbUp.Engine.Output;
using Microsoft.Extensions.Logging;

namespace Exchange.Storage;

/// <summary>Brings one database's schema to what this build knows: the numbered scripts that it has not run yet, each in its own transaction.</summary>
internal static class Upgrade
{
    /// <summary>The names of all scripts, in the order in which they run.</summary>
    /// <param name="prefix">They begin with it.</param>
    public static IEnumerable<string> Scripts(string prefix) =>
        typeof(Upgrade).Assembly.GetManifestResourceNames().Where(script => script.StartsWith(prefix, StringComparison.Ordinal)).Order(StringComparer.Ordinal);

    /// <param name="builder">Of the database.</param>
    /// <param name="prefix">Names of scripts begin with it; they run in the order of their names.</param>
    /// <param name="name">The database, for the operator.</param>
    /// <exception cref="StorageOpenException">The database was written by a newer build, or a script failed.</exception>
    public static void Run(UpgradeEngineBuilder builder, string prefix, string name, ILogger logger)
    {
        var upgrader = builder
            .WithScriptsEmbeddedInAssembly(typeof(Upgrade).Assembly, script => script.StartsWith(prefix, StringComparison.Ordinal))
            .WithTransactionPerScript()
            .WithVariablesDisabled()
            .LogTo(new Log(logger))
            .Build();

        var known = upgrader.GetDiscoveredScripts().Select(script => script.Name).ToHashSet(StringComparer.Ordinal);
        var newer = upgrader.GetExecutedScripts().Where(script => !known.Contains(script)).ToList();
        if (newer.Count > 0)
            throw new StorageOpenException($"'{name}' was written by a newer exchange (it has {newer[^1][prefix.Length..]}). Start that version, or restore a backup.");

        var result = upgrader.PerformUpgrade();
        if (!result.Successful) throw new StorageOpenException($"'{name}' could not be migrated ({result.ErrorScript?.Name}).", result.Error);
    }

    private sealed class Log(ILogger logger) : IUpgradeLog
    {
        public void LogTrace(string format, params object[] args) { }
        public void LogDebug(string format, params object[] args) { }
        public void LogInformation(string format, params object[] args) { }
        public void LogWarning(string format, params object[] args) => Write(LogLevel.Warning, null, format, args);
        public void LogError(string format, params object[] args) => Write(LogLevel.Error, null, format, args);
        public void LogError(Exception ex, string format, params object[] args) => Write(LogLevel.Error, ex, format, args);

        private void Write(LogLevel level, Exception? exception, string format, object[] args) =>
            logger.Log(level, exception, "Migration: {Message}", string.Format(CultureInfo.InvariantCulture, format, args));
    }
}
