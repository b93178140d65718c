using Exchange.Engine.Fields;

namespace Exchange.Engine.Catalog;

/// <summary>What the compiler must know of the world outside the file.</summary>
public sealed record CompileOptions
{
    /// <summary>Reads phone numbers and IP addresses of lists and conditions, exactly as those of leads are read.</summary>
    public required FieldParsers Parsers { get; init; }
    /// <summary>Day number of today in the exchange's zone, for schedules that are over; null = not checked.</summary>
    public int? Today { get; init; }
    /// <summary>Names in the secret store; null = not checked.</summary>
    public IReadOnlySet<string>? KnownSecrets { get; init; }
    /// <summary>Buyers with money paid in, who need no credit; null = unknown, then every buyer without credit is warned of.</summary>
    public IReadOnlySet<string>? FundedBuyers { get; init; }
    /// <summary>Why a buyer's address may not be called (loopback, private network), as a sentence; null = it may.</summary>
    public Func<Uri, string?>? CheckUrl { get; init; }
    /// <summary>Whether the operator has set a server for mails; null: unknown, nobody is warned.</summary>
    public bool? HasMailServer { get; init; }
    /// <summary>It was applied before, perhaps to an earlier build: what that one took is read on, though it would be refused today.</summary>
    public bool IsStored { get; init; }
    /// <summary>Reads the templates of connectors, mails and postbacks.</summary>
    public required Connectors.ParseTemplate ParseTemplate { get; init; }
}

/// <summary>
/// The outcome of one compile. <see cref="Model"/> is null exactly when <see cref="Errors"/> has errors. <see cref="Canonical"/> is
/// what to store and to export: the catalog as written, without <c>version</c>.
/// </summary>
public sealed record CompileResult(CatalogModel? Model, ConfigNode Canonical, ConfigErrors Errors)
{
    /// <summary>What the next version may take over.</summary>
    internal Sections.CompiledCatalog? Compiled { get; init; }
}
