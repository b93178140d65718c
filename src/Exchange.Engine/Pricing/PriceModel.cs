namespace Exchange.Engine.Pricing;

/// <summary>A bid or a floor: first matching rule's price, else the otherwise price, else none.</summary>
public sealed partial class PriceModel;
