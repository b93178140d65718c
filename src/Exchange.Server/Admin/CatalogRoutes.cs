using System.Globalization;
using System.Text;
using Exchange.Engine.Catalog;
using Exchange.Grains.Intake;
using Exchange.Server.Catalog;
using Exchange.Storage;
using Microsoft.Net.Http.Headers;

namespace Exchange.Server.Admin;

/// <summary>The whole catalog: read, planned, applied, its history, and back to an earlier version.</summary>
internal static class CatalogRoutes
{
    private const string Yaml = "application/yaml";

    public static void MapCatalogRoutes(this IEndpointRouteBuilder routes)
    {
        routes.Read("/v1/admin/catalog", "The catalog as YAML (default) or JSON; ?version= for an earlier one. ETag is the version. A viewer sees phone numbers and e-mail addresses of lists masked.", GetAsync)
            .Produces(200, contentType: Yaml);
        routes.Change(HttpMethods.Put, "/v1/admin/catalog", "Apply a whole catalog, or with ?dry_run=true say what it would change.", PutAsync)
            .ProducesProblem(412).ProducesProblem(422).ProducesProblem(428);
        routes.Read("/v1/admin/catalog/history", "Versions, newest first.", HistoryAsync).ProducesProblem(422);
        routes.Change(HttpMethods.Post, "/v1/admin/catalog/rollback", "Apply an earlier version again, as a new one.", RollbackAsync)
            .ProducesProblem(412).ProducesProblem(428);
    }

    private static async Task<Reply> GetAsync(ApiCall call)
    {
        if (Wanted(call.Request) is not { } mediaType) return Problem.Of(406, "not_acceptable", "The catalog is written as application/yaml or application/json.");
        long version;
        ConfigMap root;
        if (call.Query("version") is { } text)
        {
            if (await FindAsync(call, text) is not { } found) return ApiCall.NotFound("There is no such version.");
            (version, root) = found;
        }
        else (version, root) = await call.Catalog.NewestAsync(call.Cancel);
        var numbered = CatalogSource.Numbered(CatalogSource.For(call.Caller.Role, root), version);
        var body = mediaType == Yaml ? Encoding.UTF8.GetBytes(CatalogYaml.Write(numbered)) : ConfigJson.Write(numbered, indented: true);
        return new Reply(200, body, mediaType == Yaml ? Yaml + "; charset=utf-8" : Reply.JsonType) { Version = version };
    }

    private static async Task<Reply> PutAsync(ApiCall call)
    {
        var dryRun = call.QueryFlag("dry_run");
        // A plan changes nothing, so it need not say what it saw.
        if (Precondition.Read(call.Request, out var precondition) is { } missing && !dryRun) return missing;
        var (bytes, mediaType, problem) = await Body.ReadAsync(call, Engine.Limits.CatalogBytes, Yaml, Reply.JsonType, "text/yaml", "application/x-yaml");
        if (problem is not null) return problem;
        var current = await call.Store.Catalog.LatestVersionAsync(call.Cancel);
        if (!precondition.Holds(current)) return Precondition.Conflict(current);

        var errors = new ConfigErrors();
        var read = mediaType == Reply.JsonType ? ConfigJson.Parse(bytes, errors) : CatalogYaml.Read(bytes, errors);
        if (read is null) return Problem.Invalid(errors.Errors) with { Status = 400, Code = "malformed" };
        var (root, fileVersion) = CatalogSource.TakeVersion(read, errors);
        var overwrite = precondition.Expected is null && call.Request.Headers.IfMatch.Count > 0;
        if (fileVersion < current && !overwrite) return Precondition.Conflict(current);

        // What is wrong with the text is told together with what is wrong with its meaning.
        var outcome = await call.Catalog.ApplyAsync(root, precondition.Expected, call.Caller.Name, dryRun || errors.Any, call.Cancel);
        if (errors.Any) return Problem.Invalid([.. errors.Errors, .. outcome.Errors]);
        return CatalogChanges.Answer(outcome, dryRun);
    }

    private static async Task<Reply> HistoryAsync(ApiCall call)
    {
        if (call.ReadLimit(out var limit) is { } problem) return problem;
        var page = await call.Store.Catalog.HistoryAsync(limit, call.Query("cursor"), call.Cancel);
        return Reply.Json(json =>
        {
            json.WriteObjects("versions", page.Rows, row =>
            {
                json.WriteNumber("version", row.Version);
                json.WriteTime("at", row.AtMs);
                json.WriteString("author", row.Author);
            });
            json.WriteString("next", page.Next);
        });
    }

    private static async Task<Reply> RollbackAsync(ApiCall call)
    {
        if (Precondition.Read(call.Request, out var precondition) is { } missing) return missing;
        var (members, bytes, problem) = await Members.ReadAsync(call, "version");
        if (problem is not null) return problem;
        var wanted = members.Required("version");
        if (members.Problem is { } invalid) return invalid;
        return await call.Service<Operations>().RunAsync(call, bytes, async () =>
        {
            if (await FindAsync(call, wanted) is not { } found) return ApiCall.NotFound("There is no such version.");
            return await CatalogChanges.ApplyAsync(call, precondition, _ => (found.Config, null));
        });
    }

    private static async Task<(long Version, ConfigMap Config)?> FindAsync(ApiCall call, string version) =>
        long.TryParse(version, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && await call.Catalog.ConfigAsync(number, call.Cancel) is { } config ? (number, config) : null;

    /// <summary>YAML unless JSON is asked for with a higher quality; null if neither is taken.</summary>
    private static string? Wanted(HttpRequest request)
    {
        if (request.Headers.Accept.Count == 0) return Yaml;
        if (!MediaTypeHeaderValue.TryParseList(request.Headers.Accept, out var accepted)) return Yaml;
        var yaml = Quality(accepted, Yaml);
        var json = Quality(accepted, Reply.JsonType);
        return yaml <= 0 && json <= 0 ? null : yaml >= json ? Yaml : Reply.JsonType;
    }

    /// <summary>By the most specific range that matches, as RFC 9110 section 12.5.1 says; 0 = not taken.</summary>
    private static double Quality(IEnumerable<MediaTypeHeaderValue> accepted, string mediaType)
    {
        var wanted = new MediaTypeHeaderValue(mediaType);
        return accepted.Where(range => wanted.IsSubsetOf(range))
            .OrderBy(range => range.MatchesAllTypes ? 2 : range.MatchesAllSubTypes ? 1 : 0)
            .Select(range => range.Quality ?? 1)
            .FirstOrDefault();
    }
}
