using System.Text.RegularExpressions;
using Exchange.Storage.Sqlite;
using Exchange.System.Tests.BlackBox;
using Microsoft.Data.Sqlite;
using Shouldly;

namespace Exchange.System.Tests.Storage;

/// <summary>
/// SQLite chooses an index without knowing how many rows there are, and a search that is right and fast with a hundred leads reads a million from end to end.
/// What its planner makes of each statement of the store is looked at here, on the schema as it is.
/// </summary>
public sealed partial class SqliteQueryPlanTests : IDisposable
{
    /// <summary>What is read from end to end on purpose, as the planner names it: as large as the catalog, or what an operator typed, or a list made a line before.</summary>
    private static readonly string[] Small =
    [
        "LimitRows cap", "SqliteAccess api_key", "SqliteAccess secret", "SqliteAudits pragma_table_info", "SqliteCatalog n", "SqliteLedger (subquery-1)",
        "SqliteLedger (subquery-3)", "SqliteLedger b", "SqliteLedger closing", "SqliteLedger m", "SqliteReturns list", "SqliteSuppressions suppressed", "SqliteUpkeep k", "TreeLists list",
    ];

    private readonly string folder = Path.Combine(Path.GetTempPath(), "exchange-plans-" + Guid.NewGuid().ToString("N"));

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task NoStatement_ReadsATableFromEndToEnd_ButThoseThatAreSmall()
    {
        await (await SqliteStore.OpenAsync(new SqliteStoreOptions { Folder = folder })).DisposeAsync();
        using var facts = Open("facts.db");
        using var pings = Open("pings.db");
        var sources = Repository.Files(Path.Combine("src", "Exchange.Storage"), "*.cs").Where(file => !file.Contains("Postgres", StringComparison.Ordinal))
            .ToDictionary(file => Path.GetFileNameWithoutExtension(file), File.ReadAllText);
        var constants = sources.SelectMany(source => Constant().Matches(source.Value).Select(match => (Name: $"{source.Key}.{match.Groups["name"].Value}", Text(match).Text)))
            .GroupBy(constant => constant.Name).ToDictionary(group => group.Key, group => group.First().Text);

        var (looked, whole) = (0, new SortedDictionary<string, string>(StringComparer.Ordinal));
        foreach (var (file, source) in sources)
            foreach (Match match in Prepared().Matches(source))
            {
                var (sql, isComposed) = Text(match);
                if (isComposed) sql = Composed().Replace(sql, name => constants.GetValueOrDefault(name.Value.Contains('.', StringComparison.Ordinal) ? name.Groups[1].Value : $"{file}.{name.Groups[1].Value}", name.Value));
                foreach (var step in Plan(facts, sql) ?? Plan(pings, sql) ?? [])
                {
                    looked++;
                    // An index that is read in its order, up to a limit or as one that holds few rows, is no such reading.
                    if (step.StartsWith("SCAN ", StringComparison.Ordinal) && !step.Contains(" USING ", StringComparison.Ordinal) && !step.Contains("CONSTANT ROW", StringComparison.Ordinal))
                        whole.TryAdd($"{file} {step.Split(' ')[1]}", sql);
                }
            }
        whole.Where(found => !Small.Contains(found.Key)).Select(found => $"{found.Key}: {found.Value}").ShouldBeEmpty();
        Small.ShouldBeSubsetOf(whole.Keys, "who is no longer read whole is not to be so again unseen");
        looked.ShouldBeGreaterThan(150, "the statements are found where they are written");
    }

    private SqliteConnection Open(string file)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = Path.Combine(folder, file), Mode = SqliteOpenMode.ReadOnly, Pooling = false }.ToString());
        connection.Open();
        return connection;
    }

    /// <summary>Null: no statement of this file's tables.</summary>
    private static List<string>? Plan(SqliteConnection database, string sql)
    {
        using var command = database.CreateCommand();
        // What is bound changes no plan without statistics; a named parameter needs a value all the same.
        command.CommandText = "EXPLAIN QUERY PLAN " + Parameter().Replace(sql, "NULL");
        try
        {
            using var reader = command.ExecuteReader();
            var steps = new List<string>();
            while (reader.Read()) steps.Add(reader.GetString(3));
            return steps;
        }
        catch (SqliteException) { return null; }
    }

    private static (string Text, bool IsComposed) Text(Match match) =>
        (match.Groups["raw"].Success ? match.Groups["raw"].Value : match.Groups["plain"].Value, match.Groups["composed"].Success);

    [GeneratedRegex(""""Prepare\(\s*(?<composed>\$)?(?:"""(?<raw>.*?)"""|"(?<plain>[^"\n]*)")"""", RegexOptions.Singleline)]
    private static partial Regex Prepared();

    [GeneratedRegex(""""(?:const|static readonly) string (?<name>\w+)\s*=\s*(?<composed>\$)?(?:"""(?<raw>.*?)"""|"(?<plain>[^"\n]*)")\s*;"""", RegexOptions.Singleline)]
    private static partial Regex Constant();

    [GeneratedRegex(@"\{([\w.]+)\}")]
    private static partial Regex Composed();

    [GeneratedRegex(@"\?\d*")]
    private static partial Regex Parameter();
}
