using Exchange.Engine.Audit;
using Exchange.Engine.Values;

namespace Exchange.Storage.Audit;

/// <summary>Brings together what several tables have of one lead: each is read once, in the order of its leads, and nothing is kept.</summary>
internal static class LeadMerge
{
    public static IEnumerable<LeadFacts> Merge(
        IEnumerable<(LeadId, LeadFact)> leadRows, IEnumerable<(LeadId, CopyFact)> copyRows, IEnumerable<(LeadId, TransferFact)> transferRows,
        IEnumerable<(LeadId, DeliveryFact)> deliveryRows, IEnumerable<(LeadId, int)> personCounts, IEnumerable<(LeadId, PostbackFact)> postbackRows,
        IEnumerable<(LeadId, ListedFact)> listedRows, IEnumerable<(LeadId, ReturnFact)> returnRows)
    {
        using var leads = new Ahead<LeadFact>(leadRows);
        using var copies = new Ahead<CopyFact>(copyRows);
        using var transfers = new Ahead<TransferFact>(transferRows);
        using var deliveries = new Ahead<DeliveryFact>(deliveryRows);
        using var persons = new Ahead<int>(personCounts);
        using var postbacks = new Ahead<PostbackFact>(postbackRows);
        using var listed = new Ahead<ListedFact>(listedRows);
        using var returns = new Ahead<ReturnFact>(returnRows);
        while (First(leads.Next, copies.Next, transfers.Next, deliveries.Next, persons.Next, postbacks.Next, listed.Next, returns.Next) is { } id)
        {
            var lead = leads.Take(id);
            yield return new(id, lead.FirstOrDefault(), copies.Take(id), transfers.Take(id), deliveries.Take(id), persons.Take(id).Sum())
            {
                Postbacks = postbacks.Take(id), Listed = listed.Take(id), Returns = returns.Take(id),
            };
        }
    }

    private static LeadId? First(params ReadOnlySpan<LeadId?> ids)
    {
        LeadId? first = null;
        foreach (var id in ids) if (id is { } next && (first is null || next.CompareTo(first.Value) < 0)) first = next;
        return first;
    }

    /// <summary>Rows of one table, one ahead.</summary>
    private sealed class Ahead<T> : IDisposable
    {
        private readonly IEnumerator<(LeadId Lead, T Row)> rows;

        public Ahead(IEnumerable<(LeadId, T)> all)
        {
            rows = all.GetEnumerator();
            Step();
        }

        /// <summary>The lead of the next row; null after the last.</summary>
        public LeadId? Next { get; private set; }

        /// <summary>The rows of this lead, if it is the next.</summary>
        public List<T> Take(LeadId lead)
        {
            List<T> taken = [];
            while (Next == lead)
            {
                taken.Add(rows.Current.Row);
                Step();
            }
            return taken;
        }

        private void Step() => Next = rows.MoveNext() ? rows.Current.Lead : null;

        public void Dispose() => rows.Dispose();
    }
}
