using System.Globalization;
using System.Runtime.CompilerServices;
using CsCheck;
using Exchange.Engine.Catalog;
using Shouldly;

namespace Exchange.Engine.Tests.Catalog;

/// <summary>A catalog compiled from the version before it: the same as compiled whole, with the parts that did not change taken over.</summary>
public sealed class TakeoverTests
{
    private static readonly ConfigNode Start = Starting();

    /// <summary>What admins change, and what they get wrong. "-" takes the value away.</summary>
    private static readonly (string Keys, string[] Values)[] Edits =
    [
        ("campaigns c03 bid", ["\"7.00\"", "\"0.50\"", "{ \"fixed\": \"9.25\" }", "\"1.1234567\""]),
        ("campaigns c05 filter", ["{ \"field\": \"state\", \"in\": [\"CA\", \"OR\"] }", "{ \"field\": \"zip\", \"in\": { \"list\": \"zips\" } }", "{ \"field\": \"publisher\", \"is\": \"social\" }", "{ \"field\": \"shoe\", \"is\": \"9\" }", "-"]),
        ("campaigns c01 filter", ["{ \"not\": { \"field\": \"zip\", \"in\": { \"list\": \"more\" } } }", "-"]),
        ("campaigns c02 caps", ["[{ \"per\": \"day\", \"leads\": 3 }]", "[{ \"per\": \"day\", \"leads\": 3 }, { \"per\": \"month\", \"leads\": 3 }]", "-"]),
        ("campaigns c07 status", ["\"paused\"", "\"active\"", "-"]),
        ("campaigns c08 publishers", ["[\"search\"]", "{ \"except\": [\"third\"] }", "\"all\""]),
        ("campaigns c09 schedule", ["{ \"until\": \"2026-11-01\" }", "{ \"closed\": { \"list\": \"holidays\" } }", "-"]),
        ("campaigns c10 vertical", ["\"solar\"", "\"auto\""]),
        ("campaigns c00 vertical", ["\"solar\"", "\"auto\""]),
        ("campaigns c11", ["-", "{ \"buyer\": \"zenith\", \"vertical\": \"auto\", \"bid\": \"2.00\" }"]),
        ("campaigns a00", ["-", "{ \"buyer\": \"acme\", \"vertical\": \"auto\", \"bid\": \"2.00\", \"caps\": [{ \"per\": \"week\", \"spend\": \"70.00\" }] }"]),
        ("campaigns c04 caps", ["[{ \"per\": \"day\", \"leads\": 3, \"each\": \"state\" }]", "[{ \"per\": \"day\", \"pings\": 3, \"when\": { \"field\": \"zip\", \"in\": { \"list\": \"more\" } } }]"]),
        ("buyers acme caps", ["[{ \"per\": \"day\", \"leads\": 9, \"each\": \"roof\" }]", "[{ \"per\": \"day\", \"offers\": 9, \"when\": { \"field\": \"state\", \"is\": \"CA\" } }]", "[{ \"per\": \"day\", \"spend\": \"900.00\" }]", "[{ \"per\": \"day\", \"spend\": \"901.00\" }, { \"per\": \"hour\", \"leads\": 9 }]", "-"]),
        ("buyers zenith credit_limit", ["\"10.00\"", "\"unlimited\"", "-"]),
        ("buyers acme endpoints crm with url", ["\"https://crm.acme.example/new\"", "\"http://127.0.0.1/\""]),
        ("buyers acme endpoints crm with secret secret", ["\"acme-key\"", "\"lost-key\""]),
        ("buyers acme endpoints http with host", ["\"b.example\"", "\"a.example\""]),
        ("buyers acme endpoints http limits", ["{ \"per_second\": 5 }", "-"]),
        ("connectors theirs post form Kind", ["\"{{ lead.cover | map: 'cover' }}\"", "\"{{ lead.shoe }}\"", "-"]),
        ("connectors theirs maps cover", ["{ \"minimum\": \"M\" }", "{ \"standard\": \"S\" }"]),
        ("connectors theirs ping", ["{ \"url\": \"https://a.example/\", \"reply\": { \"price\": \"p\" } }", "-"]),
        ("connectors theirs post reply accepted_when", ["{ \"at\": \"zip\", \"in\": { \"list\": \"more\" } }", "{ \"at\": \"ok\", \"is\": 1 }"]),
        ("connectors theirs needs", ["[\"host\", \"key\"]", "[\"host\"]"]),
        ("connectors ours", ["{ \"post\": { \"url\": \"https://a.example/\", \"reply\": { \"accepted_when\": { \"at\": \"ok\", \"is\": 1 } } } }", "-"]),
        ("buyers between", ["-", "{ \"credit_limit\": \"5.00\", \"caps\": [{ \"per\": \"day\", \"leads\": 5 }] }"]),
        ("publishers search caps", ["[{ \"per\": \"day\", \"leads\": 101 }]", "-"]),
        ("publishers third", ["-", "{ \"verticals\": [\"auto\", \"solar\"], \"payout\": { \"rules\": [{ \"when\": { \"field\": \"campaign\", \"is\": \"c03\" }, \"share\": \"60%\" }], \"otherwise\": { \"share\": \"70%\" } } }"]),
        ("publishers social filter", ["{ \"field\": \"roof\", \"is\": \"flat\" }", "-"]),
        ("lists zips values", ["[\"02139\"]", "[\"02139\", \"10001\"]"]),
        ("lists more", ["{ \"type\": \"us_zip\", \"values\": [\"33101\"] }", "-"]),
        ("lists holidays values", ["[\"2026-12-25\"]", "[\"2026-12-24\"]"]),
        ("verticals solar fields roof", ["-", "{ \"type\": \"text\", \"ping\": \"optional\" }"]),
        ("verticals auto ping_ttl", ["\"6m\"", "-"]),
        ("verticals auto suppress", ["[\"blocked\"]", "-"]),
        ("exchange time_zone", ["\"America/New_York\"", "\"America/Chicago\""]),
        ("exchange price_step", ["\"0.05\"", "-"]),
        ("ping_trees auto-main tiers", ["[{ \"name\": \"m\", \"method\": \"auction\", \"floor\": \"1.00\", \"campaigns\": [\"c01\", \"c05\"] }, { \"name\": \"rest\", \"method\": \"priority\", \"campaigns\": \"all\" }]"]),
        ("ping_trees auto-main status", ["\"paused\"", "-"]),
    ];

