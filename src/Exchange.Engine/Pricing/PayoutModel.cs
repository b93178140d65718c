namespace Exchange.Engine.Pricing;

/// <summary>What a publisher is paid of a price.</summary>
public sealed partial class PayoutModel;
