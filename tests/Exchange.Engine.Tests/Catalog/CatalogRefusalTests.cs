using Exchange.Engine.Catalog;
using Shouldly;

namespace Exchange.Engine.Tests.Catalog;

/// <summary>One wrong thing at a time, each with its code and its path.</summary>
public sealed class CatalogRefusalTests
{
    [Fact]
    public void Basic_AsItIs_HasNoErrorsAndNoWarnings()
    {
        var result = Catalogs.Compile(Catalogs.Json(Catalogs.Basic));
        result.Errors.Errors.ShouldBeEmpty();
        result.Errors.Warnings.ShouldBeEmpty();
    }

    [Theory]
    // keys | value | code | path of the error
    [InlineData("exchange", "-", "missing_key", "exchange")]
    [InlineData("exchange currency", "-", "missing_key", "exchange.currency")]
    [InlineData("exchange currency", "\"usd\"", "invalid_format", "exchange.currency")]
    [InlineData("exchange time_zone", "\"America/New_Yrk\"", "unknown_zone", "exchange.time_zone")]
    [InlineData("exchange time_zone", "\"EST\"", "unknown_zone", "exchange.time_zone")]
    [InlineData("exchange price_step", "\"0.00\"", "out_of_range", "exchange.price_step")]
    [InlineData("exchange prcie_step", "\"0.01\"", "unknown_key", "exchange.prcie_step")]
    [InlineData("campagnes", "{}", "unknown_key", "campagnes")]
    [InlineData("version", "\"four\"", "invalid_format", "version")]
    [InlineData("campaigns acme-a", "\"\"", "wrong_type", "campaigns.acme-a")]
    // lists
    [InlineData("lists zips values", "[\"123\"]", "invalid_format", "lists.zips.values[0]")]
    [InlineData("lists Zips", "{ \"type\": \"us_zip\", \"values\": [] }", "invalid_format", "lists.Zips")]
    // fields and verticals
    [InlineData("verticals auto fields", "-", "missing_key", "verticals.auto.fields")]
    [InlineData("verticals solar fields price", "{ \"type\": \"decimal\", \"ping\": \"optional\" }", "reserved_name", "verticals.solar.fields.price")]
    [InlineData("verticals solar fields test", "{ \"type\": \"boolean\" }", "reserved_name", "verticals.solar.fields.test")]
    [InlineData("verticals solar fields Roof", "{ \"type\": \"text\" }", "invalid_format", "verticals.solar.fields.Roof")]
    [InlineData("verticals solar fields roof type", "\"string\"", "unknown_value", "verticals.solar.fields.roof.type")]
    [InlineData("verticals solar fields roof values", "[\"a\"]", "misplaced_key", "verticals.solar.fields.roof.values")]
    [InlineData("verticals solar fields roof pattern", "\"(a)\\\\1\"", "invalid_format", "verticals.solar.fields.roof.pattern")]
    [InlineData("verticals solar fields roof max_length", "0", "out_of_range", "verticals.solar.fields.roof.max_length")]
    [InlineData("verticals auto fields cover values", "-", "missing_key", "verticals.auto.fields.cover.values")]
    [InlineData("verticals auto fields cover values", "[\"minimum\", \"Minimum\", \"standard\"]", "repeated", "verticals.auto.fields.cover.values[1]")]
    [InlineData("verticals auto fields age max", "10", "out_of_range", "verticals.auto.fields.age.max")]
    [InlineData("verticals auto fields start min", "\"tomorrow\"", "invalid_format", "verticals.auto.fields.start.min")]
    [InlineData("verticals auto fields age ping", "\"hashed\"", "wrong_type", "verticals.auto.fields.age.ping")]
    [InlineData("verticals auto fields notes ping", "\"hashed\"", "wrong_type", "verticals.auto.fields.notes.ping")]
    [InlineData("verticals auto fields phone ping", "\"hash\"", "unknown_value", "verticals.auto.fields.phone.ping")]
    [InlineData("verticals auto fields phone ping", "\"optional\"", "pii_in_ping", "verticals.auto.fields.phone.ping")]
    [InlineData("verticals auto fields phone region", "\"usa\"", "invalid_format", "verticals.auto.fields.phone.region")]
    [InlineData("verticals auto fields phone pii", "\"yes\"", "invalid_format", "verticals.auto.fields.phone.pii")]
    [InlineData("verticals auto ping_ttl", "\"5 minutes\"", "invalid_format", "verticals.auto.ping_ttl")]
    [InlineData("verticals auto ping_ttl", "\"0s\"", "out_of_range", "verticals.auto.ping_ttl")]
    [InlineData("verticals auto ping_ttl", "\"25h\"", "out_of_range", "verticals.auto.ping_ttl")]
    [InlineData("verticals auto ping_deadline", "\"61s\"", "out_of_range", "verticals.auto.ping_deadline")]
    [InlineData("verticals auto post_deadline", "\"2m\"", "out_of_range", "verticals.auto.post_deadline")]
    [InlineData("verticals auto post_changes", "\"allow\"", "unknown_value", "verticals.auto.post_changes")]
    [InlineData("verticals auto duplicate keys", "[\"phone\", \"mail\"]", "unknown_field", "verticals.auto.duplicate.keys[1]")]
    [InlineData("verticals solar duplicate", "{ \"window\": \"30d\" }", "missing_key", "verticals.solar.duplicate.keys")]
    [InlineData("verticals auto duplicate among", "\"everyone\"", "unknown_value", "verticals.auto.duplicate.among")]
    [InlineData("verticals auto suppress", "[\"block\"]", "unknown_list", "verticals.auto.suppress[0]")]
    [InlineData("verticals auto suppress", "[\"zips\"]", "wrong_type", "verticals.auto.suppress[0]")]
    // publishers
    [InlineData("publishers search verticals", "[\"auto\", \"home\"]", "unknown_id", "publishers.search.verticals[1]")]
    [InlineData("publishers search verticals", "\"auto\"", "wrong_type", "publishers.search.verticals")]
    [InlineData("publishers search verticals", "[]", "empty", "publishers.search.verticals")]
    [InlineData("publishers search verticals", "[\"auto\", \"auto\"]", "repeated", "publishers.search.verticals[1]")]
    [InlineData("publishers search payout", "-", "missing_key", "publishers.search.payout")]
    [InlineData("publishers search payout", "{ \"share\": \"80\" }", "invalid_format", "publishers.search.payout.share")]
    [InlineData("publishers search payout", "{ \"share\": \"120%\" }", "out_of_range", "publishers.search.payout.share")]
    [InlineData("publishers search payout", "{ \"share\": \"80%\", \"fixed\": \"1.00\" }", "conflict", "publishers.search.payout.fixed")]
    [InlineData("publishers search payout", "{ \"share\": \"80%\", \"on_return\": \"halve\" }", "unknown_value", "publishers.search.payout.on_return")]
    [InlineData("publishers search payout", "{ \"rules\": [{ \"when\": { \"field\": \"sharing\", \"is\": \"exclusive\" }, \"share\": \"82%\" }] }", "missing_key", "publishers.search.payout.otherwise")]
    [InlineData("publishers search filter", "{ \"field\": \"phone\", \"exists\": true }", "field_not_here", "publishers.search.filter.field")]
    [InlineData("buyers acme status", "\"test\"", "unknown_value", "buyers.acme.status")]
    [InlineData("ping_trees auto-main status", "\"test\"", "unknown_value", "ping_trees.auto-main.status")]
    [InlineData("publishers search status", "\"off\"", "unknown_value", "publishers.search.status")]
    [InlineData("publishers search intake", "{ \"word\": \"x\" }", "unknown_key", "publishers.search.intake.word")]
    [InlineData("publishers search intake", "{ \"verticals\": { \"7\": \"boats\" } }", "unknown_id", "publishers.search.intake.verticals.7")]
    [InlineData("publishers search intake", "{ \"verticals\": { \"19\": \"solar\" } }", "unknown_id", "publishers.search.intake.verticals.19")]
    [InlineData("publishers search intake", "{ \"fields\": { \"Zip\": \"zipp\" } }", "unknown_field", "publishers.search.intake.fields.Zip")]
    [InlineData("publishers search intake", "{ \"fields\": { \"Zip\": \"roof\" } }", "unknown_field", "publishers.search.intake.fields.Zip")]
    [InlineData("publishers search intake", "{ \"fields\": { \"\": \"zip\" } }", "invalid_format", "publishers.search.intake.fields.")]
    [InlineData("publishers search intake", "{ \"fields\": [\"zip\"] }", "wrong_type", "publishers.search.intake.fields")]
    [InlineData("publishers search intake", "{ \"values\": { \"Cover\": { \"1\": \"minimum\" } } }", "unknown_field", "publishers.search.intake.values.Cover")]
    [InlineData("publishers search intake", "{ \"values\": { \"cover\": { \"1\": \"full\" } } }", "invalid_format", "publishers.search.intake.values.cover.1")]
    [InlineData("publishers search intake", "{ \"values\": { \"cover\": { \"min\": \"minimum\", \"MIN \": \"standard\" } } }", "repeated", "publishers.search.intake.values.cover")]
    [InlineData("publishers search intake", "{ \"unknown_fields\": \"drop\" }", "unknown_value", "publishers.search.intake.unknown_fields")]
    [InlineData("publishers search postback", "{}", "missing_key", "publishers.search.postback.url")]
    [InlineData("publishers search ips", "[]", "empty", "publishers.search.ips")]
    [InlineData("publishers search ips", "\"192.0.2.0/24\"", "wrong_type", "publishers.search.ips")]
    [InlineData("publishers search ips", "[\"192.0.2.0/24\", \"office\"]", "invalid_format", "publishers.search.ips[1]")]
    [InlineData("publishers search ips", "[\"192.0.2.0/33\"]", "invalid_format", "publishers.search.ips[0]")]
    [InlineData("publishers search ips", "[\"192.0.2.7/24\"]", "invalid_format", "publishers.search.ips[0]")]
    [InlineData("publishers search ips", "[\"\"]", "empty", "publishers.search.ips[0]")]
    [InlineData("publishers search ips", "[\"192.0.2.0/24\", \"::ffff:192.0.2.0/120\"]", "repeated", "publishers.search.ips[1]")]
    // caps
    [InlineData("publishers search caps", "[{ \"per\": \"minute\", \"leads\": 600 }]", "conflict", "publishers.search.caps[0].per")]
    [InlineData("publishers search caps", "[{ \"per\": \"day\", \"offers\": 600 }]", "misplaced_key", "publishers.search.caps[0].offers")]
    [InlineData("publishers search caps", "[{ \"per\": \"day\", \"leads\": 9, \"each\": \"publisher\" }]", "conflict", "publishers.search.caps[0].each")]
    [InlineData("publishers search caps", "[{ \"per\": \"day\", \"leads\": 9, \"pace\": \"even\" }]", "conflict", "publishers.search.caps[0].pace")]
    [InlineData("campaigns acme-b caps", "[{ \"per\": \"fortnight\", \"leads\": 5 }]", "unknown_value", "campaigns.acme-b.caps[0].per")]
    [InlineData("campaigns acme-b caps", "[{ \"per\": \"day\" }]", "missing_key", "campaigns.acme-b.caps[0].leads")]
    [InlineData("campaigns acme-b caps", "[{ \"leads\": 5 }]", "missing_key", "campaigns.acme-b.caps[0].per")]
    [InlineData("campaigns acme-b caps", "[{ \"per\": \"day\", \"leads\": 0 }]", "out_of_range", "campaigns.acme-b.caps[0].leads")]
    [InlineData("campaigns acme-b caps", "[{ \"per\": \"day\", \"leads\": -3 }]", "out_of_range", "campaigns.acme-b.caps[0].leads")]
    [InlineData("campaigns acme-b caps", "[{ \"per\": \"day\", \"leads\": 1.5 }]", "invalid_format", "campaigns.acme-b.caps[0].leads")]
    [InlineData("campaigns acme-b caps", "[{ \"per\": \"day\", \"leads\": 5, \"spend\": \"5.00\" }]", "conflict", "campaigns.acme-b.caps[0].spend")]
    [InlineData("campaigns acme-b caps", "[{ \"per\": \"day\", \"spend\": \"0.00\" }]", "out_of_range", "campaigns.acme-b.caps[0].spend")]
    [InlineData("campaigns acme-b caps", "[{ \"per\": \"day\", \"pings\": 5, \"offers\": 5 }]", "conflict", "campaigns.acme-b.caps[0].offers")]
    [InlineData("campaigns acme-b caps", "[{ \"per\": \"day\", \"pings\": 0 }]", "out_of_range", "campaigns.acme-b.caps[0].pings")]
    [InlineData("campaigns acme-b caps", "[{ \"per\": \"day\", \"leads\": { \"mon-sat\": 5 } }]", "missing_key", "campaigns.acme-b.caps[0].leads.sun")]
    [InlineData("campaigns acme-b caps", "[{ \"per\": \"day\", \"leads\": { \"mon-sun\": 5, \"sat\": 1 } }]", "overlap", "campaigns.acme-b.caps[0].leads.sat")]
    [InlineData("campaigns acme-b caps", "[{ \"per\": \"day\", \"leads\": { \"mon-sun\": 0 } }]", "out_of_range", "campaigns.acme-b.caps[0].leads")]
    [InlineData("campaigns acme-b caps", "[{ \"per\": \"day\", \"leads\": { \"mon-fri\": 5, \"weekend\": 1 } }]", "invalid_format", "campaigns.acme-b.caps[0].leads.weekend")]
    [InlineData("campaigns acme-b caps", "[{ \"per\": \"day\", \"spend\": { \"mon-sat\": \"5.00\", \"sun\": \"1.0000001\" } }]", "invalid_format", "campaigns.acme-b.caps[0].spend.sun")]
    [InlineData("campaigns acme-b caps", "[{ \"per\": \"week\", \"leads\": { \"mon-sun\": 5 } }]", "conflict", "campaigns.acme-b.caps[0].leads")]
    [InlineData("campaigns acme-b caps", "[{ \"per\": \"day\", \"leads\": 5, \"each\": \"phone\" }]", "field_not_here", "campaigns.acme-b.caps[0].each")]
    [InlineData("campaigns acme-b caps", "[{ \"per\": \"day\", \"leads\": 5, \"each\": \"notes\" }]", "field_not_here", "campaigns.acme-b.caps[0].each")]
    [InlineData("campaigns acme-b caps", "[{ \"per\": \"day\", \"leads\": 5, \"each\": \"sate\" }]", "unknown_field", "campaigns.acme-b.caps[0].each")]
    [InlineData("campaigns acme-b caps", "[{ \"per\": \"day\", \"leads\": 5, \"each\": \"channel\" }]", "unknown_field", "campaigns.acme-b.caps[0].each")]
    [InlineData("campaigns acme-b caps", "[{ \"per\": \"day\", \"leads\": 5, \"when\": { \"field\": \"stat\", \"is\": \"CA\" } }]", "unknown_field", "campaigns.acme-b.caps[0].when.field")]
    [InlineData("campaigns acme-b caps", "[{ \"per\": \"day\", \"leads\": 5, \"when\": { \"field\": \"notes\", \"is\": \"x\" } }]", "field_not_here", "campaigns.acme-b.caps[0].when.field")]
    [InlineData("campaigns acme-b caps", "[{ \"per\": \"day\", \"leads\": 5, \"pace\": \"fast\" }]", "unknown_value", "campaigns.acme-b.caps[0].pace")]
    [InlineData("campaigns acme-b caps", "[{ \"per\": \"total\", \"leads\": 5, \"pace\": \"even\" }]", "conflict", "campaigns.acme-b.caps[0].pace")]
    [InlineData("campaigns acme-b caps", "[{ \"per\": \"day\", \"offers\": 5, \"pace\": \"even\" }]", "conflict", "campaigns.acme-b.caps[0].pace")]
    [InlineData("campaigns acme-b caps", "[{ \"per\": \"day\", \"leads\": 5, \"pace\": \"even\", \"soft\": true }]", "conflict", "campaigns.acme-b.caps[0].pace")]
    [InlineData("campaigns acme-b caps", "[{ \"per\": \"day\", \"leads\": 5, \"warn_at\": \"101%\" }]", "out_of_range", "campaigns.acme-b.caps[0].warn_at")]
    [InlineData("campaigns acme-b caps", "[{ \"per\": \"day\", \"leads\": 5, \"warn_at\": 90 }]", "invalid_format", "campaigns.acme-b.caps[0].warn_at")]
    [InlineData("campaigns acme-b caps", "[{ \"per\": \"day\", \"leads\": 5, \"soft\": \"yes\" }]", "invalid_format", "campaigns.acme-b.caps[0].soft")]
    [InlineData("campaigns acme-b caps", "[{ \"per\": \"day\", \"leads\": 5, \"count\": \"all\" }]", "unknown_value", "campaigns.acme-b.caps[0].count")]
    [InlineData("campaigns acme-b caps", "[{ \"per\": \"day\", \"pings\": 5, \"count\": \"kept\" }]", "misplaced_key", "campaigns.acme-b.caps[0].count")]
    [InlineData("campaigns acme-b caps", "[{ \"per\": \"day\", \"leads\": 5, \"count\": \"kept\" }, { \"per\": \"day\", \"leads\": 9 }]", "repeated", "campaigns.acme-b.caps[1]")]
    [InlineData("campaigns acme-b caps", "[{ \"per\": \"day\", \"leads\": 5, \"each\": \"zip\" }, { \"per\": \"day\", \"leads\": 6, \"each\": \"zip\" }]", "repeated", "campaigns.acme-b.caps[1]")]
    [InlineData("buyers acme caps", "[{ \"per\": \"day\", \"leads\": 5, \"each\": \"roof\" }]", "unknown_field", "buyers.acme.caps[0].each")]
    [InlineData("buyers acme caps", "[{ \"per\": \"day\", \"leads\": 5, \"when\": { \"field\": \"roof\", \"is\": \"x\" } }]", "unknown_field", "buyers.acme.caps[0].when.field")]
    [InlineData("campaigns acme-b caps", "[{ \"per\": \"day\", \"leads\": 5 }, { \"per\": \"day\", \"leads\": 6 }]", "repeated", "campaigns.acme-b.caps[1]")]
    [InlineData("campaigns acme-b caps", "{ \"per\": \"day\", \"leads\": 5 }", "wrong_type", "campaigns.acme-b.caps")]
    [InlineData("campaigns acme-b caps", "[{ \"per\": \"day\", \"leads\": 5, \"time_zone\": \"Mars/Olympus\" }]", "unknown_zone", "campaigns.acme-b.caps[0].time_zone")]
    // buyers and endpoints
    [InlineData("buyers acme credit_limit", "\"-5.00\"", "out_of_range", "buyers.acme.credit_limit")]
    [InlineData("buyers acme credit_limit", "\"5.0000001\"", "invalid_format", "buyers.acme.credit_limit")]
    [InlineData("buyers acme seller", "{ \"url\": \"https://acme.example\" }", "missing_key", "buyers.acme.seller.name")]
    [InlineData("buyers acme office", "\"always\"", "wrong_type", "buyers.acme.office")]
    [InlineData("buyers acme office", "{ \"open\": { \"mon\": \"17:00-09:00\" } }", "invalid_format", "buyers.acme.office.open.mon")]
    [InlineData("buyers acme office", "{ \"time_zone\": \"Mars/Olympus\" }", "unknown_zone", "buyers.acme.office.time_zone")]
    [InlineData("buyers acme returns", "{}", "missing_key", "buyers.acme.returns.within")]
    [InlineData("buyers acme returns", "\"none\"", "wrong_type", "buyers.acme.returns")]
    [InlineData("buyers acme returns", "{ \"within\": \"10\" }", "invalid_format", "buyers.acme.returns.within")]
    [InlineData("buyers acme returns", "{ \"within\": \"367d\" }", "out_of_range", "buyers.acme.returns.within")]
    [InlineData("buyers acme returns", "{ \"within\": \"10d\", \"reasons\": [] }", "empty", "buyers.acme.returns.reasons")]
    [InlineData("buyers acme returns", "{ \"within\": \"10d\", \"reasons\": [\"Wrong number\"] }", "invalid_format", "buyers.acme.returns.reasons[0]")]
    [InlineData("buyers acme returns", "{ \"within\": \"10d\", \"at_most\": \"120%\" }", "out_of_range", "buyers.acme.returns.at_most")]
    [InlineData("buyers acme returns", "{ \"within\": \"10d\", \"at_most\": \"0%\" }", "out_of_range", "buyers.acme.returns.at_most")]
    [InlineData("campaigns acme-a returns", "{ \"within\": \"10d\", \"review\": \"yes\" }", "invalid_format", "campaigns.acme-a.returns.review")]
    [InlineData("campaigns acme-a returns", "{ \"within\": \"10d\", \"until\": \"11d\" }", "unknown_key", "campaigns.acme-a.returns.until")]
    [InlineData("buyers acme endpoints crm connector", "\"nativ\"", "unknown_value", "buyers.acme.endpoints.crm.connector")]
    [InlineData("buyers acme endpoints crm timeout", "{ \"post\": \"45s\" }", "out_of_range", "buyers.acme.endpoints.crm.timeout.post")]
    [InlineData("buyers acme endpoints crm with", "-", "missing_key", "buyers.acme.endpoints.crm.with")]
    [InlineData("buyers acme endpoints crm with url", "-", "missing_key", "buyers.acme.endpoints.crm.with.url")]
    [InlineData("buyers acme endpoints crm with url", "\"crm.acme.example\"", "invalid_url", "buyers.acme.endpoints.crm.with.url")]
    [InlineData("buyers acme endpoints crm with url", "\"https://127.0.0.1/\"", "invalid_url", "buyers.acme.endpoints.crm.with.url")]
    [InlineData("buyers acme endpoints crm with url", "\"https://u:p@crm.acme.example/\"", "secret_in_file", "buyers.acme.endpoints.crm.with.url")]
    [InlineData("buyers acme endpoints crm with secret", "\"hunter2\"", "secret_in_file", "buyers.acme.endpoints.crm.with.secret")]
    [InlineData("buyers acme endpoints crm with secret", "{ \"secret\": \"acme-kee\" }", "unknown_secret", "buyers.acme.endpoints.crm.with.secret.secret")]
    [InlineData("buyers acme endpoints crm limits", "{ \"in_flight\": 0 }", "out_of_range", "buyers.acme.endpoints.crm.limits.in_flight")]
    [InlineData("buyers acme endpoints inbox", "{ \"connector\": \"webhook\", \"with\": { \"url\": \"https://a.example/\", \"secret\": { \"secret\": \"acme-key\" } } }", "reserved_name", "buyers.acme.endpoints.inbox")]
    // campaigns
    [InlineData("campaigns acme-a buyer", "-", "missing_key", "campaigns.acme-a.buyer")]
    [InlineData("campaigns acme-a buyer", "\"acne\"", "unknown_id", "campaigns.acme-a.buyer")]
    [InlineData("campaigns acme-a vertical", "\"car\"", "unknown_id", "campaigns.acme-a.vertical")]
    [InlineData("campaigns acme-a bid", "-", "missing_key", "campaigns.acme-a.bid")]
    [InlineData("campaigns acme-a bid", "{}", "missing_key", "campaigns.acme-a.bid.fixed")]
    [InlineData("campaigns acme-a bid", "{ \"live\": \"inbox\" }", "conflict", "campaigns.acme-a.bid.live")]
    [InlineData("campaigns acme-a bid", "{ \"live\": \"crn\" }", "unknown_endpoint", "campaigns.acme-a.bid.live")]
    [InlineData("campaigns acme-a bid", "{ \"live\": \"crm\", \"otherwise\": \"5.00\" }", "misplaced_key", "campaigns.acme-a.bid.otherwise")]
    [InlineData("campaigns acme-a bid", "{ \"fixed\": \"$5\" }", "invalid_format", "campaigns.acme-a.bid.fixed")]
    [InlineData("campaigns acme-a bid", "{ \"fixed\": \"1.1234567\" }", "invalid_format", "campaigns.acme-a.bid.fixed")]
    [InlineData("campaigns acme-a bid", "{ \"rules\": [] , \"otherwise\": \"5.00\" }", "empty", "campaigns.acme-a.bid.rules")]
    [InlineData("campaigns acme-a bid", "{ \"rules\": [{ \"price\": \"5.00\" }] }", "missing_key", "campaigns.acme-a.bid.rules[0].when")]
    [InlineData("campaigns acme-a filter", "{ \"field\": \"stat\", \"is\": \"CA\" }", "unknown_field", "campaigns.acme-a.filter.field")]
    [InlineData("campaigns acme-a filter", "{ \"field\": \"email\", \"exists\": true }", "field_not_here", "campaigns.acme-a.filter.field")]
    [InlineData("campaigns acme-a filter", "{ \"field\": \"zip\", \"in\": { \"list\": \"zip\" } }", "unknown_list", "campaigns.acme-a.filter.in.list")]
    [InlineData("campaigns acme-a post_filter", "{ \"field\": \"age\", \"contains\": \"5\" }", "wrong_operator", "campaigns.acme-a.post_filter.contains")]
    [InlineData("campaigns acme-a publishers", "[\"serch\"]", "unknown_id", "campaigns.acme-a.publishers[0]")]
    [InlineData("campaigns acme-a publishers", "\"none\"", "unknown_value", "campaigns.acme-a.publishers")]
    [InlineData("campaigns acme-a sharing", "\"both\"", "unknown_value", "campaigns.acme-a.sharing")]
    [InlineData("campaigns acme-a weight", "-1", "out_of_range", "campaigns.acme-a.weight")]
    [InlineData("campaigns acme-a handicap", "\"100%\"", "out_of_range", "campaigns.acme-a.handicap")]
    [InlineData("campaigns acme-a schedule", "{ \"open\": { \"mon\": [\"08:00-12:00\", \"11:00-14:00\"] } }", "overlap", "campaigns.acme-a.schedule.open.mon")]
    [InlineData("campaigns acme-a schedule", "{ \"open\": { \"mon\": \"22:00-02:00\" } }", "invalid_format", "campaigns.acme-a.schedule.open.mon")]
    [InlineData("campaigns acme-a delivery", "{ \"to\": [\"crn\"] }", "unknown_endpoint", "campaigns.acme-a.delivery.to[0]")]
    [InlineData("campaigns acme-a delivery", "{ \"to\": [] }", "empty", "campaigns.acme-a.delivery.to")]
    [InlineData("campaigns acme-a delivery", "{ \"sold\": \"on_accept\", \"to\": [\"hook\"] }", "conflict", "campaigns.acme-a.delivery.to")]
    [InlineData("campaigns acme-a delivery", "{ \"sold\": \"on_accept\" }", "conflict", "campaigns.acme-a.delivery.to")]
    [InlineData("campaigns acme-a delivery", "{ \"wait\": {} }", "missing_key", "campaigns.acme-a.delivery.wait")]
    [InlineData("campaigns acme-a delivery", "{ \"wait\": \"10m\" }", "wrong_type", "campaigns.acme-a.delivery.wait")]
    [InlineData("campaigns acme-a delivery", "{ \"wait\": { \"for\": \"10\" } }", "invalid_format", "campaigns.acme-a.delivery.wait.for")]
    [InlineData("campaigns acme-a delivery", "{ \"wait\": { \"for\": \"0s\" } }", "out_of_range", "campaigns.acme-a.delivery.wait.for")]
    [InlineData("campaigns acme-a delivery", "{ \"wait\": { \"for\": \"10m\", \"until\": \"office\" } }", "conflict", "campaigns.acme-a.delivery.wait.until")]
    [InlineData("campaigns acme-a delivery", "{ \"wait\": { \"for\": \"10m\", \"at\": \"09:00\" } }", "misplaced_key", "campaigns.acme-a.delivery.wait.at")]
    [InlineData("campaigns acme-a delivery", "{ \"wait\": { \"for\": \"10m\", \"then\": \"drop\" } }", "misplaced_key", "campaigns.acme-a.delivery.wait.then")]
    [InlineData("campaigns acme-a delivery", "{ \"wait\": { \"until\": \"offices\" } }", "invalid_format", "campaigns.acme-a.delivery.wait.until")]
    [InlineData("campaigns acme-a delivery", "{ \"wait\": { \"until\": \"2026-12-01\" } }", "invalid_format", "campaigns.acme-a.delivery.wait.until")]
    [InlineData("campaigns acme-a delivery", "{ \"wait\": { \"until\": \"2026-13-01T09:00\" } }", "invalid_format", "campaigns.acme-a.delivery.wait.until")]
    [InlineData("campaigns acme-a delivery", "{ \"wait\": { \"until\": { \"field\": \"notes\", \"exists\": true } } }", "missing_key", "campaigns.acme-a.delivery.wait.at_most")]
    [InlineData("campaigns acme-a delivery", "{ \"wait\": { \"until\": { \"field\": \"nots\", \"exists\": true }, \"at_most\": \"1h\" } }", "unknown_field", "campaigns.acme-a.delivery.wait.until.field")]
    [InlineData("campaigns acme-a delivery", "{ \"wait\": { \"until\": { \"field\": \"notes\", \"exists\": true }, \"at_most\": \"1h\", \"then\": \"stop\" } }", "unknown_value", "campaigns.acme-a.delivery.wait.then")]
    [InlineData("campaigns acme-a delivery", "{ \"wait\": { \"before\": \"start\", \"by\": \"36h\" } }", "out_of_range", "campaigns.acme-a.delivery.wait.by")]
    [InlineData("campaigns acme-a delivery", "{ \"wait\": { \"before\": \"start\", \"at\": \"9:00\" } }", "invalid_format", "campaigns.acme-a.delivery.wait.at")]
    [InlineData("campaigns acme-a delivery", "{ \"wait\": { \"before\": \"start\", \"at\": \"24:00\" } }", "invalid_format", "campaigns.acme-a.delivery.wait.at")]
    [InlineData("campaigns acme-a delivery", "{ \"wait\": { \"before\": \"begin\" } }", "unknown_field", "campaigns.acme-a.delivery.wait.before")]
    [InlineData("campaigns acme-a delivery", "{ \"wait\": { \"before\": \"age\" } }", "conflict", "campaigns.acme-a.delivery.wait.before")]
    [InlineData("campaigns acme-a delivery", "{ \"wait\": { \"fro\": \"10m\", \"for\": \"10m\" } }", "unknown_key", "campaigns.acme-a.delivery.wait.fro")]
    [InlineData("campaigns acme-a delivery", "{ \"to\": [{ \"endpoint\": \"crm\", \"when\": { \"field\": \"age\", \"exists\": true } }] }", "missing_key", "campaigns.acme-a.delivery.to")]
    [InlineData("campaigns acme-a delivery", "{ \"to\": [{ \"endpoint\": \"crm\", \"when\": { \"field\": \"aeg\", \"exists\": true } }, \"hook\"] }", "unknown_field", "campaigns.acme-a.delivery.to[0].when.field")]
    [InlineData("campaigns acme-a delivery", "{ \"to\": [{ \"endpoint\": \"crm\", \"wait\": { \"until\": \"noon\" } }, \"hook\"] }", "invalid_format", "campaigns.acme-a.delivery.to[0].wait.until")]
    [InlineData("campaigns acme-a delivery", "{ \"to\": [{ \"when\": { \"field\": \"age\", \"exists\": true } }, \"hook\"] }", "missing_key", "campaigns.acme-a.delivery.to[0].endpoint")]
    [InlineData("campaigns acme-a delivery", "{ \"to\": [{ \"endpoint\": \"crm\", \"if\": { \"field\": \"age\", \"exists\": true } }, \"hook\"] }", "unknown_key", "campaigns.acme-a.delivery.to[0].if")]
    [InlineData("campaigns acme-a delivery", "{ \"to\": [\"crm\", { \"endpoint\": \"crm\" }] }", "repeated", "campaigns.acme-a.delivery.to[1].endpoint")]
    [InlineData("campaigns acme-a delivery", "{ \"sold\": \"on_accept\", \"to\": [{ \"endpoint\": \"crm\", \"when\": { \"field\": \"age\", \"exists\": true } }, \"hook\"] }", "conflict", "campaigns.acme-a.delivery.to")]
    [InlineData("campaigns acme-a delivery", "{ \"sold\": \"on_accept\", \"send\": \"all\", \"to\": [{ \"endpoint\": \"crm\", \"when\": { \"field\": \"age\", \"exists\": true } }, \"hook\"] }", "conflict", "campaigns.acme-a.delivery.to")]
    [InlineData("campaigns acme-a duplicate", "{ \"window\": \"1 month\" }", "invalid_format", "campaigns.acme-a.duplicate.window")]
    [InlineData("campaigns acme-a duplicate", "{ \"of\": \"company\" }", "unknown_value", "campaigns.acme-a.duplicate.of")]
    [InlineData("campaigns acme-a duplicate", "{ \"keys\": [\"phone\", \"mail\"] }", "unknown_field", "campaigns.acme-a.duplicate.keys[1]")]
    [InlineData("campaigns acme-a duplicate", "{ \"keys\": [\"zip\"] }", "wrong_type", "campaigns.acme-a.duplicate.keys[0]")]
    [InlineData("campaigns acme-a duplicate", "{ \"keys\": [] }", "empty", "campaigns.acme-a.duplicate.keys")]
    [InlineData("campaigns acme-a duplicate", "{ \"match\": \"all\" }", "unknown_key", "campaigns.acme-a.duplicate.match")]
    [InlineData("campaigns zenith-sun duplicate", "{}", "missing_key", "campaigns.zenith-sun.duplicate.keys")]
    [InlineData("campaigns acme-a tell_losses", "\"yes\"", "invalid_format", "campaigns.acme-a.tell_losses")]
    [InlineData("campaigns acme-a returns", "{}", "missing_key", "campaigns.acme-a.returns.within")]
    [InlineData("campaigns zenith-sun consent", "\"named\"", "missing_key", "buyers.zenith.seller")]
    // trees
    [InlineData("ping_trees auto-main tiers", "[]", "empty", "ping_trees.auto-main.tiers")]
    [InlineData("ping_trees auto-main tiers", "[{ \"name\": \"a\", \"method\": \"auction\", \"campaigns\": [] }]", "empty", "ping_trees.auto-main.tiers[0].campaigns")]
    [InlineData("ping_trees auto-main tiers", "[{ \"name\": \"a\", \"method\": \"auction\", \"campaigns\": \"all\" }, { \"name\": \"b\", \"method\": \"priority\", \"campaigns\": \"all\" }]", "empty", "ping_trees.auto-main.tiers[1].campaigns")]
    [InlineData("ping_trees auto-main tiers", "[{ \"name\": \"a\", \"method\": \"auction\", \"campaigns\": [\"acme-c\"] }]", "unknown_id", "ping_trees.auto-main.tiers[0].campaigns[0]")]
    [InlineData("ping_trees auto-main tiers", "[{ \"name\": \"a\", \"method\": \"auction\", \"campaigns\": [\"zenith-sun\"] }]", "conflict", "ping_trees.auto-main.tiers[0].campaigns[0]")]
    [InlineData("ping_trees auto-main tiers", "[{ \"name\": \"a\", \"method\": \"weighted\", \"campaigns\": \"all\", \"weights\": { \"acme-a\": 0, \"acme-b\": 0 } }]", "out_of_range", "ping_trees.auto-main.tiers[0].weights")]
    [InlineData("ping_trees auto-main tiers", "[{ \"name\": \"a\", \"method\": \"weighted\", \"campaigns\": [\"acme-a\"], \"weights\": { \"acme-b\": 2 } }]", "unknown_id", "ping_trees.auto-main.tiers[0].weights.acme-b")]
    [InlineData("ping_trees auto-main tiers", "[{ \"name\": \"a\", \"method\": \"weighted\", \"pricing\": \"first_price\", \"campaigns\": \"all\" }]", "misplaced_key", "ping_trees.auto-main.tiers[0].pricing")]
    [InlineData("ping_trees auto-main tiers", "[{ \"name\": \"a\", \"method\": \"auction\", \"campaigns\": \"all\", \"copies\": 21 }]", "out_of_range", "ping_trees.auto-main.tiers[0].copies")]
    [InlineData("ping_trees auto-main tiers", "[{ \"name\": \"a\", \"method\": \"auction\", \"campaigns\": [\"acme-a\"] }, { \"name\": \"a\", \"method\": \"priority\", \"campaigns\": [\"acme-b\"] }]", "repeated", "ping_trees.auto-main.tiers[1].name")]
    [InlineData("ping_trees auto-main offers", "\"all\"", "conflict", "ping_trees.auto-main.tiers[0].pricing")]
    [InlineData("ping_trees auto-main publishers", "{ \"except\": [\"search\"] }", "wrong_type", "ping_trees.auto-main.publishers")]
    [InlineData("ping_trees auto-two", "{ \"vertical\": \"auto\", \"tiers\": [{ \"name\": \"a\", \"method\": \"priority\", \"campaigns\": \"all\" }] }", "conflict", "ping_trees.auto-two.traffic")]
    [InlineData("ping_trees solar-two", "{ \"vertical\": \"solar\", \"publishers\": [\"search\", \"social\"], \"tiers\": [{ \"name\": \"a\", \"method\": \"priority\", \"campaigns\": \"all\" }] }", "conflict", "ping_trees.solar-two.traffic")]
    public void Catalog_WithOneWrongThing_IsRefusedWithExactlyItsCodeAndPath(string keys, string json, string code, string path)
    {
        var result = Catalogs.Compile(Catalogs.With(keys, json));
        result.Model.ShouldBeNull();
        result.Errors.Errors.Select(error => (error.Code, error.Pointer)).ShouldBe([(code, path)]);
        result.Errors.Errors.ShouldAllBe(error => error.Message.EndsWith('.') || error.Message.EndsWith('?'));
    }

