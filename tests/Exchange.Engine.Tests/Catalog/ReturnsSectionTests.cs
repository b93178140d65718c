using Exchange.Engine.Catalog;
using Exchange.Engine.Returns;
using Exchange.Engine.Values;
using Shouldly;

namespace Exchange.Engine.Tests.Catalog;

/// <summary>Terms of returns as written become terms of campaigns.</summary>
public sealed class ReturnsSectionTests
{
    private static CatalogModel Compile(params (string Path, string Value)[] changes)
    {
        var root = Catalogs.Json(Catalogs.Basic);
        foreach (var (path, value) in changes) root = ConfigPatch.Set(root, path.Split(' '), Catalogs.Json(value));
        var result = CatalogCompiler.Compile(root, 1, Catalogs.Options);
        return result.Model ?? throw new InvalidOperationException(string.Join("; ", result.Errors.Errors));
    }

    [Theory]
    [InlineData("{ \"within\": \"10d\" }", 10, "00:00:00")]
    [InlineData("{ \"within\": \"12h\" }", 0, "12:00:00")]
    [InlineData("{ \"within\": \"24h\" }", 0, "1.00:00:00")] // time, not a calendar day
    public void Within_InDaysIsTheCalendars_ElseTime(string returns, int days, string span)
    {
        var terms = Compile(("buyers acme returns", returns)).Campaigns["acme-a"].Returns.ShouldNotBeNull();
        (terms.Days, terms.Span, terms.Owner, terms.Review, terms.AtMost).ShouldBe((days, TimeSpan.Parse(span, null), "acme", false, null));
        terms.Allows("anything").ShouldBeTrue();
    }

    [Fact]
    public void Terms_AreTheCampaignsOwn_ElseItsBuyers_ElseNone()
    {
        var model = Compile(
            ("buyers acme returns", """{ "within": "10d", "reasons": ["invalid_phone", "renter"], "at_most": "12%" }"""),
            ("campaigns acme-a returns", """{ "within": "3d", "review": true }"""));
        model.Campaigns["acme-a"].Returns!.ShouldSatisfyAllConditions(terms => terms.Days.ShouldBe(3), terms => terms.Owner.ShouldBe("acme-a"), terms => terms.Review.ShouldBeTrue());
        var buyers = model.Campaigns["acme-b"].Returns!;
        (buyers.Days, buyers.AtMost, buyers.Allows("renter"), buyers.Allows("changed_mind")).ShouldBe((10, new Percent(120_000), true, false));
        model.Campaigns["zenith-sun"].Returns.ShouldBeNull();
        ReturnRules.TermsOf(model, "acme-b").ShouldBe(buyers);
        ReturnRules.TermsOf(model, "zenith-sun").ShouldBeNull();
        ReturnRules.TermsOf(model, "gone").ShouldBeNull();
    }

    [Fact]
    public void None_TakesACampaignOutOfItsBuyersTerms()
    {
        var model = Compile(("buyers acme returns", """{ "within": "10d" }"""), ("campaigns acme-a returns", "\"none\""));
        ReturnRules.TermsOf(model, "acme-a").ShouldBeNull();
        ReturnRules.TermsOf(model, "acme-b").ShouldNotBeNull();
    }

    [Theory]
    [InlineData("{ \"share\": \"80%\" }", false)]
    [InlineData("{ \"share\": \"80%\", \"on_return\": \"reverse\" }", false)]
    [InlineData("{ \"share\": \"80%\", \"on_return\": \"keep\" }", true)]
    [InlineData("{ \"rules\": [{ \"when\": { \"field\": \"sharing\", \"is\": \"exclusive\" }, \"share\": \"82%\" }], \"otherwise\": { \"share\": \"75%\" }, \"on_return\": \"keep\" }", true)]
    public void OnReturn_IsReverseUnlessItSaysKeep(string payout, bool kept) =>
        Compile(("publishers search payout", payout)).Publishers["search"].Verticals["auto"].Payout.KeptOnReturn.ShouldBe(kept);

    [Fact]
    public void CapThatCountsWhatWasKept_IsAnotherCapAndAnotherGate_OfTheSameName()
    {
        var plain = Compile(("campaigns acme-b caps", """[{ "per": "day", "leads": 5, "each": "zip" }]""")).Campaigns["acme-b"];
        var kept = Compile(("campaigns acme-b caps", """[{ "per": "day", "leads": 5, "each": "zip", "count": "kept" }]""")).Campaigns["acme-b"];
        (kept.Caps[0].Id, kept.Caps[0].Name, kept.Caps[0].CountsKept).ShouldBe((plain.Caps[0].Id + ":count:kept", "day.leads.by.zip", true));
        kept.Gate.Id.ShouldNotBe(plain.Gate.Id);
        var key = kept.Caps[0].KeyAt(1_795_348_800, out var window, "85=0:4");
        (kept.Caps[0].ReadKey(key, out var value), value).ShouldBe((window.Start, "85=0:4"));
    }
}
