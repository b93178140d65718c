namespace Exchange.Storage;

/// <summary>A clock that is set by another's. Whoever takes things up because their time has come asks it first.</summary>
public interface IMeasuredClock
{
    /// <summary>False: something happened to this machine's clocks since it was set, and the time may be wrong by as much.</summary>
    bool IsSure { get; }
}
