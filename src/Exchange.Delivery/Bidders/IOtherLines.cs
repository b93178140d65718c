using Exchange.Engine.Catalog;

namespace Exchange.Delivery.Bidders;

/// <summary>Lines of connected buyers that are open at other servers of the cluster. Whoever is asked there asks nobody else.</summary>
public interface IOtherLines
{
    /// <summary><c>Unreachable</c> where no other server has a line of it, or the one that has it is lost. Ends with the token.</summary>
    Task<BidAnswer> AskAsync(EndpointModel endpoint, BidCall call, DateTimeOffset until, CancellationToken deadline);

    /// <summary>
    /// Never throws. Not sent only where no other server has a line of it; once another server was told of the copy and did not answer, it is unknown what
    /// became of it.
    /// </summary>
    /// <param name="until">Nobody sends it later: the lease under which it goes out may be over soon after.</param>
    Task<AttemptResult> HandOverAsync(EndpointModel endpoint, CopyMessage copy, DateTimeOffset until, CancellationToken deadline);
}
