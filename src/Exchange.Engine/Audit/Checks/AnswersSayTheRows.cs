using Exchange.Engine.Ledger;
using Exchange.Engine.Values;

namespace Exchange.Engine.Audit.Checks;

/// <summary>
/// What is decided has its answer recorded, and the answer says what the rows say: the outcome, what is owed and what may follow. A later return
/// does not rewrite what was answered.
/// </summary>
public sealed class AnswersSayTheRows() : AuditCheck("I3", "answers recorded, saying what the rows say")
{
    public override void See(LeadFacts lead)
    {
        if (lead.Lead is not { Posted: true } row || row.State is LeadState.Open or LeadState.Pending) return;
        Looked++;
        if (row.Answer is not { } answer)
        {
            Find(lead.Id.ToString(), "no answer is recorded");
            return;
        }
        var owed = Sum(lead, static copy => copy.IsSold);
        var pending = Sum(lead, static copy => copy.IsHold);
        Require(answer.State == row.State, lead.Id.ToString(), $"answered {answer.State}, is {row.State}");
        Require(answer.Payout == owed, lead.Id.ToString(), $"answered a payout of {answer.Payout}, its copies pay {owed}");
        Require(answer.Pending == pending, lead.Id.ToString(), $"answered {answer.Pending} pending, its copies may pay {pending}");
    }

    private static Money Sum(LeadFacts lead, Func<CopyFact, bool> which) =>
        lead.Copies.Where(which).Aggregate(Money.Zero, static (sum, copy) => sum + copy.Payout);
}
