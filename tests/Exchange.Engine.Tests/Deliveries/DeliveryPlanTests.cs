using Exchange.Engine.Catalog;
using Exchange.Engine.Deliveries;
using Exchange.Engine.Fields;
using Exchange.Engine.Filters;
using Exchange.Engine.Ledger;
using Exchange.Engine.Tests.Catalog;
using Shouldly;

namespace Exchange.Engine.Tests.Deliveries;

/// <summary>Rows of a delivery: name, then <c>now</c> (leased), <c>inbox</c> (pulled), <c>+60</c> (waits so many seconds), <c>?60</c> (for fields), <c>sale</c>.</summary>
public sealed class DeliveryPlanTests
{
    private const long Now = 1_790_000_000_000;
    private const string Older = """{ "field": "age", "at_least": 25 }""";
    private const string Notes = """{ "until": { "field": "notes", "exists": true }, "at_most": "60s", "then": "drop" }""";

    [Theory]
    // delivery | age | asks | rows
    [InlineData("""{ "to": ["hook"] }""", 30, "hook now")]
    [InlineData("""{ "to": ["inbox"] }""", 30, "inbox inbox")]
    [InlineData("""{ "send": "all", "to": ["hook", "inbox"] }""", 30, "hook now, inbox inbox")]
    [InlineData($$"""{ "to": [{ "endpoint": "hook", "when": {{Older}} }, "inbox"] }""", 30, "hook now")]
    [InlineData($$"""{ "to": [{ "endpoint": "hook", "when": {{Older}} }, "inbox"] }""", 20, "inbox inbox")]
    [InlineData($$"""{ "send": "all", "to": [{ "endpoint": "hook", "when": {{Older}} }, "crm"] }""", 20, "crm now")]
    [InlineData($$"""{ "send": "all", "to": [{ "endpoint": "hook", "when": {{Older}} }] }""", 20, "inbox inbox")] // wanted nowhere
    [InlineData("""{ "wait": { "for": "60s" }, "to": ["hook"] }""", 30, "* +60")]
    [InlineData($$"""{ "wait": {{Notes}}, "to": ["hook"] }""", 30, "* ?60")]
    [InlineData("""{ "send": "all", "to": ["hook", { "endpoint": "crm", "wait": { "for": "60s" } }] }""", 30, "hook now, crm +60")]
    [InlineData($$"""{ "send": "all", "to": ["inbox", { "endpoint": "crm", "when": {{Older}}, "wait": { "for": "60s" } }] }""", 20, "inbox inbox, crm +60")] // asked after its wait
    [InlineData($$"""{ "to": [{ "endpoint": "crm", "when": {{Older}}, "wait": { "for": "60s" } }, "inbox"] }""", 20, "inbox inbox")] // asked before its wait
    public void AtSale_SoldByUs_GoesThere(string delivery, int age, string rows) => Told(DeliveryPlan.AtSale(Model(delivery), asks: false, Lead(age), Now)).ShouldBe(rows);

    [Theory]
    [InlineData("""{ "sold": "on_accept", "to": ["crm"] }""", "crm now")]
    [InlineData("""{ "sold": "on_accept", "wait": { "for": "60s" }, "to": ["crm"] }""", "* +60")]
    [InlineData("""{ "sold": "on_accept", "to": [{ "endpoint": "crm", "wait": { "for": "60s" } }] }""", "crm +60")]
    [InlineData($$"""{ "sold": "on_accept", "send": "all", "to": ["crm", "inbox", { "endpoint": "hook", "when": {{Older}} }] }""", "crm now, inbox inbox, hook sale")]
    public void AtSale_TheBuyerAnswers_IsAskedFirst(string delivery, string rows) => Told(DeliveryPlan.AtSale(Model(delivery), asks: true, Lead(20), Now)).ShouldBe(rows);

