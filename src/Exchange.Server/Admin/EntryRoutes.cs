using System.Text.Json;
using Exchange.Engine.Caps;
using Exchange.Engine.Catalog;
using Exchange.Grains.Intake;

namespace Exchange.Server.Admin;

/// <summary>
/// One entry of the catalog by its id, the same for every section: read, and changed by a JSON merge patch that is applied as a whole
/// new catalog version. Publishers and trees are read with their caps as they stand; campaigns and buyers with their live state elsewhere.
/// </summary>
internal static class EntryRoutes
{
    private static readonly string[] Patched = ["campaigns", "buyers", "publishers", "ping_trees", "verticals"];
    private static readonly string[] Plain = ["publishers", "ping_trees", "verticals"];
    private static readonly string[] Capped = ["campaigns", "buyers", "publishers", "ping_trees"];

    public static void MapEntryRoutes(this IEndpointRouteBuilder routes)
    {
        foreach (var section in Plain)
        {
            routes.Read($"/v1/admin/{section}", $"The catalog's {section}.", call => ListAsync(call, section));
            routes.Read($"/v1/admin/{section}/{{id}}", "One entry as the catalog has it.", call => GetAsync(call, section)).ProducesProblem(404);
        }
        foreach (var section in Patched)
        {
            routes.Change(HttpMethods.Patch, $"/v1/admin/{section}/{{id}}", "Change an entry by a JSON merge patch (RFC 7396). If-Match is the catalog's version.", call => PatchAsync(call, section))
                .ProducesProblem(404).ProducesProblem(412).ProducesProblem(422).ProducesProblem(428);
        }
        foreach (var section in Capped)
        {
            routes.Change(HttpMethods.Patch, $"/v1/admin/{section}/{{id}}/caps/{{cap}}", "Change one cap by its name, such as day.leads: {\"leads\": 5} or {\"limit\": 5}.", call => PatchCapAsync(call, section))
                .ProducesProblem(404).ProducesProblem(412).ProducesProblem(422).ProducesProblem(428);
        }
    }

    /// <summary>The entry's own members as written, without its id, into an object that is being written.</summary>
    public static void WriteMembers(Utf8JsonWriter json, ConfigNode entry)
    {
        if (entry is not ConfigMap map) return;
        foreach (var (key, value) in map.Entries)
        {
            json.WritePropertyName(key);
            ConfigJson.Write(value, json);
        }
    }

    private static async Task<Reply> ListAsync(ApiCall call, string section)
    {
        var (version, root) = await call.Catalog.NewestAsync(call.Cancel);
        var entries = root.Find(section) is ConfigMap map ? map.Entries : [];
        return Reply.Json(json => json.WriteObjects(section, entries, entry =>
        {
            json.WriteString("id", entry.Key);
            WriteMembers(json, entry.Value);
        })) with { Version = version };
    }

    private static async Task<Reply> GetAsync(ApiCall call, string section)
    {
        var (version, root) = await call.Catalog.NewestAsync(call.Cancel);
        var id = call.Route("id");
        if (ConfigPatch.Find(root, section, id) is not { } entry) return ApiCall.NotFound("The catalog has no such entry.");
        return Reply.Json(json =>
        {
            json.WriteString("id", id);
            WriteMembers(json, entry);
            WriteState(json, call, section, id);
        }) with { Version = version };
    }

    /// <summary>Caps as they stand, of the version that is being served: the stored one is a moment ahead of it at most.</summary>
    private static void WriteState(Utf8JsonWriter json, ApiCall call, string section, string id)
    {
        var model = call.Catalog.Current;
        var (caps, scope) = section switch
        {
            "publishers" => (model.Publishers.GetValueOrDefault(id)?.Caps, CapScope.Publisher),
            "ping_trees" => (model.Trees.GetValueOrDefault(id)?.Caps, CapScope.Tree),
            _ => (null, default),
        };
        if (caps is null) return;
        json.WriteStartObject("state");
        CapState.Write(json, "caps", call.Catalog.StateOf(caps), scope);
        json.WriteEndObject();
    }

    private static async Task<Reply> PatchAsync(ApiCall call, string section)
    {
        if (Precondition.Read(call.Request, out var precondition) is { } missing) return missing;
        var (patch, problem) = await ReadPatchAsync(call);
        if (problem is not null) return problem;
        if (patch is not ConfigMap) return Problem.Of(400, "malformed", "A merge patch of an entry is a JSON object.");
        var id = call.Route("id");
        return await CatalogChanges.ApplyAsync(call, precondition, root => ConfigPatch.Find(root, section, id) is { } entry
            ? (ConfigPatch.Set(root, [section, id], ConfigPatch.Merge(entry, patch)), null)
            : (null, ApiCall.NotFound("The catalog has no such entry.")));
    }

    private static async Task<Reply> PatchCapAsync(ApiCall call, string section)
    {
        if (Precondition.Read(call.Request, out var precondition) is { } missing) return missing;
        var (patch, problem) = await ReadPatchAsync(call);
        if (problem is not null) return problem;
        var cap = call.Route("cap");
        return await CatalogChanges.ApplyAsync(call, precondition, root =>
        {
            var errors = new ConfigErrors();
            var changed = ConfigPatch.MergeCap(root, section, call.Route("id"), cap, patch!, errors);
            if (changed is not null) return (changed, null);
            var first = errors.Errors[0];
            return (null, first.Code is "unknown_id" or "unknown_cap" ? ApiCall.NotFound(first.Message) : Problem.Invalid(errors.Errors));
        });
    }

    private static async Task<(ConfigNode? Patch, Problem? Problem)> ReadPatchAsync(ApiCall call)
    {
        var (bytes, _, problem) = await Body.ReadAsync(call, Engine.Limits.BodyBytes, Reply.JsonType, "application/merge-patch+json");
        if (problem is not null) return (null, problem);
        var errors = new ConfigErrors();
        var patch = ConfigJson.Parse(bytes, errors);
        if (patch is null) return (null, Problem.Of(400, "malformed", "The body is not JSON that can be read."));
        return errors.Any ? (null, Problem.Invalid(errors.Errors)) : (patch, null);
    }
}