    private static readonly Gen<(string Keys, string Value, bool Anew, int Day)> Changes = Gen.Select(
        Gen.Int[0, Edits.Length - 1], Gen.Int[0, 100], Gen.Bool, Gen.Int[0, 3],
        (edit, value, anew, day) => (Edits[edit].Keys, Edits[edit].Values[value % Edits[edit].Values.Length], anew, day));

    /// <summary>A server must start on what the build before it took; whoever applies it again is told.</summary>
    [Theory]
    [InlineData("verticals auto ping_ttl", "\"45d\"")]
    [InlineData("buyers acme endpoints crm price_at_post", "\"lower\"")]
    [InlineData("buyers acme endpoints line", "{ \"connector\": \"grpc\", \"limits\": { \"per_second\": 5 } }")]
    [InlineData("connectors theirs lost form Page", "\"{{ consent.page }}\"")]
    public void Compile_OfAStoredCatalog_TakesWhatEarlierBuildsTook_AndAnApplyFromItDoesNot(string keys, string value)
    {
        var root = Connectors.ConnectorSectionTests.Catalog(keys, value);
        var stored = CatalogCompiler.Compile(root, 7, Catalogs.Options with { IsStored = true });
        stored.Errors.Errors.ShouldBeEmpty();
        CatalogCompiler.Compile(root, 7, Catalogs.Options with { IsStored = true }, null, stored).Errors.Errors.ShouldBeEmpty();

        var whole = CatalogCompiler.Compile(root, 8, Catalogs.Options);
        whole.Errors.Errors.ShouldHaveSingleItem();
        CatalogCompiler.Compile(root, 8, Catalogs.Options, null, stored).Errors.Errors.ShouldBe(whole.Errors.Errors);
    }

