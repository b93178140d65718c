using Exchange.Engine.Catalog;
using Shouldly;

namespace Exchange.Engine.Tests.Catalog;

/// <summary>
/// Everything that a plan refuses or warns of, as the catalog's description lists it: one wrong thing each, told exactly once, at its place, in a
/// sentence that names the way out.
/// </summary>
public sealed class WhatPlanTellsTests
{
    private const string Rest = "\"campaigns\": [\"acme-a\", \"acme-b\"]";

    [Theory]
    // where | what is written there | code | where it is told | what the sentence says to do
    // an unknown id, field, list, zone, endpoint, connector or secret
    [InlineData("campaigns acme-a buyer", "\"acmee\"", "unknown_id", "campaigns.acme-a.buyer", "did you mean `acme`?")]
    [InlineData("campaigns acme-a vertical", "\"autos\"", "unknown_id", "campaigns.acme-a.vertical", "did you mean `auto`?")]
    [InlineData("campaigns acme-a publishers", "{ \"except\": [\"serch\"] }", "unknown_id", "campaigns.acme-a.publishers.except[0]", "did you mean `search`?")]
    [InlineData("ping_trees auto-main tiers", "[{ \"name\": \"a\", \"method\": \"auction\", \"campaigns\": [\"acme-c\"] }]", "unknown_id", "ping_trees.auto-main.tiers[0].campaigns[0]", "did you mean `acme-a`?")]
    [InlineData("ping_trees auto-main unsold", "{ \"tree\": \"solar-man\" }", "unknown_id", "ping_trees.auto-main.unsold.tree", "did you mean `solar-main`?")]
    [InlineData("publishers search payout", "{ \"rules\": [{ \"when\": { \"field\": \"buyer\", \"is\": \"acne\" }, \"share\": \"90%\" }], \"otherwise\": { \"share\": \"80%\" } }", "unknown_id", "publishers.search.payout.rules[0].when.is", "add the buyer to the catalog")]
    [InlineData("campaigns acme-a filter", "{ \"field\": \"stat\", \"is\": \"CA\" }", "unknown_field", "campaigns.acme-a.filter.field", "did you mean `state`?")]
    [InlineData("campaigns acme-a filter", "{ \"any\": [{ \"field\": \"sub-id\", \"is\": \"x\" }] }", "unknown_field", "campaigns.acme-a.filter.any[0].field", "did you mean `sub_id`?")]
    [InlineData("campaigns acme-a bid", "{ \"rules\": [{ \"when\": { \"field\": \"covr\", \"is\": \"standard\" }, \"price\": \"5.00\" }] }", "unknown_field", "campaigns.acme-a.bid.rules[0].when.field", "did you mean `cover`?")]
    [InlineData("campaigns acme-a duplicate", "{ \"keys\": [\"phon\"] }", "unknown_field", "campaigns.acme-a.duplicate.keys[0]", "did you mean `phone`?")]
    [InlineData("ping_trees auto-main when", "{ \"field\": \"zipp\", \"is\": \"90210\" }", "unknown_field", "ping_trees.auto-main.when.field", "did you mean `zip`?")]
    [InlineData("campaigns acme-a filter", "{ \"field\": \"zip\", \"in\": { \"list\": \"zip\" } }", "unknown_list", "campaigns.acme-a.filter.in.list", "add it under lists")]
    [InlineData("verticals auto suppress", "[\"block\"]", "unknown_list", "verticals.auto.suppress[0]", "known are zips, blocked, holidays")]
    [InlineData("campaigns acme-a schedule", "{ \"closed\": { \"list\": \"holyday\" } }", "unknown_list", "campaigns.acme-a.schedule.closed.list", "add it under lists")]
    [InlineData("exchange time_zone", "\"America/New_Yrk\"", "unknown_zone", "exchange.time_zone", "did you mean `America/New_York`?")]
    [InlineData("campaigns acme-a schedule", "{ \"time_zone\": \"EST5\" }", "unknown_zone", "campaigns.acme-a.schedule.time_zone", "America/New_York")]
    [InlineData("campaigns acme-a caps", "[{ \"per\": \"day\", \"leads\": 5, \"time_zone\": \"Mars/Olympus\" }]", "unknown_zone", "campaigns.acme-a.caps[0].time_zone", "America/New_York")]
    [InlineData("campaigns acme-a delivery", "{ \"to\": [\"crn\"] }", "unknown_endpoint", "campaigns.acme-a.delivery.to[0]", "did you mean `crm`?")]
    [InlineData("buyers acme endpoints crm connector", "\"nativ\"", "unknown_value", "buyers.acme.endpoints.crm.connector", "did you mean `native`?")]
    [InlineData("buyers acme endpoints crm with secret", "{ \"secret\": \"acme-kee\" }", "unknown_secret", "buyers.acme.endpoints.crm.with.secret.secret", "/v1/admin/secrets/")]
    // an operator that does not suit the type
    [InlineData("campaigns acme-a filter", "{ \"field\": \"state\", \"at_least\": \"CA\" }", "wrong_operator", "campaigns.acme-a.filter.at_least", "it takes is, is_not, in, not_in")]
    [InlineData("campaigns acme-a filter", "{ \"field\": \"age\", \"starts_with\": \"2\" }", "wrong_operator", "campaigns.acme-a.filter.starts_with", "at_least")]
    // two trees for the same ping without traffic, or traffic not 100
    [InlineData("ping_trees auto-two", $"{{ \"vertical\": \"auto\", \"tiers\": [{{ \"name\": \"a\", \"method\": \"priority\", {Rest} }}] }}", "conflict", "ping_trees.auto-two.traffic", "give each its part as `traffic`")]
    [InlineData("ping_trees auto-two", $"{{ \"vertical\": \"auto\", \"traffic\": \"40%\", \"publishers\": [\"search\"], \"tiers\": [{{ \"name\": \"a\", \"method\": \"priority\", {Rest} }}] }}", "conflict", "ping_trees.auto-two.traffic", "adds up to 40% for pings of search; make it 100%")]
    // a tree that contains itself
    [InlineData("ping_trees auto-main tiers", "[{ \"name\": \"a\", \"method\": \"priority\", \"tree\": \"auto-main\" }]", "cycle", "ping_trees.auto-main.tiers[0].tree", "auto-main → auto-main. Take this tier out")]
    [InlineData("ping_trees auto-main unsold", "{ \"tree\": \"auto-main\" }", "cycle", "ping_trees.auto-main.unsold.tree", "Let the last tree have no `unsold`")]
    // an empty tier, weights all zero
    [InlineData("ping_trees auto-main tiers", "[{ \"name\": \"a\", \"method\": \"auction\", \"campaigns\": [] }]", "empty", "ping_trees.auto-main.tiers[0].campaigns", "needs at least one entry")]
    [InlineData("ping_trees auto-main tiers", "[{ \"name\": \"a\", \"method\": \"auction\", \"campaigns\": \"all\" }, { \"name\": \"b\", \"method\": \"priority\", \"campaigns\": \"all\" }]", "empty", "ping_trees.auto-main.tiers[1].campaigns", "take the tier out")]
    [InlineData("ping_trees auto-main tiers", "[{ \"name\": \"a\", \"method\": \"auction\" }]", "missing_key", "ping_trees.auto-main.tiers[0].campaigns", "or `tree` with the id")]
    [InlineData("ping_trees auto-main tiers", $"[{{ \"name\": \"a\", \"method\": \"weighted\", {Rest}, \"weights\": {{ \"acme-a\": 0, \"acme-b\": 0 }} }}]", "out_of_range", "ping_trees.auto-main.tiers[0].weights", "give at least one more")]
    [InlineData("ping_trees auto-main tiers", $"[{{ \"name\": \"a\", \"method\": \"percent\", {Rest}, \"weights\": {{ \"acme-a\": 0, \"acme-b\": 0 }} }}]", "out_of_range", "ping_trees.auto-main.tiers[0].weights", "give at least one more")]
    [InlineData("campaigns acme-a weight", "-1", "out_of_range", "campaigns.acme-a.weight", "between 0 and 1000000")]
    [InlineData("ping_trees auto-main tiers", $"[{{ \"name\": \"a\", \"method\": \"weighted\", {Rest}, \"weights\": {{ \"acme-a\": -0.5 }} }}]", "invalid_format", "ping_trees.auto-main.tiers[0].weights.acme-a", "whole number")]
    // leads: 0 alone
    [InlineData("campaigns acme-b caps", "[{ \"per\": \"day\", \"leads\": 0 }]", "out_of_range", "campaigns.acme-b.caps[0].leads", "`status: paused`")]
    [InlineData("campaigns acme-b caps", "[{ \"per\": \"day\", \"spend\": \"0.00\" }]", "out_of_range", "campaigns.acme-b.caps[0].spend", "`status: paused`")]
    [InlineData("ping_trees auto-main caps", "[{ \"per\": \"day\", \"leads\": 0 }]", "out_of_range", "ping_trees.auto-main.caps[0].leads", "`status: paused`")]
    [InlineData("campaigns acme-b caps", "[{ \"per\": \"day\", \"leads\": { \"mon-sun\": 0 } }]", "out_of_range", "campaigns.acme-b.caps[0].leads", "`status: paused`")]
    // a day map with a day missing
    [InlineData("campaigns acme-b caps", "[{ \"per\": \"day\", \"leads\": { \"mon-fri\": 40, \"sat\": 15 } }]", "missing_key", "campaigns.acme-b.caps[0].leads.sun", "0 = none on that day")]
    [InlineData("buyers acme caps", "[{ \"per\": \"day\", \"spend\": { \"mon-fri\": \"40.00\", \"fri\": \"15.00\", \"sat-sun\": \"0.00\" } }]", "overlap", "buyers.acme.caps[0].spend.fri", "name each day once")]
    [InlineData("campaigns acme-b caps", "[{ \"per\": \"week\", \"leads\": { \"mon-sun\": 4 } }]", "conflict", "campaigns.acme-b.caps[0].leads", "write one number")]
    // caps that mean nothing
    [InlineData("campaigns acme-b caps", "[{ \"per\": \"minute\", \"leads\": 4 }]", "conflict", "campaigns.acme-b.caps[0].per", "use hour, day, week, month or total")]
    [InlineData("campaigns acme-b caps", "[{ \"per\": \"day\", \"leads\": 4, \"each\": \"zap\" }]", "unknown_field", "campaigns.acme-b.caps[0].each", "")]
    [InlineData("campaigns acme-b caps", "[{ \"per\": \"day\", \"leads\": 4, \"each\": \"phone\" }]", "field_not_here", "campaigns.acme-b.caps[0].each", "")]
    // overlapping hours
    [InlineData("campaigns acme-a schedule", "{ \"open\": { \"mon\": [\"08:00-12:00\", \"11:00-14:00\"] } }", "overlap", "campaigns.acme-a.schedule.open.mon", "write each hour once")]
    [InlineData("campaigns acme-a schedule", "{ \"open\": { \"mon-fri\": \"08:00-12:00\", \"wed\": \"11:59-14:00\" } }", "overlap", "campaigns.acme-a.schedule.open.wed", "wed; write each hour once")]
    [InlineData("campaigns acme-a schedule", "{ \"open\": { \"mon\": \"22:00-02:00\" } }", "invalid_format", "campaigns.acme-a.schedule.open.mon", "belong to the next day")]
    // a publisher without payout, own or of its vertical
    [InlineData("publishers search payout", "-", "missing_key", "publishers.search.payout", "as { share: 80% }")]
    // consent: named with a buyer without seller
    [InlineData("campaigns zenith-sun consent", "\"named\"", "missing_key", "buyers.zenith.seller", "as { name: … }")]
    // offers: all with second price
    [InlineData("ping_trees auto-main offers", "\"all\"", "conflict", "ping_trees.auto-main.tiers[0].pricing", "needs first price")]
    // a pii field that may be pinged
    [InlineData("verticals auto fields phone ping", "\"optional\"", "pii_in_ping", "verticals.auto.fields.phone.ping", "write `ping: hashed`")]
    [InlineData("verticals solar fields roof", "{ \"type\": \"text\", \"pii\": true, \"ping\": \"required\" }", "pii_in_ping", "verticals.solar.fields.roof.ping", "take `ping` out")]
    // more than 6 decimals
    [InlineData("campaigns acme-a bid", "\"12.5000001\"", "invalid_format", "campaigns.acme-a.bid", "at most 6 decimals")]
    [InlineData("ping_trees auto-main tiers", $"[{{ \"name\": \"a\", \"method\": \"auction\", {Rest}, \"floor\": {{ \"rules\": [{{ \"when\": {{ \"field\": \"sharing\", \"is\": \"shared\" }}, \"price\": \"1.1234567\" }}] }} }}]", "invalid_format", "ping_trees.auto-main.tiers[0].floor.rules[0].price", "at most 6 decimals")]
    [InlineData("ping_trees auto-main tiers", $"[{{ \"name\": \"a\", \"method\": \"auction\", \"pricing\": \"second_price\", \"floor\": \"1.00\", \"increment\": \"0.0000001\", {Rest} }}]", "invalid_format", "ping_trees.auto-main.tiers[0].increment", "at most 6 decimals")]
    [InlineData("publishers search payout", "{ \"margin\": \"1.0000001\" }", "invalid_format", "publishers.search.payout.margin", "at most 6 decimals")]
    [InlineData("buyers acme credit_limit", "\"5.0000001\"", "invalid_format", "buyers.acme.credit_limit", "at most 6 decimals")]
    [InlineData("campaigns acme-a handicap", "\"5.00001%\"", "invalid_format", "campaigns.acme-a.handicap", "at most 4 decimals")]
    // keys: unknown ones, and those that this build does not keep
    [InlineData("campaigns acme-a wieght", "5", "unknown_key", "campaigns.acme-a.wieght", "did you mean `weight`?")]
    [InlineData("ping_trees auto-main wait", "{ \"until\": \"office\" }", "conflict", "ping_trees.auto-main.wait.until", "into the campaign's `delivery`")]
    [InlineData("campaigns acme-a delivery", "{ \"to\": [{ \"endpoint\": \"crm\", \"when\": { \"field\": \"age\", \"exists\": true } }] }", "missing_key", "campaigns.acme-a.delivery.to", "end the list with an endpoint without `when`")]
    [InlineData("campaigns acme-a bid", "{ \"live\": \"inbox\" }", "conflict", "campaigns.acme-a.bid.live", "Name one that has")]
    public void OneWrongThing_IsRefusedOnce_WithItsPlaceAndTheWayOut(string keys, string json, string code, string path, string fix)
    {
        var result = Catalogs.Compile(Catalogs.With(keys, json));
        result.Model.ShouldBeNull();
        var error = result.Errors.Errors.ShouldHaveSingleItem();
        (error.Code, error.Pointer).ShouldBe((code, path));
        error.Message.ShouldContain(fix);
    }

