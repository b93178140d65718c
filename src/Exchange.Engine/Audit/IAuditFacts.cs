namespace Exchange.Engine.Audit;

/// <summary>
/// All facts of one moment, read once and in the order of the members below. What is streamed is not kept: a million leads fit.
/// </summary>
public interface IAuditFacts
{
    /// <summary>When they are read, Unix milliseconds.</summary>
    long NowMs { get; }

    /// <summary>Every counter, in any order.</summary>
    IEnumerable<CounterFact> Counters();

    /// <summary>Gates and balances of the newest catalog, in any order.</summary>
    IEnumerable<LimitFact> Limits();

    /// <summary>Bookings that belong to no lead: money paid in and out.</summary>
    IEnumerable<TransferFact> Bookings();

    /// <summary>Every lead once, also those of which only other rows speak, in the order of their ids.</summary>
    IEnumerable<LeadFacts> Leads();

    /// <summary>In any order.</summary>
    IEnumerable<RequestFact> Requests();

    IEnumerable<SequenceFact> Sequences();

    /// <summary>Every account once, as the ledger tells its balance, in any order.</summary>
    IEnumerable<AccountFact> Accounts();
}
