using Exchange.Engine.Values;

namespace Exchange.Engine.Ledger;

/// <summary>A bid whose turn came at or after the post and that was never held: kept with the lead, so that its operator can be told why it went to another.</summary>
/// <param name="Place">Among the bids of all walks; those of one moment are told in this order.</param>
/// <param name="Price">What its buyer would have paid: the price of an offer that it was chosen for, else its bid.</param>
public sealed record PassedOver(string Campaign, string Buyer, int Place, Money Price, Reason Reason);
