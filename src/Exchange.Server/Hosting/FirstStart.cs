using System.Text;
using Exchange.Engine.Catalog;
using Exchange.Grains.Catalog;
using Exchange.Server.Access;
using Exchange.Server.Catalog;
using Exchange.Storage;

namespace Exchange.Server.Hosting;

/// <summary>An empty data folder gets the sample catalog and keys, which are printed this once with two lines to paste.</summary>
public static class FirstStart
{
    private const string SampleResource = "sample.yaml";

    /// <summary>Loads the sample if the store has no catalog. True: it did, and no other process did at the same time.</summary>
    public static async Task<bool> SeedAsync(CatalogHost catalog, CancellationToken cancel)
    {
        if (await catalog.LoadAsync(cancel)) return false;
        var errors = new ConfigErrors();
        var config = CatalogYaml.Read(SampleText(), errors) ?? throw new Engine.InvariantException("the sample catalog is YAML");
        // Onto nothing, and not onto what another process has stored since.
        var outcome = await catalog.ApplyAsync(config, 0, "first start", dryRun: false, cancel);
        Engine.Invariant.Require(outcome.Errors.Count == 0);
        // Another process was first: its sample is served, and its keys are the ones that were shown.
        if (outcome.Conflict) Engine.Invariant.Require(await catalog.LoadAsync(cancel));
        return !outcome.Conflict;
    }

    /// <summary>The admin key if one was made, and on a sample catalog a key per publisher and per buyer. Printed, never logged.</summary>
    public static async Task PrintKeysAsync(CatalogHost catalog, ApiKeys keys, ExchangeOptions options, bool sample, TextWriter output, CancellationToken cancel)
    {
        var admin = await keys.EnsureAdminAsync(options.AdminKey, cancel);
        if (admin is null && !sample) return;
        var text = new StringBuilder().AppendLine();
        if (admin is not null) text.AppendLine("Keys, shown this once:").AppendLine($"  admin                      {admin.Plain}");
        if (sample)
        {
            if (admin is null) text.AppendLine("Keys, shown this once:");
            NewKey? first = null;
            foreach (var id in catalog.Current.Publishers.Keys.Order(StringComparer.Ordinal))
            {
                var key = await keys.CreateAsync(KeyRole.Publisher, id, test: false, cancel);
                if (first is null || SampleLines.Publisher == id) first = key;
                text.AppendLine($"  publisher {id,-16} {key.Plain}");
            }
            foreach (var id in catalog.Current.Buyers.Keys.Order(StringComparer.Ordinal))
            {
                var key = await keys.CreateAsync(KeyRole.Buyer, id, test: false, cancel);
                text.AppendLine($"  buyer     {id,-16} {key.Plain}");
            }
            text.AppendLine().AppendLine("Try it: a ping, then its post.").AppendLine();
            text.AppendLine(SampleLines.Ping(options.HttpPort, first!.Plain)).AppendLine();
            text.AppendLine(SampleLines.Post(options.HttpPort, first.Plain)).AppendLine();
        }
        await output.WriteAsync(text.ToString());
        await output.FlushAsync(cancel);
    }

    private static string SampleText()
    {
        var assembly = typeof(FirstStart).Assembly;
        var name = assembly.GetManifestResourceNames().Single(resource => resource.EndsWith(SampleResource, StringComparison.Ordinal));
        using var reader = new StreamReader(assembly.GetManifestResourceStream(name)!, Encoding.UTF8);
        return reader.ReadToEnd();
    }
}
