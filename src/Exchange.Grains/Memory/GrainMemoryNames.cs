using Microsoft.Extensions.Logging;
using Orleans.Runtime;
using Orleans.Storage;

namespace Exchange.Grains.Memory;

/// <summary>
/// The one store of grain memory. A row is found by key and state name only, never by grain class: state names are unique (<c>campaign-v1</c>,
/// <c>buyer-v1</c>, <c>rotation-v1</c>) and every string key starts with letters that are no hexadecimal number.
/// </summary>
public static class GrainMemoryNames
{
    public const string Store = "memory";

    public static string Campaign(string id) => "campaign-" + id;
    public static string Buyer(string id) => "buyer-" + id;
    /// <param name="silo">The name of the place it runs at: its number is another one after each start.</param>
    public static string Rotation(string silo) => "rotation-silo-" + silo.Replace('+', '-');
}

/// <summary>Writes memory that may be lost: a conflict or a full disk costs the memory, not the grain.</summary>
public static class GrainMemoryWriter
{
    /// <returns>False: it was not written, or nobody knows whether it was. Of which version the row is now this activation cannot tell.</returns>
    public static async Task<bool> WriteAsync<T>(IPersistentState<T> memory, ILogger log)
    {
        try
        {
            await memory.WriteStateAsync();
            return true;
        }
        catch (InconsistentStateException conflict)
        {
            log.LogWarning(conflict, "Another activation kept newer memory; ours is dropped");
        }
        catch (Exception fault) when (fault is not OutOfMemoryException)
        {
            log.LogWarning(fault, "Grain memory could not be kept");
        }
        return false;
    }
}
