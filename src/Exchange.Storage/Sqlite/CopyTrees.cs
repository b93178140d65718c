namespace Exchange.Storage.Sqlite;

/// <summary>The trees a copy was sold through, as its row has them: ids from the outermost in, parted by slashes (no id has one).</summary>
internal static class CopyTrees
{
    public static string Write(string[] trees) => string.Join('/', trees);

    public static string[] Read(string trees) => trees.Length == 0 ? [] : trees.Split('/');

    /// <summary>Every list of trees that copies were sold through: few, found without reading the copies.</summary>
    public static List<string> All(Database database) => database.Prepare("""
        WITH RECURSIVE list (trees) AS (
            SELECT min(trees) FROM copy WHERE trees <> ''
            UNION ALL SELECT (SELECT min(trees) FROM copy WHERE trees <> '' AND trees > list.trees) FROM list WHERE list.trees IS NOT NULL)
        SELECT trees FROM list WHERE trees IS NOT NULL
        """).All(static row => row.Text(0));
}
