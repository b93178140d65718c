using System.Text;
using Exchange.Engine.Catalog;
using Exchange.Engine.Connectors;
using Exchange.Engine.Tests.Catalog;
using Shouldly;

namespace Exchange.Engine.Tests.Connectors;

/// <summary>Readings compiled from how a catalog writes them.</summary>
internal static class Replies
{
    public static HttpReply Reply(string body, int status = 200, string? type = null, params (string Name, string Value)[] headers) =>
        new(status, Encoding.UTF8.GetBytes(body), type, headers.ToDictionary(header => header.Name, header => header.Value));

    public static ConnectorModel Connector(string ping, string post, string maps = "{}")
    {
        var root = Catalogs.With("connectors", $$"""
            { "theirs": { "maps": {{maps}},
              "ping": { "url": "https://a.example/", "reply": {{ping}} }, "post": { "url": "https://a.example/", "reply": {{post}} } } }
            """);
        // The compiled connector is read off an endpoint that names it.
        root = ConfigPatch.Set(root, ["buyers", "acme", "endpoints", "http"], Catalogs.Json("""{ "connector": "theirs" }"""));
        return Catalogs.Model(root).Buyers["acme"].Endpoints["http"].Shape.ShouldNotBeNull();
    }

    public static PostReply Post(string reply, string maps = "{}") => Connector("""{ "price": "price" }""", reply, maps).Post.Answer.ShouldNotBeNull();

    public static PingReply Ping(string reply, string maps = "{}") => Connector(reply, """{ "accepted_when": { "at": "ok", "is": "1" } }""", maps).Ping!.Bids.ShouldNotBeNull();
}