    [Fact]
    public void Compile_FromTheVersionBefore_IsWhatCompilingWholeIs() =>
        Changes.Array[1, 12].Sample(changes =>
        {
            var (config, served) = (Start, Compile(Start, 0, null));
            foreach (var (keys, value, anew, day) in changes)
            {
                var changed = ConfigPatch.Set(config, keys.Split(' '), value == "-" ? null : Catalogs.Json(value));
                // As a file that comes anew, of which no node is the one before.
                if (anew) changed = Catalogs.Json(System.Text.Encoding.UTF8.GetString(ConfigJson.Write(changed)));
                var (whole, taken) = (Compile(changed, day, null), Compile(changed, day, served));
                taken.Errors.Errors.ShouldBe(whole.Errors.Errors, keys);
                taken.Errors.Warnings.ShouldBe(whole.Errors.Warnings, keys);
                SameModel.Difference(whole.Model, taken.Model).ShouldBeNull(keys);
                for (var i = 0; i < taken.Model?.Limits.Count; i++) taken.Model.Limits[i].Ordinal.ShouldBe(i);
                // A catalog that is refused changes nothing: the next change comes to what is served.
                if (taken.Model is not null) (config, served) = (changed, taken);
            }
        }, iter: 200);

    [Fact]
    public void Compile_WithOneCampaignChanged_TakesOverTheOthers()
    {
        var before = Compile(Start, 0, null);
        var after = Compile(ConfigPatch.Set(Start, ["campaigns", "c02", "caps"], Catalogs.Json("[{ \"per\": \"day\", \"leads\": 3 }, { \"per\": \"hour\", \"leads\": 2 }]")), 0, before);
        after.Model!.Campaigns["c01"].ShouldBeSameAs(before.Model!.Campaigns["c01"]);
        after.Model.Campaigns["c02"].Filter.ShouldNotBeSameAs(before.Model.Campaigns["c02"].Filter);
        // Its limits stand one place further, and it is else what it was.
        after.Model.Campaigns["c05"].ShouldNotBeSameAs(before.Model.Campaigns["c05"]);
        after.Model.Campaigns["c05"].Filter.ShouldBeSameAs(before.Model.Campaigns["c05"].Filter);
        after.Model.Campaigns["c05"].Gate.Ordinal.ShouldBe(before.Model.Campaigns["c05"].Gate.Ordinal + 1);
        after.Model.Verticals["solar"].Index.ShouldBeSameAs(before.Model.Verticals["solar"].Index);
    }

    [Fact]
    public void Compile_WithAConnectorChanged_CompilesItsBuyersAndTheirCampaignsAnew()
    {
        var before = Compile(Start, 0, null);
        var after = Compile(ConfigPatch.Set(Start, ["connectors", "theirs", "post", "form", "More"], Catalogs.Json("\"1\"")), 0, before).Model!;
        var same = Compile(Start, 0, before).Model!;
        same.Buyers["acme"].ShouldBeSameAs(before.Model!.Buyers["acme"]);
        after.Buyers["zenith"].Endpoints.ShouldBeSameAs(same.Buyers["zenith"].Endpoints);
        after.Campaigns["acme-a"].Delivery.To[0].Endpoint.Shape.ShouldBeSameAs(after.Buyers["acme"].Endpoints["http"].Shape);
        ((Engine.Connectors.FormBody)after.Campaigns["acme-a"].Delivery.To[0].Endpoint.Shape!.Post.Body!).Fields.Count.ShouldBe(2);
    }

