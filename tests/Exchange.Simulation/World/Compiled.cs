using Exchange.Engine.Catalog;

namespace Exchange.Simulation.World;

/// <summary>Catalogs compiled once for all worlds of this run, by what is written and the version they are.</summary>
internal static class Compiled
{
    private static readonly Dictionary<(string Text, long Version), CompileResult> Known = [];

    public static CompileResult Once(ConfigNode config, long version, CompileOptions options, CompileResult? previous)
    {
        var key = (ConfigJson.WriteText(config), version);
        if (Known.TryGetValue(key, out var result)) return result;
        // Never with what another version left: the same text and version are then the same model, whichever world asks first.
        return Known[key] = CatalogCompiler.Compile(config, version, options);
    }
}
