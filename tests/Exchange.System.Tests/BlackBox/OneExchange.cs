namespace Exchange.System.Tests.BlackBox;

/// <summary>Classes of a second or two on one exchange, one after the other. No party's id, and no campaign of another buyer's, is in two of them.</summary>
[CollectionDefinition(Name)]
public sealed class OffersAndRaces : ICollectionFixture<RunningExchange> { public const string Name = "offers and races"; }

[CollectionDefinition(Name)]
public sealed class LeadsAndReturns : ICollectionFixture<RunningExchange> { public const string Name = "leads and returns"; }

[CollectionDefinition(Name)]
public sealed class AutoInsuranceOnce : ICollectionFixture<FirstSaleTests.AutoInsurance> { public const string Name = "auto-insurance.yaml"; }
