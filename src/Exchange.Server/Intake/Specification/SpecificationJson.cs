using System.Text.Json;
using System.Text.Json.Nodes;
using Exchange.Engine.Catalog;

namespace Exchange.Server.Intake.Specification;

/// <summary>A posting specification for programs.</summary>
internal static class SpecificationJson
{
    public static byte[] Write(PostingSpecification of) => JsonSerializer.SerializeToUtf8Bytes(new JsonObject
    {
        ["publisher"] = of.Publisher.Id,
        ["vertical"] = of.Word,
        ["status"] = of.Publisher.Status.Wire(),
        ["currency"] = of.Currency,
        ["offer_seconds"] = (long)of.Vertical.PingTtl.TotalSeconds,
        ["ping_deadline_ms"] = (long)of.Vertical.PingDeadline.TotalMilliseconds,
        ["post_deadline_ms"] = (long)of.Vertical.PostDeadline.TotalMilliseconds,
        ["consent"] = of.Vertical.Consent switch { ConsentLevel.None => "none", ConsentLevel.Proof => "proof", _ => "named" },
        ["unknown_fields"] = of.Publisher.Intake.IgnoresUnknown ? "ignore" : "refuse",
        ["fields"] = new JsonArray([.. of.Fields.Select(Field)]),
        ["samples"] = new JsonObject { ["ping"] = Sample(SampleCalls.Ping(of)), ["post"] = Sample(SampleCalls.Post(of)) },
    }, SampleCalls.Indented);

    private static JsonObject Field(FieldSpecification field) => new()
    {
        ["name"] = field.Name, ["other_names"] = List(field.OtherNames), ["type"] = field.Type, ["ping"] = field.Ping, ["post"] = field.Post,
        ["values"] = List(field.Values), ["rules"] = List(field.Rules), ["contact"] = field.IsContact, ["sample"] = field.Sample,
    };

    private static JsonObject Sample(SampleCall call) => new() { ["method"] = "POST", ["path"] = call.Path, ["request"] = call.Request, ["reply"] = call.Reply };

    private static JsonArray List(IReadOnlyList<string> texts) => new([.. texts.Select(text => JsonValue.Create(text))]);
}
