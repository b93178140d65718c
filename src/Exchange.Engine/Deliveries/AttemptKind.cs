namespace Exchange.Engine.Deliveries;

/// <summary>What one attempt to hand a copy over came to.</summary>
public enum AttemptKind
{
    /// <summary>The buyer has it and takes it.</summary>
    Accepted,
    /// <summary>The buyer says it had this lead before.</summary>
    Duplicate,
    /// <summary>A definite no: somebody else may have the lead.</summary>
    Rejected,
    /// <summary>The buyer has it and will say later.</summary>
    Pending,
    /// <summary>Certainly no byte of the lead left (name, connect, TLS): try again or go on to the next.</summary>
    NotSent,
    /// <summary>Surely not taken, come again with the same id (429, 503).</summary>
    RetryLater,
    /// <summary>The lead may have arrived (silence, 408, 5xx, broken or unreadable answer): in doubt, never the next buyer.</summary>
    Unknown,
}

/// <summary>Who said a <see cref="AttemptKind.Rejected"/>, and so how much it says about this copy and about earlier attempts at it.</summary>
public enum Refusal
{
    None,
    /// <summary>Only an HTTP status: it may speak of the address or the credentials, and says nothing of an earlier attempt.</summary>
    Status,
    /// <summary>410: the address wants no more of anything.</summary>
    Gone,
    /// <summary>The buyer's own words about this copy, in the connector's format.</summary>
    Answer,
}
