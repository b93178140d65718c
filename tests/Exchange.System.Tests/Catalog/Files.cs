extern alias server;

using Exchange.Delivery.Templates;
using Exchange.Engine.Catalog;
using server::Exchange.Server.Catalog;
using Shouldly;

namespace Exchange.System.Tests.Catalog;

/// <summary>The catalogs that tests read from files.</summary>
internal static class Files
{
    public static string AutoInsurance => Path.Combine(AppContext.BaseDirectory, "data", "auto-insurance.yaml");
    public static string Solar => Path.Combine(AppContext.BaseDirectory, "data", "solar.yaml");

    public static ConfigNode Sample()
    {
        using var stream = typeof(CatalogYaml).Assembly.GetManifestResourceStream("Exchange.Server.Samples.sample.yaml").ShouldNotBeNull();
        using var memory = new MemoryStream();
        stream.CopyTo(memory);
        return Read(memory.ToArray());
    }

    public static ConfigNode Read(byte[] yaml)
    {
        var errors = new ConfigErrors();
        var node = CatalogYaml.Read(yaml, errors);
        errors.Errors.ShouldBeEmpty();
        return node.ShouldNotBeNull();
    }

    public static CompileResult Compile(ConfigNode node) =>
        CatalogCompiler.Compile(node, 1, new() { Parsers = new((text, _) => text.StartsWith('+') ? text : null, text => text), ParseTemplate = Liquid.Parse, Today = new DateOnly(2026, 11, 22).DayNumber });
}
