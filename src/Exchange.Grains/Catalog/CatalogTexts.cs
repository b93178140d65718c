using Exchange.Engine;
using Exchange.Engine.Catalog;
using Exchange.Storage;

namespace Exchange.Grains.Catalog;

/// <summary>A catalog as it goes to the store.</summary>
/// <param name="Base">As <see cref="CatalogVersion.Base"/>.</param>
internal sealed record CatalogText(byte[] Json, long? Base);

/// <summary>
/// Stored catalogs as trees, and back. Most versions differ little from the one before, so what is stored of them is what they change in the newest whole
/// one; whole is stored what changes much. Trees share what their versions have in common: one changed campaign among ten thousand is one campaign to
/// read, to compare, to write and to keep.
/// </summary>
internal sealed class CatalogTexts(ICatalogStore store)
{
    /// <summary>
    /// Changes that come to more than this part of the whole are stored whole. Small: less is written on every apply; large: the whole is written more seldom. Of
    /// 10,000 campaigns that change one by one, about each three hundredth version is whole.
    /// </summary>
    private const int ChangesPart = 32;

    // The newest whole version that was read or stored here.
    private volatile Whole? whole;

    private sealed record Whole(long Version, ConfigMap Config, int Bytes);

    /// <summary>A stored version as it was written.</summary>
    public async Task<ConfigMap> ReadAsync(CatalogVersion row, CancellationToken cancel)
    {
        if (whole is { } known && known.Version == row.Version) return known.Config;
        var read = Parse(row);
        if (row.Base is { } number) return (ConfigMap)ConfigPatch.Merge((await WholeAsync(number, cancel)).Config, read);
        Keep(new(row.Version, read, row.Json.Length));
        return read;
    }

    public CatalogText Write(ConfigMap canonical)
    {
        if (whole is { } before && ConfigPatch.Between(before.Config, canonical) is { } changes)
        {
            var json = ConfigJson.Write(changes);
            if (json.Length <= before.Bytes / ChangesPart) return new(json, before.Version);
        }
        return new(ConfigJson.Write(canonical), null);
    }

    /// <summary>What <see cref="Write"/> made is in the store now.</summary>
    public void Stored(long version, ConfigMap canonical, CatalogText text)
    {
        if (text.Base is null) Keep(new(version, canonical, text.Json.Length));
    }

    public static StorageOpenException Unreadable(long version, ConfigErrors errors) => new(
        $"Catalog version {version} cannot be read by this build: {string.Join("; ", errors.Errors.Take(5).Select(error => $"{error.Pointer}: {error.Message}"))}");

    private async Task<Whole> WholeAsync(long version, CancellationToken cancel)
    {
        if (whole is { } known && known.Version == version) return known;
        var row = await store.FindAsync(version, cancel);
        if (row is not { Base: null }) throw new InvariantException("a catalog version rests on a whole one");
        var read = new Whole(version, Parse(row), row.Json.Length);
        Keep(read);
        return read;
    }

    private static ConfigMap Parse(CatalogVersion row)
    {
        var errors = new ConfigErrors();
        return ConfigJson.Parse(row.Json, errors) is ConfigMap map && !errors.Any ? map : throw Unreadable(row.Version, errors);
    }

    private void Keep(Whole read)
    {
        if (whole is not { } known || known.Version < read.Version) whole = read;
    }
}
