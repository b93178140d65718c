using Exchange.Engine.Catalog;
using Exchange.Engine.Connectors;
using Exchange.Engine.Tests.Catalog;
using Shouldly;

namespace Exchange.Engine.Tests.Connectors;

/// <summary>Connectors and the endpoints that use them, as the catalog writes them.</summary>
public sealed class ConnectorSectionTests
{
    private const string Theirs = """
        {
          "needs": ["host", "key"], "defaults": { "path": "api" }, "maps": { "cover": { "minimum": "Min", "standard": "Std" } },
          "common": {
            "url": "https://{{ with.host }}/{{ with.path }}", "headers": { "Accept": "application/json" }, "query": { "v": "1" },
            "form": { "Key": "{{ with.key }}", "Zip": "{{ lead.zip }}", "Cover": "{{ lead.cover | map: 'cover' }}", "Src": "{{ source.id }}" },
            "reply": { "format": "json", "price": "price", "reason": "msg" }
          },
          "ping": { "form": { "Mode": "ping" }, "reply": { "bid_when": { "at": "result", "is": "success" }, "carry": { "id": "ping_id" } } },
          "post": { "method": "PUT", "form": { "Mode": "post", "Src": "", "Ping": "{{ ping.id }}", "Phone": "{{ lead.phone }}", "Sale": "{{ sale.id }}", "Ip": "{{ consent.ip }}" },
                    "headers": { "X-Left": "{{ deadline_ms }}" }, "reply": { "accepted_when": { "at": "result", "is": "success" }, "ref": "http.header.X-Ref" } },
          "check": { "method": "GET", "form": {}, "query": { "sale": "{{ sale.id }}" }, "reply": { "rejected_when": { "at": "result", "is": "unknown" } } },
          "lost": { "form": { "Mode": "lost", "Why": "{{ loss.reason }}", "Id": "{{ ping.id }}" } }
        }
        """;

    /// <summary>The basic catalog with this connector, an endpoint that uses it and campaigns that send through it.</summary>
    internal static ConfigNode Catalog(string? keys = null, string? json = null)
    {
        var root = Catalogs.With("connectors", $$"""{ "theirs": {{Theirs}} }""");
        // A GET has no body, and `common` has one: its check is sent by another method.
        root = ConfigPatch.Set(root, ["connectors", "theirs", "check", "method"], Catalogs.Json("\"POST\""));
        root = ConfigPatch.Set(root, ["buyers", "acme", "endpoints", "http"], Catalogs.Json("""{ "connector": "theirs", "with": { "host": "a.example", "key": { "secret": "acme-key" } } }"""));
        root = ConfigPatch.Set(root, ["campaigns", "acme-a", "delivery"], Catalogs.Json("""{ "to": ["http"] }"""));
        return keys is null ? root : ConfigPatch.Set(root, keys.Split(' '), json == "-" ? null : Catalogs.Json(json!));
    }

