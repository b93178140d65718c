using Exchange.Simulation.Scheduling;
using Microsoft.Extensions.Logging;

namespace Exchange.Simulation.World;

/// <summary>A log that looks at what is told of faults: a bug ends the run, the outside world does not.</summary>
internal sealed class SimLog<T>(SimWorld world, SimProcess process) : ILogger<T>
{
    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Error;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (exception is not null) world.Saw(process, exception);
    }
}
