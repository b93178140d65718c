using Exchange.LoadTests.Admin;

namespace Exchange.LoadTests.Demo;

/// <summary>
/// Adds up what the exchange booked, lead by lead. Each lead is looked at from two sides, its copies and its transfers; they must agree to
/// the last micro. Safe to use from many threads.
/// </summary>
internal sealed class Books
{
    private const string Publisher = "publisher:";
    private const string Buyer = "buyer:";

    private readonly Lock _gate = new();
    private readonly Dictionary<string, CampaignTotal> _campaigns = [];

    /// <summary>Leads with at least one sold copy.</summary>
    public int Sold { get; private set; }

    /// <summary>Leads without a sold copy but with one that is pending or in doubt.</summary>
    public int Waiting { get; private set; }

    public bool Differ { get; private set; }

    /// <summary>Most revenue first.</summary>
    public IReadOnlyList<CampaignTotal> Campaigns =>
        [.. _campaigns.Values.OrderByDescending(campaign => campaign.Revenue).ThenBy(campaign => campaign.Campaign, StringComparer.Ordinal)];

    public void Add(IReadOnlyList<BookedCopy> copies, IReadOnlyList<BookedTransfer> transfers)
    {
        var sold = copies.Where(copy => copy.Status == "sold").ToList();
        var charged = transfers.Where(transfer => transfer.Debit.StartsWith(Buyer, StringComparison.Ordinal)).Sum(transfer => transfer.Amount);
        var refunded = transfers.Where(transfer => transfer.Credit.StartsWith(Buyer, StringComparison.Ordinal)).Sum(transfer => transfer.Amount);
        var earned = transfers.Where(transfer => transfer.Credit.StartsWith(Publisher, StringComparison.Ordinal)).Sum(transfer => transfer.Amount);
        var takenBack = transfers.Where(transfer => transfer.Debit.StartsWith(Publisher, StringComparison.Ordinal)).Sum(transfer => transfer.Amount);
        lock (_gate)
        {
            foreach (var copy in sold)
            {
                var total = _campaigns.GetValueOrDefault(copy.Campaign) ?? new CampaignTotal(copy.Campaign, 0, 0m, 0m);
                _campaigns[copy.Campaign] = total with { Copies = total.Copies + 1, Revenue = total.Revenue + copy.Price, Payout = total.Payout + copy.Payout };
            }

            Sold += sold.Count > 0 ? 1 : 0;
            Waiting += sold.Count == 0 && copies.Any(copy => copy.Status is "pending" or "in_doubt") ? 1 : 0;
            Differ |= charged - refunded != sold.Sum(copy => copy.Price) || earned - takenBack != sold.Sum(copy => copy.Payout);
        }
    }
}
