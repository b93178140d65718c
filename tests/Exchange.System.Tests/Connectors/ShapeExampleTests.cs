using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Exchange.Delivery;
using Exchange.Delivery.Bidders;
using Exchange.Delivery.Connectors;
using Exchange.Delivery.Templates;
using Exchange.Engine.Connectors;
using Shouldly;

namespace Exchange.System.Tests.Connectors;

/// <summary>
/// The example files of each product: what is sent, down to the last member, and what each of its replies means. <c>exemplary</c> is how it goes,
/// <c>supplemental</c> how it goes wrong. No socket: a connector builds requests and reads replies.
/// </summary>
public sealed class ShapeExampleTests
{
    public static TheoryData<string> Files => [.. Shape.Names.SelectMany(name => Directory.GetFiles(Shape.Folder(name), "*.json", SearchOption.AllDirectories)
        .Select(file => $"{name}/{Path.GetRelativePath(Shape.Folder(name), file).Replace('\\', '/')}")).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Files))]
    public void Example_IsSentAndReadAsWritten(string file)
    {
        var example = JsonNode.Parse(File.ReadAllText(Shape.Folder(file)))!.AsObject();
        var endpoint = Shape.Read(file.Split('/')[0]).Endpoint;
        var request = (example["phase"]!.ToString() switch { "ping" => endpoint.Shape!.Ping, "post" => endpoint.Shape!.Post, _ => endpoint.Shape!.Check }).ShouldNotBeNull();
        var fields = example["fields"]!.AsObject().Select(field => Field(field.Key, field.Value!)).ToArray();
        var (consent, sub, test) = (example["consent"] is not null, example["sub"] is not null, example["test"] is not null);
        var carried = example["carried"]?.AsObject().ToDictionary(pair => pair.Key, pair => pair.Value!.ToString());
        var scope = request.Phase == RequestPhase.Ping
            ? TemplateScope.Of(endpoint, Shape.Secrets, Shape.Call(fields, consent, sub, test), Shape.Now)
            : TemplateScope.Of(endpoint, Shape.Secrets, Shape.Message(fields, carried, consent, sub, test), Shape.Now);
        Sent(HttpRequests.Build(request, scope, null), example);
        foreach (var reply in example["replies"]!.AsArray())
        {
            var body = reply!["body"] is { } written && written.GetValueKind() != JsonValueKind.String ? written.ToJsonString() : reply["body"]!.ToString();
            var outbound = new OutboundReply(true, (int)reply["status"]!, Encoding.UTF8.GetBytes(body), null,
                reply["retry_after"] is { } after ? new RetryConditionHeaderValue(TimeSpan.FromSeconds((int)after)) : null) { ContentType = reply["type"]?.ToString() };
            var told = request.Phase switch
            {
                RequestPhase.Ping => Told.Of(HttpBidder.Read(request.Bids!, outbound, "USD")),
                RequestPhase.Check => Told.Of(Http.Checked(request, outbound, Shape.Now)),
                _ => Told.Of(Http.Read(request, outbound, Shape.Now)),
            };
            told.ShouldBe(reply["gives"]!.ToString(), body);
        }
    }

    [Fact]
    public void Shapes_AreTheProductsThatAreNamed() =>
        Shape.Names.ShouldBe(["boberdoo", "leadexec", "leadprosper", "leadspedia", "phonexa", "plain-text", "px", "px-xml"]);

    private static OutField Field(string name, JsonNode value) => new(name, value.ToString(), value.GetValueKind() switch
    {
        JsonValueKind.Number => OutKind.Number,
        JsonValueKind.True or JsonValueKind.False => OutKind.Boolean,
        _ => OutKind.Text,
    });

    private static void Sent(OutboundRequest request, JsonObject example)
    {
        $"{request.Method} {request.Url.AbsoluteUri}".ShouldBe(example["sends"]!.ToString());
        if (example["content_type"] is { } type) request.ContentType.ShouldBe(type.ToString());
        foreach (var (name, value) in example["headers"]?.AsObject() ?? []) request.Headers.ShouldContain(new KeyValuePair<string, string>(name, value!.ToString()));
        var body = request.Body is null ? null : Encoding.UTF8.GetString(request.Body);
        switch (example["body"])
        {
            case null:
                body.ShouldBeNull();
                break;
            case JsonObject form when request.ContentType == HttpRequests.FormType:
                body!.Split('&').Select(pair => pair.Split('=')).Select(pair => $"{Uri.UnescapeDataString(pair[0])}={Uri.UnescapeDataString(pair[1])}")
                    .ShouldBe(form.Select(field => $"{field.Key}={field.Value!.ToString()}"));
                break;
            case JsonObject json:
                body.ShouldBe(json.ToJsonString(new() { Encoder = global::System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }).Replace("{copy}", Shape.Copy.ToString(), StringComparison.Ordinal));
                break;
            case var text:
                body.ShouldBe(text.ToString());
                break;
        }
    }
}