    [Fact]
    public void Connector_MergesCommonIntoEachRequest()
    {
        var shape = Catalogs.Model(Catalog()).Buyers["acme"].Endpoints["http"].Shape.ShouldNotBeNull();
        Told(shape.Ping!).ShouldBe("POST https://{{ with.host }}/{{ with.path }} | Accept=application/json | v=1 | Key={{ with.key }}, Zip={{ lead.zip }}, Cover={{ lead.cover | map: 'cover' }}, Src={{ source.id }}, Mode=ping");
        Told(shape.Post).ShouldBe("PUT https://{{ with.host }}/{{ with.path }} | Accept=application/json, X-Left={{ deadline_ms }} | v=1 | Key={{ with.key }}, Zip={{ lead.zip }}, Cover={{ lead.cover | map: 'cover' }}, Src=, Mode=post, Ping={{ ping.id }}, Phone={{ lead.phone }}, Sale={{ sale.id }}, Ip={{ consent.ip }}");
        Told(shape.Check!).ShouldStartWith("POST https://{{ with.host }}/{{ with.path }} | Accept=application/json | v=1, sale={{ sale.id }} |");
        shape.Post.Fields.Select(read => (read.Field, read.Path)).ShouldContain(("phone", "connectors.theirs.post.form.Phone"));
        shape.Post.Fields.Select(read => (read.Field, read.Path)).ShouldContain(("zip", "connectors.theirs.common.form.Zip"));
        shape.Post.ReplyHeaders.ShouldBe(["x-ref"]);
        shape.Ping!.Bids!.Price.ShouldNotBeNull();
        shape.Post.Answer!.Format.ShouldBe(ReplyFormat.Json);
        shape.Maps["cover"].Theirs("Minimum").ShouldBe("Min");
        shape.Maps["cover"].Ours("std").ShouldBe("standard");
        shape.Maps["cover"].Theirs("other").ShouldBe("other");

        static string Told(RequestModel request) => $"{request.Method} {request.Url.Text} | {Named(request.Headers)} | {Named(request.Query)} | {Named(((FormBody)request.Body!).Fields)}";
        static string Named(IReadOnlyList<NamedTemplate> named) => string.Join(", ", named.Select(entry => $"{entry.Name}={entry.Value.Text}"));
    }

    [Fact]
    public void Json_IsMergedAtEveryDepth()
    {
        var root = Catalogs.With("connectors theirs", """
            { "common": { "url": "https://a.example/", "json": { "a": { "b": "1", "c": { "d": "2" } }, "l": ["x"] } },
              "post": { "json": { "a": { "c": { "e": "3" }, "b": "4" }, "l": ["{{ now }}"] }, "reply": { "accepted_when": { "at": "http.status", "is": 200 } } } }
            """);
        root = ConfigPatch.Set(root, ["buyers", "acme", "endpoints", "http"], Catalogs.Json("""{ "connector": "theirs" }"""));
        Told(((JsonBody)Catalogs.Model(root).Buyers["acme"].Endpoints["http"].Shape!.Post.Body!).Root).ShouldBe("{a:{b:4,c:{d:2,e:3}},l:[{{ now }}]}");

        static string Told(JsonPart part) => part switch
        {
            JsonMap map => "{" + string.Join(",", map.Members.Select(member => $"{member.Key}:{Told(member.Value)}")) + "}",
            JsonList list => "[" + string.Join(",", list.Items.Select(Told)) + "]",
            _ => ((JsonValue)part).Text.Text,
        };
    }

    [Fact]
    public void Endpoint_OfAConnector_IsReadWhole()
    {
        var endpoint = Catalogs.Model(Catalog("buyers acme endpoints http", """
            { "connector": "theirs", "with": { "host": "a.example", "key": { "secret": "acme-key" } }, "test": { "with": { "host": "test.a.example" } },
              "timeout": { "ping": "300ms", "post": "12s" }, "limits": { "in_flight": 4, "per_second": 9, "per_minute": 90 }, "repeatable": false, "price_at_post": "lower", "duplicate_after_doubt": "accepted" }
            """)).Buyers["acme"].Endpoints["http"];
        endpoint.ShouldSatisfyAllConditions(
            () => endpoint.Connector.ShouldBe(ConnectorKind.Http),
            () => endpoint.Buyer.ShouldBe("acme"),
            () => endpoint.With["host"].ShouldBe(new("a.example", null)),
            () => endpoint.With["path"].ShouldBe(new("api", null)),
            () => endpoint.SecretNames.ShouldBe(["acme-key"]),
            () => (endpoint.PingTimeout, endpoint.PostTimeout).ShouldBe((TimeSpan.FromMilliseconds(300), TimeSpan.FromSeconds(12))),
            () => endpoint.Limits.ShouldBe(new(4, 9, 90)),
            () => (endpoint.Repeatable, endpoint.PriceAtPost, endpoint.DuplicateAfterDoubt).ShouldBe((false, PriceAtPost.Lower, DuplicateAfterDoubt.Accepted)),
            () => endpoint.Test!.With["host"].Text.ShouldBe("test.a.example"),
            () => endpoint.Test!.With["key"].SecretName.ShouldBe("acme-key"),
            () => endpoint.CanPing.ShouldBeTrue());
    }

