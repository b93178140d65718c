using System.Text;
using Exchange.Engine.Catalog;
using Exchange.Grains.Intake;

namespace Exchange.Server.Admin;

/// <summary>A catalog list's values as plain text, one a line: for lists that another system keeps.</summary>
internal static class ListRoutes
{
    public static void MapListRoutes(this IEndpointRouteBuilder routes)
    {
        routes.Read("/v1/admin/lists/{id}", "A list's values, one a line; phone numbers and e-mail addresses masked for a viewer.", GetAsync).Produces(200, contentType: "text/plain");
        routes.Change(HttpMethods.Put, "/v1/admin/lists/{id}", "Replace a list's values: text, one a line. If-Match is optional.", PutAsync)
            .ProducesProblem(404).ProducesProblem(412).ProducesProblem(422);
    }

    private static async Task<Reply> GetAsync(ApiCall call)
    {
        var (version, whole) = await call.Catalog.NewestAsync(call.Cancel);
        var root = CatalogSource.For(call.Caller.Role, whole);
        if (ConfigPatch.Find(root, "lists", call.Route("id")) is not ConfigMap list) return Unknown();
        var values = ConfigPatch.Find(list, "values") is ConfigList { Items: var items } ? items.OfType<ConfigText>() : [];
        return new Reply(200, Encoding.UTF8.GetBytes(string.Concat(values.Select(value => value.Text + "\n"))), "text/plain; charset=utf-8") { Version = version };
    }

    private static async Task<Reply> PutAsync(ApiCall call)
    {
        var precondition = default(Precondition);
        if (call.Request.Headers.IfMatch.Count > 0 && Precondition.Read(call.Request, out precondition) is { } wrong) return wrong;
        var (bytes, _, problem) = await Body.ReadAsync(call, Engine.Limits.CatalogBytes, "text/plain");
        if (problem is not null) return problem;
        var id = call.Route("id");
        var path = $"lists.{id}.values";
        var values = Lines(bytes).Select((text, index) => (ConfigNode)new ConfigText(ConfigErrors.At(path, index), index + 1, text)).ToList();
        return await CatalogChanges.ApplyAsync(call, precondition, root => ConfigPatch.Find(root, "lists", id) is ConfigMap
            ? (ConfigPatch.Set(root, ["lists", id, "values"], new ConfigList(path, 1, values)), null)
            : (null, Unknown()));
    }

    /// <summary>Lines without their surrounding spaces; empty ones are left out.</summary>
    private static string[] Lines(byte[] utf8) =>
        Encoding.UTF8.GetString(utf8).Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

    private static Problem Unknown() => ApiCall.NotFound("The catalog has no such list; add it with its type first.");
}
