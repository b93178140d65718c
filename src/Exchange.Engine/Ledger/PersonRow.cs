using Exchange.Engine.Values;

namespace Exchange.Engine.Ledger;

/// <summary>A claim by a copy of a lead; number 0 is the lead itself.</summary>
public readonly record struct PersonHolder(LeadId Lead, int No, long AtMs);

/// <summary>
/// Who has one person in one scope: the newest claim, with the one whose place it took. Windows differ from campaign to campaign: a claim that is too
/// old for this one may count for another, so it is put back if this one is freed again.
/// </summary>
public sealed record PersonRow(PersonHolder Holder, PersonHolder? Was)
{
    /// <summary>A claim of the lead itself, of whatever copy, never refuses it; the one whose place it took may.</summary>
    public bool IsSeen(LeadId lead, long sinceMs) =>
        Holder.Lead != lead ? Holder.AtMs >= sinceMs : Was is { } was && was.Lead != lead && was.AtMs >= sinceMs;

    /// <summary>The row after a claim; the lead's own stays as it is.</summary>
    public static PersonRow Claim(PersonRow? row, PersonHolder holder) =>
        row is null ? new(holder, null) : row.Holder.Lead == holder.Lead ? row : new(holder, row.Holder);

    /// <summary>The row after what a lead (<paramref name="no"/> null) or one of its copies claimed is free; null: nobody has the person.</summary>
    public PersonRow? Free(LeadId lead, int? no)
    {
        var was = Was is { } before && Is(before, lead, no) ? null : Was;
        return !Is(Holder, lead, no) ? this with { Was = was } : was is { } back ? new(back, null) : null;
    }

    private static bool Is(in PersonHolder holder, LeadId lead, int? no) => holder.Lead == lead && (no is null || holder.No == no);
}

/// <summary>
/// One step of what an item does to persons: with <see cref="Claims"/> they are claimed for copy <see cref="No"/> (0: the lead), without everything
/// that it (null: the lead with all its copies) claimed is free.
/// </summary>
public readonly record struct PersonMove(int? No, PersonClaim[]? Claims);
