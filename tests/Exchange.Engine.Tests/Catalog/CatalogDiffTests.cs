using Exchange.Engine.Catalog;
using Shouldly;

namespace Exchange.Engine.Tests.Catalog;

public sealed class CatalogDiffTests
{
    [Theory]
    [InlineData("{\"a\":\"1\",\"b\":\"2\"}", "{\"b\":\"2\",\"a\":\"1\"}", "")]
    [InlineData("{\"a\":\"1\"}", "{\"a\":\"2\"}", "Changed a 1 2")]
    [InlineData("{\"a\":[\"x\",\"y\"]}", "{\"a\":[\"y\",\"x\"]}", "Changed a [\"x\",\"y\"] [\"y\",\"x\"]")]
    [InlineData("{\"s\":{\"a\":{\"k\":\"1\"}}}", "{\"s\":{\"a\":{\"k\":\"1\"},\"b\":{\"k\":\"2\"}}}", "Added s.b  {\"k\":\"2\"}")]
    [InlineData("{\"s\":{\"a\":{\"k\":\"1\"}}}", "{}", "Removed s.a {\"k\":\"1\"} ")]
    [InlineData("{\"a\":[{\"k\":\"1\"}]}", "{\"a\":[{\"k\":\"2\"},{\"k\":\"3\"}]}", "Changed a[0].k 1 2|Added a[1]  {\"k\":\"3\"}")]
    [InlineData("{\"a\":[{\"k\":\"1\"},{\"k\":\"3\"}]}", "{\"a\":[{\"k\":\"1\"}]}", "Removed a[1] {\"k\":\"3\"} ")]
    [InlineData("{\"a\":\"1\"}", "{\"a\":{\"fixed\":\"1\"}}", "Changed a 1 {\"fixed\":\"1\"}")]
    public void Between_TwoCatalogs_TellsEachDifferenceOnce(string old, string @new, string expected) =>
        string.Join('|', CatalogDiff.Between(Catalogs.Json(old), Catalogs.Json(@new)).Select(change => $"{change.Kind} {change.Path} {change.Old} {change.New}"))
            .ShouldBe(expected);

    [Fact]
    public void Between_NothingAndACatalog_AddsEveryEntry() =>
        CatalogDiff.Between(null, Catalogs.Json(Catalogs.Basic)).Where(change => change.Path.StartsWith("campaigns", StringComparison.Ordinal))
            .Select(change => (change.Kind, change.Path)).ShouldBe(
                [(ChangeKind.Added, "campaigns.acme-a"), (ChangeKind.Added, "campaigns.acme-b"), (ChangeKind.Added, "campaigns.zenith-sun")]);
}
