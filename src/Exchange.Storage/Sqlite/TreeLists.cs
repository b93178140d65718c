namespace Exchange.Storage.Sqlite;

/// <summary>Every list of trees that copies were sold through: few, found without reading the copies.</summary>
internal static class TreeLists
{
    public static List<string> All(Database database) => database.Prepare("""
        WITH RECURSIVE list (trees) AS (
            SELECT min(trees) FROM copy WHERE trees <> ''
            UNION ALL SELECT (SELECT min(trees) FROM copy WHERE trees <> '' AND trees > list.trees) FROM list WHERE list.trees IS NOT NULL)
        SELECT trees FROM list WHERE trees IS NOT NULL
        """).All(static row => row.Text(0));
}