    [Fact]
    public void Endpoint_BuiltIn_MayHaveTestAndLimits()
    {
        var endpoints = Catalogs.Model(ConfigPatch.Set(
            ConfigPatch.Set(Catalogs.Json(Catalogs.Basic), ["buyers", "acme", "endpoints", "crm", "test"], Catalogs.Json("""{ "with": { "url": "https://test.acme.example/" } }""")),
            ["buyers", "acme", "endpoints", "hook", "test"], Catalogs.Json("{}"))).Buyers["acme"].Endpoints;
        endpoints["crm"].Test!.Url.ShouldBe(new Uri("https://test.acme.example/"));
        endpoints["crm"].Test!.SecretName.ShouldBe("acme-key");
        endpoints["crm"].Url.ShouldBe(new Uri("https://crm.acme.example/copies"));
        endpoints["hook"].Test!.Url.ShouldBe(endpoints["hook"].Url);
        endpoints["inbox"].Test.ShouldBeNull();
    }

    [Theory]
    // keys | value | code | path of the error
    [InlineData("connectors webhook", "{ \"post\": { \"url\": \"https://a.example/\", \"reply\": { \"accepted_when\": { \"at\": \"a\", \"is\": 1 } } } }", "reserved_name", "connectors.webhook")]
    [InlineData("connectors theirs post", "-", "missing_key", "connectors.theirs.post")]
    [InlineData("connectors theirs pong", "{}", "unknown_key", "connectors.theirs.pong")]
    [InlineData("connectors theirs needs", "[\"host\", \"key\", \"a-b\"]", "invalid_format", "connectors.theirs.needs[2]")]
    [InlineData("connectors theirs defaults", "{ \"path\": \"x\", \"host\": \"y\" }", "conflict", "connectors.theirs.defaults.host")]
    [InlineData("connectors theirs maps cover", "{ \"minimum\": \"a\", \"Minimum\": \"b\" }", "repeated", "connectors.theirs.maps.cover.Minimum")]
    [InlineData("connectors theirs common url", "-", "missing_key", "connectors.theirs.ping.url")]
    [InlineData("connectors theirs common url", "\"ftp://a.example/\"", "invalid_url", "connectors.theirs.common.url")]
    [InlineData("connectors theirs common url", "\"https://127.0.0.1/\"", "invalid_url", "connectors.theirs.common.url")]
    [InlineData("connectors theirs common url", "[]", "wrong_type", "connectors.theirs.common.url")]
    [InlineData("connectors theirs post method", "\"SEND\"", "unknown_value", "connectors.theirs.post.method")]
    [InlineData("connectors theirs post method", "\"GET\"", "conflict", "connectors.theirs.post.form")]
    [InlineData("connectors theirs post json", "{}", "conflict", "connectors.theirs.post.json")]
    [InlineData("connectors theirs post headers Host", "\"a\"", "reserved_name", "connectors.theirs.post.headers.Host")]
    [InlineData("connectors theirs post headers", "{ \"X Y\": \"a\" }", "invalid_format", "connectors.theirs.post.headers.X Y")]
    [InlineData("connectors theirs post auth", "{}", "missing_key", "connectors.theirs.post.auth")]
    [InlineData("connectors theirs post auth", "{ \"basic\": { \"user\": \"u\" } }", "missing_key", "connectors.theirs.post.auth.basic.password")]
    [InlineData("connectors theirs post auth", "{ \"bearer\": \"x\", \"basic\": { \"user\": \"u\", \"password\": \"p\" } }", "conflict", "connectors.theirs.post.auth")]
    [InlineData("connectors theirs post auth", "{ \"oauth2\": { \"token_url\": \"https://a.example/t\", \"client_id\": \"{{ lead.zip }}\", \"client_secret\": \"s\" } }", "field_not_here", "connectors.theirs.post.auth.oauth2.client_id")]
    // what templates read
    [InlineData("connectors theirs post form Phone", "\"{{{\"", "invalid_template", "connectors.theirs.post.form.Phone")]
    [InlineData("connectors theirs post form Phone", "\"{{ lead }}\"", "unknown_name", "connectors.theirs.post.form.Phone")]
    [InlineData("connectors theirs post form Phone", "\"{{ leads.phone }}\"", "unknown_name", "connectors.theirs.post.form.Phone")]
    [InlineData("connectors theirs post form Phone", "\"{{ with.hots }}\"", "unknown_name", "connectors.theirs.post.form.Phone")]
    [InlineData("connectors theirs post form Phone", "\"{{ ping.no }}\"", "unknown_name", "connectors.theirs.post.form.Phone")]
    [InlineData("connectors theirs post form Phone", "\"{{ sale.buyer }}\"", "unknown_name", "connectors.theirs.post.form.Phone")]
    [InlineData("connectors theirs post form Phone", "\"{{ source.name }}\"", "unknown_name", "connectors.theirs.post.form.Phone")]
    [InlineData("connectors theirs post form Phone", "\"{{ test.x }}\"", "unknown_name", "connectors.theirs.post.form.Phone")]
    [InlineData("connectors theirs post form Phone", "\"{{ loss.reason }}\"", "field_not_here", "connectors.theirs.post.form.Phone")]
    [InlineData("connectors theirs post form Phone", "\"{{ lead.cover | map: 'covers' }}\"", "unknown_map", "connectors.theirs.post.form.Phone")]
    [InlineData("connectors theirs post form Phone", "\"{{ lead.fone }}\"", "unknown_field", "connectors.theirs.post.form.Phone")]
    [InlineData("connectors theirs ping form Mode", "\"{{ sale.id }}\"", "field_not_here", "connectors.theirs.ping.form.Mode")]
    [InlineData("connectors theirs ping form Mode", "\"{{ consent.ip }}\"", "field_not_here", "connectors.theirs.ping.form.Mode")]
    [InlineData("connectors theirs ping form Mode", "\"{{ ping.id }}\"", "field_not_here", "connectors.theirs.ping.form.Mode")]
    [InlineData("connectors theirs lost form Why", "\"{{ sale.price }}\"", "field_not_here", "connectors.theirs.lost.form.Why")]
    [InlineData("connectors theirs lost form Why", "\"{{ consent.page }}\"", "field_not_here", "connectors.theirs.lost.form.Why")]
    [InlineData("connectors theirs common form Zip", "\"{{ consent.ip }}\"", "field_not_here", "connectors.theirs.common.form.Zip")]
    [InlineData("connectors theirs common form Zip", "\"{{ consent.text }}\"", "field_not_here", "connectors.theirs.common.form.Zip")]
    // replies
    [InlineData("connectors theirs check reply", "-", "missing_key", "connectors.theirs.check.reply.accepted_when")]
    [InlineData("connectors theirs ping reply bid", "\"a\"", "unknown_key", "connectors.theirs.ping.reply.bid")]
    [InlineData("connectors theirs ping reply accepted_when", "{ \"at\": \"a\", \"is\": 1 }", "misplaced_key", "connectors.theirs.ping.reply.accepted_when")]
    [InlineData("connectors theirs ping reply each", "\"body\"", "invalid_format", "connectors.theirs.ping.reply.each")]
    [InlineData("connectors theirs ping reply carry", "{ \"my-id\": \"a\" }", "invalid_format", "connectors.theirs.ping.reply.carry.my-id")]
    [InlineData("connectors theirs post reply accepted_when", "-", "missing_key", "connectors.theirs.post.reply.accepted_when")]
    [InlineData("connectors theirs post reply accepted_when", "{ \"field\": \"a\", \"is\": 1 }", "missing_key", "connectors.theirs.post.reply.accepted_when")]
    [InlineData("connectors theirs post reply accepted_when", "{ \"at\": \"a\", \"equals\": 1 }", "unknown_key", "connectors.theirs.post.reply.accepted_when.equals")]
    [InlineData("connectors theirs post reply accepted_when", "{ \"at\": \"a\", \"is\": 1, \"in\": [1] }", "missing_key", "connectors.theirs.post.reply.accepted_when")]
    [InlineData("connectors theirs post reply accepted_when", "{ \"at\": \"a..b\", \"is\": 1 }", "invalid_format", "connectors.theirs.post.reply.accepted_when.at")]
    [InlineData("connectors theirs post reply accepted_when", "{ \"at\": \"a\", \"at_least\": \"x\" }", "invalid_format", "connectors.theirs.post.reply.accepted_when.at_least")]
    [InlineData("connectors theirs post reply accepted_when", "{ \"at\": \"a\", \"between\": [2, 1] }", "invalid_format", "connectors.theirs.post.reply.accepted_when.between")]
    [InlineData("connectors theirs post reply accepted_when", "{ \"at\": \"a\", \"matches\": \"(a)\\\\1\" }", "invalid_format", "connectors.theirs.post.reply.accepted_when.matches")]
    [InlineData("connectors theirs post reply accepted_when", "{ \"at\": \"a\", \"in\": { \"list\": \"none\" } }", "unknown_list", "connectors.theirs.post.reply.accepted_when.in.list")]
    [InlineData("connectors theirs post reply ref", "{ \"at\": \"a\", \"map\": \"none\" }", "unknown_map", "connectors.theirs.post.reply.ref.map")]
    [InlineData("connectors theirs post reply ref", "[]", "empty", "connectors.theirs.post.reply.ref")]
    [InlineData("connectors theirs check reply rejected_when", "-", "missing_key", "connectors.theirs.check.reply.accepted_when")]
    [InlineData("connectors theirs lost reply", "{}", "misplaced_key", "connectors.theirs.lost.reply")]
    // endpoints
    [InlineData("buyers acme endpoints http connector", "\"there\"", "unknown_value", "buyers.acme.endpoints.http.connector")]
    [InlineData("buyers acme endpoints http with key", "-", "missing_key", "buyers.acme.endpoints.http.with.key")]
    [InlineData("buyers acme endpoints http with", "-", "missing_key", "buyers.acme.endpoints.http.with.host")]
    [InlineData("buyers acme endpoints http with hots", "\"x\"", "unknown_key", "buyers.acme.endpoints.http.with.hots")]
    [InlineData("buyers acme endpoints http with key", "{ \"secret\": \"nobodys\" }", "unknown_secret", "buyers.acme.endpoints.http.with.key.secret")]
    [InlineData("buyers acme endpoints http test", "{ \"with\": { \"keys\": \"x\" } }", "unknown_key", "buyers.acme.endpoints.http.test.with.keys")]
    [InlineData("buyers acme endpoints http timeout", "{ \"ping\": \"11s\" }", "out_of_range", "buyers.acme.endpoints.http.timeout.ping")]
    [InlineData("buyers acme endpoints http limits", "{ \"per_hour\": 4 }", "unknown_key", "buyers.acme.endpoints.http.limits.per_hour")]
    [InlineData("buyers acme endpoints http price_at_post", "\"raise\"", "unknown_value", "buyers.acme.endpoints.http.price_at_post")]
    [InlineData("buyers acme endpoints hook price_at_post", "\"lower\"", "misplaced_key", "buyers.acme.endpoints.hook.price_at_post")]
    [InlineData("buyers acme endpoints crm price_at_post", "\"lower\"", "misplaced_key", "buyers.acme.endpoints.crm.price_at_post")]
    [InlineData("buyers acme endpoints line", "{ \"connector\": \"grpc\", \"price_at_post\": \"lower\" }", "misplaced_key", "buyers.acme.endpoints.line.price_at_post")]
    [InlineData("buyers acme endpoints line", "{ \"connector\": \"grpc\", \"limits\": { \"in_flight\": 4, \"per_second\": 2 } }", "misplaced_key", "buyers.acme.endpoints.line.limits.per_second")]
    [InlineData("buyers acme endpoints line", "{ \"connector\": \"grpc\", \"limits\": { \"per_minute\": 2 } }", "misplaced_key", "buyers.acme.endpoints.line.limits.per_minute")]
    [InlineData("buyers acme endpoints inbox", "{ \"connector\": \"inbox\", \"limits\": { \"in_flight\": 2 } }", "misplaced_key", "buyers.acme.endpoints.inbox.limits.in_flight")]
    [InlineData("buyers acme endpoints http timeout", "{ \"adaptive\": 5 }", "invalid_format", "buyers.acme.endpoints.http.timeout.adaptive")]
    public void Catalog_WithOneWrongThing_IsRefusedThere(string keys, string value, string code, string path) =>
        Catalogs.Compile(Catalog(keys, value)).Errors.Errors.Select(error => (error.Code, error.Pointer)).Distinct().ShouldContain((code, path));

