using Exchange.Engine.Caps;

namespace Exchange.Engine.Audit.Checks;

/// <summary>The limit in the row, which sales are judged by, is the one that the newest catalog says; its gates and balances have one; a gate that left the catalog is closed.</summary>
public sealed class LimitsFollowCatalog() : AuditCheck("I1", "limits in the rows are the catalog's")
{
    private const long Closed = -1;

    public override void See(LimitFact limit)
    {
        Looked++;
        Require(limit.HasCounter, limit.LimitId, $"is in the catalog and has no row: whatever takes of it is refused");
    }

    public override void See(CounterFact counter)
    {
        switch (counter.Kind)
        {
            // Its limit is credit and money paid in: another check's.
            case LimitKind.Balance: return;
            case LimitKind.Gate:
                Looked++;
                if (counter.Catalog is null) Require(counter.Limit == Closed, counter.Name, $"left the catalog and is not closed ({counter.Limit})");
                else Require(counter.Catalog.Contains(counter.Limit), counter.Name, $"is {counter.Limit}, the catalog says {counter.Catalog[0]}");
                return;
            default:
                if (counter.Catalog is null) return;
                Looked++;
                Require(counter.Catalog.Contains(counter.Limit), counter.Name, $"has the limit {counter.Limit}, the catalog says {string.Join(" or ", counter.Catalog.Distinct())}");
                return;
        }
    }
}