    [Theory]
    // delivery | row that is due, what it waited for, seconds that are left of it | age | becomes
    [InlineData("""{ "wait": { "for": "60s" }, "to": ["hook"] }""", "*", DeliveryWait.Moment, 0, 20, "hook now")]
    [InlineData($$"""{ "wait": { "for": "60s" }, "to": [{ "endpoint": "hook", "when": {{Older}} }, "inbox"] }""", "*", DeliveryWait.Moment, 0, 20, "inbox inbox")]
    [InlineData("""{ "wait": { "for": "60s" }, "to": [{ "endpoint": "hook", "wait": { "for": "5s" } }] }""", "*", DeliveryWait.Moment, 0, 20, "hook +5")]
    [InlineData("""{ "to": ["hook"] }""", "*", DeliveryWait.Fields, 30, 20, "hook now")] // the campaign waits no more
    [InlineData($$"""{ "wait": {{Notes}}, "to": ["hook"] }""", "*", DeliveryWait.Fields, 30, 20, "* ?30")] // other fields came
    [InlineData($$"""{ "wait": {{Notes}}, "to": ["hook"] }""", "*", DeliveryWait.Fields, 0, 20, "wait_over")]
    [InlineData("""{ "wait": { "until": { "field": "notes", "exists": true }, "at_most": "60s" }, "to": ["hook"] }""", "*", DeliveryWait.Fields, 0, 20, "hook now")]
    [InlineData($$"""{ "send": "all", "to": ["inbox", { "endpoint": "hook", "when": {{Older}}, "wait": { "for": "60s" } }] }""", "hook", DeliveryWait.Moment, 0, 20, "condition")]
    [InlineData($$"""{ "send": "all", "to": ["inbox", { "endpoint": "hook", "when": {{Older}}, "wait": { "for": "60s" } }] }""", "hook", DeliveryWait.Moment, 0, 30, "hook now")]
    [InlineData($$"""{ "to": [{ "endpoint": "hook", "when": {{Older}}, "wait": { "for": "60s" } }, "inbox"] }""", "hook", DeliveryWait.Moment, 0, 20, "hook now")] // was chosen
    [InlineData("""{ "to": ["crm"] }""", "hook", DeliveryWait.Moment, 0, 20, "crm now")] // the campaign names another by now
    [InlineData("""{ "send": "all", "to": ["crm", { "endpoint": "hook", "wait": { "for": "60s" } }] }""", "hook", DeliveryWait.Sale, 0, 20, "hook +60")]
    public void Due_AfterItsWait_Becomes(string delivery, string endpoint, DeliveryWait wait, int left, int age, string becomes)
    {
        var turn = DeliveryPlan.Due(Model(delivery), new(endpoint, wait, Now + left * 1000, false), Lead(age), Now);
        (turn.Dropped ?? Told(turn.Become)).ShouldBe(becomes);
    }

    [Fact]
    public void Due_FieldsHaveCome_Goes() =>
        Told(DeliveryPlan.Due(Model($$"""{ "wait": {{Notes}}, "to": ["hook"] }"""), new("*", DeliveryWait.Fields, Now + 1, false), Lead(20, "here"), Now).Become).ShouldBe("hook now");

    /// <summary>Nobody could end such a hold otherwise: the inbox says neither yes nor no.</summary>
    [Theory]
    [InlineData("""{ "to": ["inbox"] }""")] // it has only an inbox by now
    [InlineData($$"""{ "send": "all", "to": [{ "endpoint": "hook", "when": {{Older}} }] }""")] // it wants the lead nowhere by now
    public void Due_HeldCopyThatGoesToTheInboxByNow_IsCalledAllTheSame(string delivery) =>
        Told(DeliveryPlan.Due(Model(delivery), new("*", DeliveryWait.Moment, Now, true), Lead(20), Now).Become).ShouldBe("inbox now");

    private static DeliveryModel Model(string delivery) => Catalogs.Model(Catalogs.With("campaigns acme-a delivery", delivery)).Campaigns["acme-a"].Delivery;

    private static Subject Lead(int age, string? notes = null)
    {
        var values = new FieldValue[8];
        values[2] = new("x", age);
        if (notes is not null) values[5] = new(notes, 0);
        return new() { Vertical = "auto", Publisher = "search", Values = values, Now = DateTimeOffset.FromUnixTimeMilliseconds(Now) };
    }

    private static string Told(NewDelivery[] rows) => string.Join(", ", rows.Select(row => row.Endpoint + " " + row.Wait switch
    {
        DeliveryWait.Moment => $"+{(row.DueAtMs - Now) / 1000}",
        DeliveryWait.Fields => $"?{(row.DueAtMs - Now) / 1000}",
        DeliveryWait.Sale => "sale",
        _ => row.IsLeased ? "now" : "inbox",
    }));
}
