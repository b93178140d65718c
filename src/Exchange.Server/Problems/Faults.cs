using System.Text.Json;
using Exchange.Engine;
using Exchange.Grains.Intake;
using Exchange.Storage;
using Orleans.Runtime;

namespace Exchange.Server.Problems;

/// <summary>What a caller is told of an exception: the last resort, for HTTP and gRPC alike. Never its message, which may hold data.</summary>
public static class Faults
{
    private const int RestartSeconds = 5;

    public static Problem Of(Exception exception) => exception switch
    {
        StorageBusyException => Problem.Of(503, "storage_unavailable", "The store cannot take this now; this call did nothing. Come again.", 1),
        ReportTooLongException => Problem.Of(503, "storage_unavailable", "This takes too long to be read; ask for a shorter span or by a narrower filter."),
        StorageFailedException => Problem.Of(503, "storage_unavailable", "The store has stopped writing; what is recorded is known after a restart. Send the same again then.", RestartSeconds),
        // A silo that has just gone, or does not answer in time.
        SiloUnavailableException or OrleansMessageRejectionException or TimeoutException =>
            Problem.Of(503, "storage_unavailable", "What became of it is not known here; the same request gets it.", 1),
        BadHttpRequestException bad => StatusProblems.Of(bad.StatusCode),
        JsonException => StatusProblems.Of(400),
        InvariantException => StatusProblems.Of(500),
        _ => StatusProblems.Of(500),
    };

    /// <summary>True for exceptions that a caller can bring about, or that were told when they began; they are no news to the operator.</summary>
    public static bool IsExpected(Exception exception) =>
        exception is StorageBusyException or ReportTooLongException or StorageFailedException or BadHttpRequestException or JsonException;
}