    [Fact]
    public void Endpoint_OfAConnectedBuyer_HasABoundOfWhatIsUnderWay() =>
        Catalogs.Model(Catalog("buyers acme endpoints line", """{ "connector": "grpc", "limits": { "in_flight": 4 }, "duplicate_after_doubt": "accepted" }""")).Buyers["acme"].Endpoints["line"].Limits
            .ShouldBe(new(4));

    [Theory]
    [InlineData("post form Sale", "{{ sale.price }}", false)]
    [InlineData("post form Sale", "{{ sale.bid }}", true)]
    [InlineData("check query sale", "{{ sale.bid }}", true)]
    public void Endpoint_WhoseConnectorTellsTheBid_SaysSo(string place, string template, bool reads) =>
        Catalogs.Model(Catalog("connectors theirs " + place, $"\"{template}\"")).Buyers["acme"].Endpoints["http"].ReadsBid.ShouldBe(reads);

    [Fact]
    public void Common_WrongThing_IsToldOnce() =>
        Catalogs.Compile(Catalog("connectors theirs common form Zip", "\"{{ leed.zip }}\"")).Errors.Errors.Where(error => error.Code == "unknown_name").ShouldHaveSingleItem();

    [Theory]
    // what the ping reads | refused as
    [InlineData("{{ lead.age }}", null)]
    [InlineData("{{ lead.phone }}", "field_not_here")]
    [InlineData("{{ lead.notes }}", "field_not_here")]
    [InlineData("{{ lead.agee }}", "unknown_field")]
    [InlineData("{{ lead.phone_sha256 }}", "field_not_here")]
    public void Ping_OfALiveBid_ReadsWhatAPingMayCarry(string template, string? code)
    {
        var root = Catalog("connectors theirs ping form Mode", $"\"{template}\"");
        root = ConfigPatch.Set(root, ["verticals", "auto", "fields", "phone", "ping"], Catalogs.Json("\"hashed\""));
        root = ConfigPatch.Set(root, ["campaigns", "acme-a", "bid", "live"], Catalogs.Json("\"http\""));
        var errors = Catalogs.Compile(root).Errors.Errors.Where(error => error.Pointer == "connectors.theirs.ping.form.Mode").Select(error => error.Code).ToArray();
        errors.ShouldBe(code is null ? [] : [code]);
    }

    [Fact]
    public void Campaigns_OfAnotherVertical_AreAskedForTheirFieldsToo()
    {
        // solar has no `state`, and nobody there sends through it until this campaign does.
        var root = Catalog("connectors theirs post form State", "\"{{ lead.state }}\"");
        Catalogs.Compile(root).Errors.Errors.ShouldBeEmpty();
        root = ConfigPatch.Set(root, ["campaigns", "sun"], Catalogs.Json("""{ "buyer": "acme", "vertical": "solar", "bid": "1.00", "delivery": { "to": ["http"] } }"""));
        Catalogs.Compile(root).Errors.Errors.Select(error => (error.Code, error.Pointer)).ShouldContain(("unknown_field", "connectors.theirs.post.form.State"));
    }
}
