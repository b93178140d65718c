namespace Exchange.Storage;

/// <summary>The trees a copy was sold through, as its row has them: ids from the outermost in, parted by slashes (no id has one).</summary>
internal static class CopyTrees
{
    public static string Write(string[] trees) => string.Join('/', trees);

    public static string[] Read(string trees) => trees.Length == 0 ? [] : trees.Split('/');
}