    [Theory]
    [InlineData("campaigns acme-a buyer", "\"acmee\"", "`acme`")]
    [InlineData("campaigns acme-a wieght", "5", "`weight`")]
    [InlineData("exchange time_zone", "\"America/New_Yrk\"", "`America/New_York`")]
    [InlineData("ping_trees auto-main offers", "\"al\"", "`all`")]
    public void WrongWord_NearAKnownOne_NamesIt(string keys, string json, string nearest) =>
        Catalogs.Compile(Catalogs.With(keys, json)).Errors.Errors[0].Message.ShouldContain(nearest);

    [Fact]
    public void ManyWrongThings_AreReportedTogether_AndReferencesToThemAreNot()
    {
        var root = Catalogs.With("verticals auto ping_ttl", "\"soon\"");
        root = ConfigPatch.Set(root, ["buyers", "acme", "credit_limit"], Catalogs.Json("\"lots\""));
        root = ConfigPatch.Set(root, ["campaigns", "acme-a", "bid"], Catalogs.Json("{ \"fixed\": \"cheap\" }"));
        root = ConfigPatch.Set(root, ["lists", "zips", "values"], Catalogs.Json("[\"x\"]"));
        root = ConfigPatch.Set(root, ["campaigns", "acme-b", "filter"], Catalogs.Json("{ \"field\": \"zip\", \"in\": { \"list\": \"zips\" } }"));
        root = ConfigPatch.Set(root, ["verticals", "auto", "fields", "age", "type"], Catalogs.Json("\"int\""));
        root = ConfigPatch.Set(root, ["campaigns", "acme-b", "post_filter"], Catalogs.Json("{ \"field\": \"age\", \"at_least\": 25 }"));
        Catalogs.Compile(root).Errors.Errors.Select(error => error.Pointer).ShouldBe(
        [
            "lists.zips.values[0]", "verticals.auto.fields.age.type", "verticals.auto.ping_ttl", "buyers.acme.credit_limit", "campaigns.acme-a.bid.fixed",
        ], ignoreOrder: true);
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("\"none\"")]
    public void Section_ThatIsNoMap_IsReportedBesideWhatItBreaks(string json) =>
        Catalogs.Compile(Catalogs.With("campaigns", json)).Errors.Errors.Select(error => (error.Code, error.Pointer)).ShouldContain(("wrong_type", "campaigns"));