    [Fact]
    public void Compile_WithOneBidChanged_SharesAllElse()
    {
        var before = Compile(Start, 0, null);
        var after = Compile(ConfigPatch.Set(Start, ["campaigns", "c02", "bid"], Catalogs.Json("\"4.44\"")), 0, before);
        after.Model!.Limits.ShouldBeSameAs(before.Model!.Limits);
        after.Model.Campaigns["c02"].ShouldNotBeSameAs(before.Model.Campaigns["c02"]);
        after.Model.Campaigns["c02"].Gate.ShouldBeSameAs(before.Model.Campaigns["c02"].Gate);
        after.Model.Verticals["solar"].Index.ShouldBeSameAs(before.Model.Verticals["solar"].Index);
        before.Model.Campaigns.Keys.ShouldBe(after.Model.Campaigns.Keys);
    }

    [Fact]
    public void Compile_OfManyVersions_KeepsNothingOfTheFirstAlive()
    {
        var (options, served) = First();
        for (var i = 0; i < 3; i++)
            served = Compile(ConfigPatch.Set(Start, ["campaigns", "c03", "bid"], Catalogs.Json(string.Create(CultureInfo.InvariantCulture, $"\"{i + 2}.00\""))), 0, served);
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
        options.IsAlive.ShouldBeFalse();
        served.Model.ShouldNotBeNull();

        [MethodImpl(MethodImplOptions.NoInlining)]
        static (WeakReference Options, CompileResult Served) First()
        {
            // Only the work of this one compile knows these options.
            var options = Catalogs.Options with { Today = 7 };
            return (new(options), CatalogCompiler.Compile(Start, 1, options));
        }
    }

    private static CompileResult Compile(ConfigNode config, int day, CompileResult? previous) =>
        CatalogCompiler.Compile(config, 7, Catalogs.Options with { Today = Catalogs.Options.Today + day }, null, previous);

    /// <summary>The basic catalog with a dozen more campaigns of two buyers in two verticals, half of them with filters, caps and hours.</summary>
    private static ConfigNode Starting()
    {
        var config = ConfigPatch.Set(Catalogs.Json(Catalogs.Basic), ["lists", "more"], Catalogs.Json("{ \"type\": \"us_zip\", \"values\": [\"60601\", \"60602\"] }"));
        config = ConfigPatch.Set(config, ["connectors", "theirs"], Catalogs.Json(
            """
            { "needs": ["host"], "maps": { "cover": { "minimum": "M" } },
              "post": { "url": "https://{{ with.host }}/", "form": { "Kind": "{{ lead.cover | map: 'cover' }}" }, "reply": { "accepted_when": { "at": "ok", "is": 1 } } } }
            """));
        config = ConfigPatch.Set(config, ["buyers", "acme", "endpoints", "http"], Catalogs.Json("{ \"connector\": \"theirs\", \"with\": { \"host\": \"a.example\" } }"));
        config = ConfigPatch.Set(config, ["campaigns", "acme-a", "delivery"], Catalogs.Json("{ \"to\": [\"http\"] }"));
        for (var i = 0; i < 12; i++)
        {
            var (auto, id) = (i % 4 != 3, string.Create(CultureInfo.InvariantCulture, $"c{i:D2}"));
            config = ConfigPatch.Set(config, ["campaigns", id], Catalogs.Json(
                $$"""
                {
                  "buyer": "{{(i % 2 == 0 ? "acme" : "zenith")}}", "vertical": "{{(auto ? "auto" : "solar")}}", "bid": "{{i + 2}}.00", "weight": {{i + 1}},
                  "filter": { "all": [{ "field": "zip", "in": { "list": "{{(i % 3 == 0 ? "zips" : "more")}}" } }, { "field": "publisher", "is_not": "social" }] },
                  "caps": [{ "per": "day", "leads": {{i + 5}} }], "schedule": { "open": { "mon-fri": "08:00-18:00" }, "until": "2026-11-2{{3 + i % 4}}" }
                }
                """));
        }
        return config;
    }
}
