using System.Text.Json;
using Exchange.Engine;
using Exchange.Grains.Intake;
using Exchange.Storage;

namespace Exchange.Server.Problems;

/// <summary>What a caller is told of an exception: the last resort, for HTTP and gRPC alike. Never its message, which may hold data.</summary>
public static class Faults
{
    private const int RestartSeconds = 5;

    public static Problem Of(Exception exception) => exception switch
    {
        StorageBusyException => Problem.Of(503, "storage_unavailable", "The store cannot take this now; nothing was done. Come again.", 1),
        StorageFailedException => Problem.Of(503, "storage_unavailable", "The store has stopped writing; what is recorded is known after a restart. Send the same again then.", RestartSeconds),
        BadHttpRequestException bad => StatusProblems.Of(bad.StatusCode),
        JsonException => StatusProblems.Of(400),
        InvariantException => StatusProblems.Of(500),
        _ => StatusProblems.Of(500),
    };

    /// <summary>True for exceptions that a caller can bring about, or that were told when they began; they are no news to the operator.</summary>
    public static bool IsExpected(Exception exception) => exception is StorageBusyException or StorageFailedException or BadHttpRequestException or JsonException;
}
