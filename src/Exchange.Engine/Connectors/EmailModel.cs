namespace Exchange.Engine.Connectors;

/// <summary>
/// A copy as a mail. Which server sends it is the operator's to say, never the catalog's. The subject is read by everybody on its way, so it reads nothing of the
/// lead that a ping could not carry; the recipients read nothing of the lead at all.
/// </summary>
public sealed record EmailModel
{
    /// <summary>One or more addresses, by commas.</summary>
    public required Template To { get; init; }
    /// <summary>Null: our own words with the copy's id.</summary>
    public Template? Subject { get; init; }
    /// <summary>Plain text; null: every field, one a line.</summary>
    public Template? Body { get; init; }
    /// <summary>Fields that the subject reads.</summary>
    public IReadOnlyList<FieldRead> SubjectFields { get; init; } = [];
    /// <summary>Fields that the body reads.</summary>
    public IReadOnlyList<FieldRead> BodyFields { get; init; } = [];
    /// <summary>Whether one of its texts tells what was bid.</summary>
    public bool ReadsBid => To.ReadsBid || Subject?.ReadsBid == true || Body?.ReadsBid == true;
}