    [Theory]
    // a campaign in no tree
    [InlineData("campaigns acme-c", "{ \"buyer\": \"acme\", \"vertical\": \"solar\", \"bid\": \"1.00\" }", "never_used", "campaigns.acme-c", "in no ping tree")]
    // second price without floor
    [InlineData("ping_trees auto-main tiers", $"[{{ \"name\": \"a\", \"method\": \"auction\", \"pricing\": \"second_price\", {Rest} }}]", "no_floor", "ping_trees.auto-main.tiers[0].floor", "a lone bid pays itself")]
    // a buyer without funds or credit
    [InlineData("buyers zenith credit_limit", "-", "no_credit", "buyers.zenith.credit_limit", "before money is paid in")]
    // a cap or schedule that can never be used
    [InlineData("campaigns acme-a caps", "[{ \"per\": \"day\", \"leads\": 20 }, { \"per\": \"month\", \"leads\": 20 }]", "never_used", "campaigns.acme-a.caps[0]", "never reached")]
    [InlineData("ping_trees auto-main caps", "[{ \"per\": \"day\", \"leads\": 20 }, { \"per\": \"month\", \"leads\": 20 }]", "never_used", "ping_trees.auto-main.caps[0]", "never reached")]
    [InlineData("campaigns acme-a schedule", "{ \"until\": \"2026-11-22\" }", "never_used", "campaigns.acme-a.schedule.until", "never opens again")]
    [InlineData("campaigns acme-a", "{ \"buyer\": \"acme\", \"vertical\": \"auto\", \"bid\": \"12.50\", \"filter\": { \"field\": \"state\", \"in\": [\"CA\", \"OR\"] }, \"caps\": [{ \"per\": \"day\", \"leads\": 9, \"when\": { \"field\": \"state\", \"is\": \"NY\" } }] }", "never_used", "campaigns.acme-a.caps[0].when", "lets nothing through that this cap counts")]
    // a price below its floor
    [InlineData("campaigns acme-a bid", "\"4.00\"", "below_floor", "campaigns.acme-a.bid", "ping_trees.auto-main.tiers[0]")]
    // a weight in a tier that does not use weights
    [InlineData("campaigns zenith-sun weight", "3", "never_used", "campaigns.zenith-sun.weight", "No tier that asks this campaign uses weights")]
    [InlineData("ping_trees solar-main tiers", "[{ \"name\": \"a\", \"method\": \"round_robin\", \"campaigns\": \"all\", \"weights\": { \"zenith-sun\": 2 } }]", "never_used", "ping_trees.solar-main.tiers[0].weights", "does not use weights")]
    [InlineData("ping_trees solar-main tiers", "[{ \"name\": \"a\", \"method\": \"even\", \"campaigns\": \"all\", \"weights\": { \"zenith-sun\": 2 } }]", "never_used", "ping_trees.solar-main.tiers[0].weights", "`percent` goes by weights")]
    // what says nothing where a tier asks a tree
    [InlineData("ping_trees auto-front", "{ \"vertical\": \"auto\", \"tiers\": [{ \"name\": \"a\", \"method\": \"auction\", \"tree\": \"auto-main\" }] }", "never_used", "ping_trees.auto-front.tiers[0].method", "`priority` says so plainly")]
    public void OneDoubtfulThing_IsWarnedOfOnce_AndCompiles(string keys, string json, string code, string path, string told)
    {
        var result = Catalogs.Compile(Catalogs.With(keys, json));
        result.Errors.Errors.ShouldBeEmpty();
        var warning = result.Errors.Warnings.ShouldHaveSingleItem();
        (warning.Code, warning.Pointer).ShouldBe((code, path));
        warning.Message.ShouldContain(told);
    }
}
