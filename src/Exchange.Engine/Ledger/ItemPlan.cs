namespace Exchange.Engine.Ledger;

/// <summary>An end that is to be done: the item's <see cref="Index"/>-th.</summary>
public readonly record struct PlannedEnd(int Index, CopyEnd End, JudgedCopy Copy)
{
    /// <summary>The copy is nobody's afterwards.</summary>
    public bool Closes => End.Move is CopyMove.Void or CopyMove.Expire;

    /// <summary>What the copy holds of its counters is used, or free again; of a return what comes back.</summary>
    public bool MovesCounters => End.Move is not (CopyMove.Doubt or CopyMove.Call);
}

/// <summary>A start that is to be done: the item's <see cref="Index"/>-th.</summary>
public readonly record struct PlannedStart(int Index, NewCopy Copy);

/// <summary>
/// What an item writes, if its takes fit and it finds free copies: nothing stood against it in the rows that only this lead and this person touch.
/// Ends come before starts: a voided copy frees its company, its persons and its place in the counters for the next rank.
/// </summary>
public sealed class ItemPlan
{
    public required JournalItem Item { get; init; }
    /// <summary>The ends that are not done yet, in the item's order.</summary>
    public required List<PlannedEnd> Ends { get; init; }
    /// <summary>The starts that are not done yet, in the item's order.</summary>
    public required List<PlannedStart> Starts { get; init; }
    /// <summary>The index of the first start that finds no free copy. Told (105) only if every take fits; nothing is written then.</summary>
    public required int? NoFreeCopy { get; init; }
    /// <summary>The lead's copies afterwards that have a place: held, in doubt, sold or come back.</summary>
    public required int OpenCopies { get; init; }
    public required bool OpenExclusive { get; init; }
    /// <summary>Of the lead, new or not.</summary>
    public required string Publisher { get; init; }
    /// <summary>The lead is posted afterwards: its copies' buyers are called.</summary>
    public required bool IsPosted { get; init; }

    /// <summary>Whose persons are claimed or freed, in this order. Made at each asking.</summary>
    public IReadOnlyList<PersonMove> Persons
    {
        get
        {
            var moves = new List<PersonMove>();
            if (Item.ReleasePersons) moves.Add(new(null, null));
            else if (Item is { Persons.Length: > 0, IfTaken: false }) moves.Add(new(0, Item.Persons));
            foreach (var end in Ends)
                if (end.Closes) moves.Add(new(end.End.No, null));
                else if (end.End.Persons.Length > 0) moves.Add(new(end.End.No, end.End.Persons));
            foreach (var (_, start) in Starts)
                if (start.Persons.Length > 0) moves.Add(new(start.No, start.Persons));
            return moves;
        }
    }
}
