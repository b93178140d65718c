using Exchange.Engine.Catalog;
using Exchange.Engine.Postbacks;
using Exchange.Engine.Tests.Catalog;
using Shouldly;

namespace Exchange.Engine.Tests.Postbacks;

/// <summary>What the catalog takes as a postback, and what it refuses at which place.</summary>
public sealed class PostbackSectionTests
{
    private static CompileResult Compile(string postback, CompileOptions? options = null) =>
        CatalogCompiler.Compile(ConfigPatch.Set(Catalogs.Json(Catalogs.Basic), ["publishers", "search", "postback"], Catalogs.Json(postback)), 7, options ?? Catalogs.Options);

    [Theory]
    // postback | code | where, below the publisher's postback
    [InlineData("{}", "missing_key", ".url")]
    [InlineData("\"https://track.example.com/pb\"", "wrong_type", "")]
    [InlineData("{ \"url\": \"https://track.example.com/pb\", \"method\": \"POST\" }", "unknown_key", ".method")]
    [InlineData("{ \"url\": \"https://track.example.com/pb\", \"events\": [] }", "empty", ".events")]
    [InlineData("{ \"url\": \"https://track.example.com/pb\", \"events\": [\"sold\", \"won\"] }", "unknown_value", ".events[1]")]
    [InlineData("{ \"url\": \"https://track.example.com/pb\", \"events\": [\"sold\", \"sold\"] }", "repeated", ".events[1]")]
    [InlineData("{ \"url\": \"https://track.example.com/pb\", \"secret\": \"abc\" }", "secret_in_file", ".secret")]
    [InlineData("{ \"url\": \"https://track.example.com/pb\", \"secret\": { \"secret\": \"nobodys\" } }", "unknown_secret", ".secret.secret")]
    [InlineData("{ \"url\": \"\" }", "empty", ".url")]
    [InlineData("{ \"url\": \"track.example.com/pb\" }", "invalid_url", ".url")]
    [InlineData("{ \"url\": \"ftp://track.example.com/pb\" }", "invalid_url", ".url")]
    [InlineData("{ \"url\": \"https:///pb\" }", "invalid_url", ".url")]
    [InlineData("{ \"url\": \"https://me:word@track.example.com/pb\" }", "secret_in_file", ".url")]
    // A publisher's tags never choose whom we call.
    [InlineData("{ \"url\": \"{{ tags.url }}\" }", "invalid_url", ".url")]
    [InlineData("{ \"url\": \"https://{{ tags.host }}/pb\" }", "invalid_url", ".url")]
    [InlineData("{ \"url\": \"https://track.example.com{{ tags.rest }}\" }", "invalid_url", ".url")]
    [InlineData("{ \"url\": \"https://track.example.com/pb?x={{{\" }", "invalid_template", ".url")]
    [InlineData("{ \"url\": \"https://track.example.com/pb?x={{ tags }}\" }", "unknown_name", ".url")]
    [InlineData("{ \"url\": \"https://track.example.com/pb?x={{ payuot }}\" }", "unknown_name", ".url")]
    [InlineData("{ \"url\": \"https://track.example.com/pb?x={{ payout.usd }}\" }", "unknown_name", ".url")]
    [InlineData("{ \"url\": \"https://track.example.com/pb?x={{ sale.price }}\" }", "unknown_name", ".url")]
    [InlineData("{ \"url\": \"https://track.example.com/pb?x={{ lead.phone }}\" }", "field_not_here", ".url")]
    [InlineData("{ \"url\": \"https://track.example.com/pb?x={{ consent.ip }}\" }", "field_not_here", ".url")]
    [InlineData("{ \"url\": \"https://track.example.com/pb?x={{ status | map: 'words' }}\" }", "unknown_map", ".url")]
    public void Postback_ThatIsWrong_IsRefusedAtItsPlace(string postback, string code, string at)
    {
        var result = Compile(postback);
        result.Model.ShouldBeNull();
        result.Errors.Errors.Select(error => (error.Code, error.Pointer)).ShouldBe([(code, "publishers.search.postback" + at)]);
    }

    [Fact]
    public void Postback_ToAnAddressThatMayNotBeCalled_IsRefused()
    {
        var asked = new List<Uri>();
        var options = Catalogs.Options with
        {
            CheckUrl = url =>
            {
                asked.Add(url);
                return url.Host == "10.0.0.1" ? "Private." : null;
            },
        };
        Compile("""{ "url": "https://10.0.0.1/pb?l={{ lead_id }}" }""", options).Errors.Errors.Select(error => (error.Code, error.Pointer)).ShouldBe([("invalid_url", "publishers.search.postback.url")]);
        asked.ShouldContain(new Uri("https://10.0.0.1"));
    }

    [Theory]
    // postback | events | hears of tests
    [InlineData("{ \"url\": \"https://track.example.com/pb?l={{ lead_id }}&s={{ status }}&p={{ payout }}&d={{ change }}&c={{ currency }}&r={{ reason }}&u={{ sub_id }}&k={{ tags.click_id }}&i={{ postback_id }}\" }", "sold unsold returned", false)]
    [InlineData("{ \"url\": \"https://track.example.com?l={{ lead_id }}\", \"events\": [\"returned\", \"sold\"] }", "returned sold", false)]
    [InlineData("{ \"url\": \"https://track.example.com/pb?t={{ test }}\", \"events\": [\"sold\"] }", "sold", true)]
    [InlineData("{ \"url\": \"https://track.example.com/pb\", \"events\": [\"sold\"], \"secret\": { \"secret\": \"acme-key\" } }", "sold", true)]
    public void Postback_ThatIsRight_IsCompiled(string postback, string events, bool tests)
    {
        var result = Compile(postback);
        result.Errors.Errors.ShouldBeEmpty();
        var model = result.Model!.Publishers["search"].Postback!;
        string.Join(' ', model.Events.Select(happened => happened.Wire())).ShouldBe(events);
        foreach (var happened in PostbackEvents.All)
        {
            model.Wants(happened, test: false).ShouldBe(model.Events.Contains(happened));
            model.Wants(happened, test: true).ShouldBe(tests && model.Events.Contains(happened));
        }
        result.Model.Publishers["social"].Postback.ShouldBeNull();
    }
}
