using DbUp.Engine.Output;
using Microsoft.Extensions.Logging;

namespace Exchange.Storage;

/// <summary>What migrations say, warnings and errors only.</summary>
internal sealed class MigrationLog(ILogger logger) : IUpgradeLog
{
    public void LogTrace(string format, params object[] args) { }
    public void LogDebug(string format, params object[] args) { }
    public void LogInformation(string format, params object[] args) { }
    public void LogWarning(string format, params object[] args) => Write(LogLevel.Warning, null, format, args);
    public void LogError(string format, params object[] args) => Write(LogLevel.Error, null, format, args);
    public void LogError(Exception ex, string format, params object[] args) => Write(LogLevel.Error, ex, format, args);

    private void Write(LogLevel level, Exception? exception, string format, object[] args) =>
        logger.Log(level, exception, "Migration: {Message}", string.Format(System.Globalization.CultureInfo.InvariantCulture, format, args));
}
