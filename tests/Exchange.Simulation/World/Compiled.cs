using System.Collections.Concurrent;
using Exchange.Engine.Catalog;

namespace Exchange.Simulation.World;

/// <summary>Catalogs compiled once for all worlds of this process, by what is written and the version they are. Worlds of several tests run at once and share them.</summary>
internal static class Compiled
{
    private static readonly ConcurrentDictionary<(string Text, long Version), CompileResult> Known = [];

    /// <summary>Never with what another version left: the same text and version are then the same model, whichever world asks first.</summary>
    public static CompileResult Once(ConfigNode config, long version, CompileOptions options, CompileResult? previous) =>
        Known.GetOrAdd((ConfigJson.WriteText(config), version), static (key, of) => CatalogCompiler.Compile(of.config, key.Version, of.options), (config, options));
}