    [Theory]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("\"none\"")]
    public void Root_ThatIsNoMap_IsOneError(string json) => Catalogs.Compile(Catalogs.Json(json)).Errors.Errors.ShouldHaveSingleItem().Code.ShouldBe("wrong_type");

    [Fact]
    public void PublisherFilter_WrongForTwoVerticals_IsReportedOnce() =>
        Catalogs.Compile(Catalogs.With("publishers social filter", "{ \"field\": \"colour\", \"is\": \"red\" }")).Errors.Errors.Count.ShouldBe(1);

    [Fact]
    public void PublisherFilter_OnAFieldOfOneOfItsVerticals_IsTaken() =>
        Catalogs.Compile(Catalogs.With("publishers social filter", "{ \"not\": { \"field\": \"roof\", \"is\": \"flat\" } }")).Errors.Errors.ShouldBeEmpty();

    [Fact]
    public void Consent_LessThanTheVerticals_IsRefused()
    {
        var root = ConfigPatch.Set(Catalogs.With("verticals auto consent", "\"proof\""), ["campaigns", "acme-a", "consent"], Catalogs.Json("\"none\""));
        Catalogs.Compile(root).Errors.Errors.Select(error => (error.Code, error.Pointer)).ShouldBe([("out_of_range", "campaigns.acme-a.consent")]);
    }

    [Theory]
    [InlineData("ping_trees auto-main status", "\"paused\"")]
    [InlineData("ping_trees auto-main publishers", "[\"search\"]")]
    public void TwoTrees_OfWhichOneGoesFirst_AreTaken(string keys, string json)
    {
        var root = ConfigPatch.Set(Catalogs.With(keys, json), ["ping_trees", "auto-two"],
            Catalogs.Json("{ \"vertical\": \"auto\", \"tiers\": [{ \"name\": \"a\", \"method\": \"priority\", \"campaigns\": \"all\" }] }"));
        Catalogs.Compile(root).Errors.Errors.ShouldBeEmpty();
    }

    [Theory]
    [InlineData("campaigns acme-c", "{ \"buyer\": \"acme\", \"vertical\": \"solar\", \"bid\": \"1.00\" }", "never_used", "campaigns.acme-c")]
    [InlineData("campaigns acme-a bid", "\"4.00\"", "below_floor", "campaigns.acme-a.bid")]
    [InlineData("campaigns acme-a caps", "[{ \"per\": \"day\", \"leads\": 20 }, { \"per\": \"month\", \"leads\": 20 }]", "never_used", "campaigns.acme-a.caps[0]")]
    [InlineData("campaigns acme-a caps", "[{ \"per\": \"day\", \"leads\": { \"mon-fri\": 30, \"sat\": 20, \"sun\": 0 } }, { \"per\": \"week\", \"leads\": 20 }]", "never_used", "campaigns.acme-a.caps[0]")]
    [InlineData("campaigns acme-a caps", "[{ \"per\": \"day\", \"leads\": 9, \"each\": \"zip\" }, { \"per\": \"day\", \"leads\": 5, \"each\": \"state\" }, { \"per\": \"week\", \"leads\": 9, \"each\": \"zip\" }]", "never_used", "campaigns.acme-a.caps[0]")]
    [InlineData("campaigns acme-a schedule", "{ \"until\": \"2026-11-22\" }", "never_used", "campaigns.acme-a.schedule.until")]
    [InlineData("campaigns acme-a delivery", "{ \"to\": [\"crm\", \"hook\"] }", "never_used", "campaigns.acme-a.delivery.to")]
    [InlineData("campaigns acme-a delivery", "{ \"wait\": { \"until\": \"office\" } }", "never_used", "campaigns.acme-a.delivery.wait.until")]
    [InlineData("campaigns zenith-sun weight", "3", "never_used", "campaigns.zenith-sun.weight")]
    [InlineData("buyers zenith credit_limit", "-", "no_credit", "buyers.zenith.credit_limit")]
    [InlineData("ping_trees auto-main tiers", "[{ \"name\": \"a\", \"method\": \"auction\", \"pricing\": \"second_price\", \"campaigns\": \"all\" }]", "no_floor", "ping_trees.auto-main.tiers[0].floor")]
    [InlineData("ping_trees auto-main tiers", "[{ \"name\": \"a\", \"method\": \"round_robin\", \"campaigns\": \"all\", \"weights\": { \"acme-a\": 2 } }]", "never_used", "ping_trees.auto-main.tiers[0].weights")]
    [InlineData("ping_trees solar-main publishers", "[\"search\", \"social\"]", "never_used", "ping_trees.solar-main.publishers")]
    public void Catalog_WithSomethingDoubtful_CompilesWithAWarning(string keys, string json, string code, string path)
    {
        var result = Catalogs.Compile(Catalogs.With(keys, json));
        result.Errors.Errors.ShouldBeEmpty();
        result.Errors.Warnings.Select(warning => (warning.Code, warning.Pointer)).ShouldContain((code, path));
        result.Model.ShouldNotBeNull().Warnings.ShouldBe(result.Errors.Warnings);
    }

    [Fact]
    public void PrepaidBuyer_WithFunds_IsNotWarnedOf()
    {
        var options = Catalogs.Options with { FundedBuyers = new HashSet<string> { "zenith" } };
        CatalogCompiler.Compile(Catalogs.With("buyers zenith credit_limit", "-"), 1, options).Errors.Warnings.ShouldBeEmpty();
    }
}
