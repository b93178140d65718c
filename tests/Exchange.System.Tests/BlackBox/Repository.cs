namespace Exchange.System.Tests.BlackBox;

/// <summary>The checkout that these tests were built from.</summary>
internal static class Repository
{
    public static string Root { get; } = FindRoot();

    /// <summary>Debug or Release, as these tests.</summary>
    public static string Configuration { get; } = new DirectoryInfo(AppContext.BaseDirectory).Parent!.Name;

    public static string Path(params string[] parts) => global::System.IO.Path.Combine([Root, .. parts]);

    /// <summary>Source files below a folder, without what builds and package managers put there.</summary>
    public static IEnumerable<string> Files(string folder, string pattern) =>
        Directory.EnumerateFiles(Path(folder), pattern, SearchOption.AllDirectories)
            .Where(file => !global::System.IO.Path.GetRelativePath(Root, file).Split('/', '\\').Any(part => part is "bin" or "obj" or "node_modules"));

    private static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(global::System.IO.Path.Combine(folder.FullName, "Exchange.sln"))) folder = folder.Parent ?? throw new InvalidOperationException("Exchange.sln was not found above the tests");
        return folder.FullName;
    }
}
