namespace Exchange.Storage;

/// <summary>A clock that is set by another's. Whoever takes things up because their time has come asks it first.</summary>
public interface IMeasuredClock
{
    /// <summary>False: this machine's clocks have come apart since it was set, and the time may be wrong by the difference.</summary>
    bool IsSure { get; }
}
