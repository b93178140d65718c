namespace Exchange.System.Tests.BlackBox;

/// <summary>Classes of a second or two on one exchange, one after the other. No party's id, and no campaign of another buyer's, is in two of them.</summary>
[CollectionDefinition(Name)]
public sealed class OffersAndRaces : ICollectionFixture<RunningExchange> { public const string Name = "offers and races"; }

[CollectionDefinition(Name)]
public sealed class LeadsAndReturns : ICollectionFixture<RunningExchange> { public const string Name = "leads and returns"; }

/// <summary>Sales that take a buyer's answer or a restart to come to their end; each class leaves none open.</summary>
[CollectionDefinition(Name)]
public sealed class PromisesAndCrashes : ICollectionFixture<RunningExchange> { public const string Name = "promises and crashes"; }

/// <summary>Each class has a catalog and a buyers' server of its own, of markets that no other has.</summary>
[CollectionDefinition(Name)]
public sealed class BuyersThatAnswer : ICollectionFixture<RunningExchange> { public const string Name = "buyers that answer"; }

[CollectionDefinition(Name)]
public sealed class TrialsAndPostbacks : ICollectionFixture<RunningExchange> { public const string Name = "trials and postbacks"; }

[CollectionDefinition(Name)]
public sealed class LeadsThatWait : ICollectionFixture<RunningExchange> { public const string Name = "leads that wait"; }

[CollectionDefinition(Name)]
public sealed class LeadsThatWaitOnPostgres : ICollectionFixture<RunningPostgresExchange> { public const string Name = "leads that wait on PostgreSQL"; }

[CollectionDefinition(Name)]
public sealed class AutoInsuranceOnce : ICollectionFixture<FirstSaleTests.AutoInsurance> { public const string Name = "auto-insurance.yaml"; }

[CollectionDefinition(Name)]
public sealed class BehindAProxy : ICollectionFixture<WalledMarket> { public const string Name = "behind a proxy"; }
