using System.Text;
using System.Text.Unicode;
using Exchange.Engine.Fields;
using Exchange.Grains.Intake;

namespace Exchange.Server.Admin;

/// <summary>Secrets that the catalog names: written, listed by name, never read back.</summary>
internal static class SecretRoutes
{
    private const int NameChars = 63;
    private const int ValueBytes = 16 * 1024;

    public static void MapSecretRoutes(this IEndpointRouteBuilder routes)
    {
        routes.Read("/v1/admin/secrets", "Names of the secrets that are set.", ListAsync);
        routes.Change(HttpMethods.Put, "/v1/admin/secrets/{name}", "Set a secret: text/plain, or JSON {\"value\"}.", PutAsync).ProducesProblem(422);
    }

    private static async Task<Reply> ListAsync(ApiCall call)
    {
        var names = await call.Store.Access.SecretNamesAsync(call.Cancel);
        return Reply.Json(json =>
        {
            json.WriteStartArray("secrets");
            foreach (var name in names) json.WriteStringValue(name);
            json.WriteEndArray();
        });
    }

    private static async Task<Reply> PutAsync(ApiCall call)
    {
        var name = call.Route("name");
        if (name.Length > NameChars || !char.IsAsciiLetterOrDigit(name[0]) || name.Any(c => !char.IsAsciiLetterOrDigit(c) && c is not ('_' or '-' or '.')))
            return Problem.Invalid([new InputError("/name", "invalid_format", $"A secret's name has at most {NameChars} letters, digits, -, _ and . and starts with a letter or digit.")]);
        var (bytes, mediaType, problem) = await Body.ReadAsync(call, ValueBytes, "text/plain", Reply.JsonType);
        if (problem is not null) return problem;
        string value;
        if (mediaType == Reply.JsonType)
        {
            if (Members.Parse(bytes, out var members, "value") is { } unreadable) return unreadable;
            value = members.Required("value", ValueBytes);
            if (members.Problem is { } invalid) return invalid;
        }
        else
        {
            // A file's last line break is not part of the secret in it.
            if (!Utf8.IsValid(bytes)) return Problem.Invalid([new InputError("", "invalid_format", "A secret is text in UTF-8; send bytes as Base64 or as whsec_ and Base64.")]);
            value = Encoding.UTF8.GetString(bytes).TrimStart('\uFEFF').TrimEnd('\r', '\n');
            if (value.Length == 0) return Problem.Invalid([new InputError("", "missing_field", "The body is the secret; it is empty.")]);
        }
        // Before anything changes: no line in the audit, no other secret. And not to be broken off between the two because the caller left.
        await call.Store.Access.AuditAsync(call.Caller.Name, "secret.put", name, null, call.NowMs, CancellationToken.None);
        await call.Store.Access.PutSecretAsync(name, Encoding.UTF8.GetBytes(value), call.NowMs, CancellationToken.None);
        return Reply.Json(json => json.WriteString("name", name));
    }
}
