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
    // tiers and caps are known by what they are called and what they count
    [InlineData("{\"t\":[{\"name\":\"a\",\"method\":\"x\"}]}", "{\"t\":[{\"name\":\"b\",\"method\":\"x\"},{\"name\":\"a\",\"method\":\"y\"}]}", "Added t[0]  {\"name\":\"b\",\"method\":\"x\"}|Changed t[1].method x y")]
    [InlineData("{\"t\":[{\"name\":\"a\",\"method\":\"x\"},{\"name\":\"b\",\"method\":\"x\"}]}", "{\"t\":[{\"name\":\"b\",\"method\":\"x\"}]}", "Removed t[0] {\"name\":\"a\",\"method\":\"x\"} ")]
    [InlineData("{\"t\":[{\"name\":\"a\",\"method\":\"x\"},{\"name\":\"b\",\"method\":\"x\"}]}", "{\"t\":[{\"name\":\"b\",\"method\":\"x\"},{\"name\":\"a\",\"method\":\"x\"}]}", "Changed t in the order a, b in the order b, a")]
    [InlineData("{\"c\":[{\"per\":\"day\",\"leads\":\"5\"}]}", "{\"c\":[{\"per\":\"hour\",\"leads\":\"1\"},{\"per\":\"day\",\"leads\":{\"mon-fri\":\"5\",\"sat-sun\":\"0\"},\"pace\":\"even\"}]}",
        "Added c[0]  {\"per\":\"hour\",\"leads\":\"1\"}|Changed c[1].leads 5 {\"mon-fri\":\"5\",\"sat-sun\":\"0\"}|Added c[1].pace  even")]
    [InlineData("{\"c\":[{\"per\":\"day\",\"leads\":\"5\"},{\"per\":\"day\",\"leads\":\"6\"}]}", "{\"c\":[{\"per\":\"day\",\"leads\":\"6\"}]}", "Changed c[0].leads 5 6|Removed c[1] {\"per\":\"day\",\"leads\":\"6\"} ")]
    [InlineData("{\"t\":{\"main\":{\"tiers\":[{\"name\":\"a\",\"method\":\"x\",\"campaigns\":\"all\"}]}}}", "{\"t\":{\"main\":{\"tiers\":[{\"name\":\"a\",\"method\":\"x\",\"tree\":\"pool\"}],\"unsold\":{\"tree\":\"rest\"}}}}",
        "Added t.main.tiers[0].tree  pool|Removed t.main.tiers[0].campaigns all |Added t.main.unsold  {\"tree\":\"rest\"}")]
    public void Between_TwoCatalogs_TellsEachDifferenceOnce(string old, string @new, string expected) =>
        string.Join('|', CatalogDiff.Between(Catalogs.Json(old), Catalogs.Json(@new)).Select(change => $"{change.Kind} {change.Path} {change.Old} {change.New}"))
            .ShouldBe(expected);

    [Fact]
    public void Between_NothingAndACatalog_AddsEveryEntry() =>
        CatalogDiff.Between(null, Catalogs.Json(Catalogs.Basic)).Where(change => change.Path.StartsWith("campaigns", StringComparison.Ordinal))
            .Select(change => (change.Kind, change.Path)).ShouldBe(
                [(ChangeKind.Added, "campaigns.acme-a"), (ChangeKind.Added, "campaigns.acme-b"), (ChangeKind.Added, "campaigns.zenith-sun")]);
}
