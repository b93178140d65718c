using System.Text;
using System.Text.Json;
using Exchange.Delivery.Templates;
using Exchange.Engine;
using Exchange.Engine.Connectors;
using Exchange.Engine.Values;

namespace Exchange.Delivery.Connectors;

/// <summary>Builds the request of a connector: pure, the same templates and values give the same bytes. What renders empty is left out.</summary>
internal static class HttpRequests
{
    private static readonly Dictionary<ReplyFormat, string> Accepts = new()
    {
        [ReplyFormat.Json] = "application/json", [ReplyFormat.Xml] = "application/xml, text/xml", [ReplyFormat.Form] = "application/x-www-form-urlencoded", [ReplyFormat.Text] = "text/plain",
    };

    /// <param name="token">Of OAuth2, where the request has it.</param>
    /// <exception cref="TemplateFaultException">It cannot be built: <c>template_failed</c>, <c>template_too_large</c>, <c>url_invalid</c>, <c>header_invalid</c>.</exception>
    public static OutboundRequest Build(RequestModel request, TemplateScope scope, string? token)
    {
        var headers = new List<KeyValuePair<string, string>>();
        string? contentType = null;
        foreach (var (name, template) in request.Headers)
        {
            if (Header(template, scope) is not { Length: > 0 } value) continue;
            if (name.Equals("Content-Type", StringComparison.OrdinalIgnoreCase)) contentType = value;
            else headers.Add(new(name, value));
        }
        if (Authorization(request.Auth, scope, token) is { } authorization) headers.Add(new("Authorization", authorization));
        var format = request.Bids?.Format ?? request.Answer?.Format;
        if (!headers.Exists(header => header.Key.Equals("Accept", StringComparison.OrdinalIgnoreCase)))
            headers.Add(new("Accept", format is { } known ? $"{Accepts[known]}, */*;q=0.5" : "application/json, application/xml;q=0.9, */*;q=0.5"));
        var (body, usual) = Body(request.Body, scope);
        // Servers refuse a POST that does not say how long it is.
        if (body is null && request.Method is "POST" or "PUT" or "PATCH") (body, usual) = ([], "text/plain; charset=utf-8");
        return new(request.Method, Url(request, scope), headers, body, body is null ? null : contentType ?? usual) { WantedHeaders = request.ReplyHeaders };
    }

    public static string Render(Template template, TemplateScope scope, TemplateUse use = TemplateUse.Plain) => ((LiquidTemplate)template).Render(scope, use);

    private static Uri Url(RequestModel request, TemplateScope scope)
    {
        var url = new StringBuilder(Render(request.Url, scope, TemplateUse.Url).Trim());
        var join = url.ToString().Contains('?', StringComparison.Ordinal) ? '&' : '?';
        foreach (var (name, template) in request.Query)
        {
            if (Render(template, scope) is not { Length: > 0 } value) continue;
            url.Append(join).Append(Uri.EscapeDataString(name)).Append('=').Append(Escape(value));
            join = '&';
        }
        return Uri.TryCreate(url.ToString(), UriKind.Absolute, out var address) ? address : throw new TemplateFaultException("url_invalid");
    }

    private static string Header(Template template, TemplateScope scope)
    {
        var value = Render(template, scope).Trim();
        // A line's end would be the next header, and anything but ASCII is read differently by everybody.
        return value.AsSpan().ContainsAnyExceptInRange(' ', '~') ? throw new TemplateFaultException("header_invalid") : value;
    }

    private static string? Authorization(AuthModel? auth, TemplateScope scope, string? token) => auth switch
    {
        BasicAuth basic => "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes($"{Render(basic.User, scope)}:{Render(basic.Password, scope)}")),
        BearerAuth bearer => Header(bearer.Token, scope) is { Length: > 0 } own ? "Bearer " + own : null,
        OAuth2Auth => "Bearer " + token,
        _ => null,
    };

    private static (byte[]? Body, string? ContentType) Body(BodyModel? body, TemplateScope scope)
    {
        var (bytes, type) = body switch
        {
            FormBody form => (Encoding.ASCII.GetBytes(Form(form.Fields.Select(field => KeyValuePair.Create(field.Name, Render(field.Value, scope))))), FormType),
            JsonBody json => (Json(json.Root, scope), "application/json"),
            TextBody { IsXml: true } xml => (Encoding.UTF8.GetBytes(Render(xml.Text, scope, TemplateUse.Xml)), "application/xml; charset=utf-8"),
            TextBody text => (Encoding.UTF8.GetBytes(Render(text.Text, scope)), "text/plain; charset=utf-8"),
            _ => ((byte[]?)null, (string?)null),
        };
        return bytes?.Length > Limits.RequestBytes ? throw new TemplateFaultException("template_too_large") : (bytes, type);
    }

    public const string FormType = "application/x-www-form-urlencoded";

    public static string Form(IEnumerable<KeyValuePair<string, string>> fields) =>
        string.Join('&', fields.Where(field => field.Value.Length > 0).Select(field => $"{Escape(field.Key)}={Escape(field.Value)}"));

    /// <summary>A lone surrogate, which no UTF-8 can hold, is the replacement character.</summary>
    private static string Escape(string text) => Uri.EscapeDataString(text);

    private static byte[] Json(JsonPart root, TemplateScope scope) => JsonBytes.Plain((root, scope), static (json, of) =>
    {
        if (Write(of.root, of.scope, json, () => json)) return;
        json.WriteStartObject();
        json.WriteEndObject();
    });

    /// <param name="begin">Writes what stands before the part (its name, the map that holds it), once there is a part.</param>
    private static bool Write(JsonPart part, TemplateScope scope, Utf8JsonWriter json, Func<Utf8JsonWriter> begin)
    {
        if (json.BytesCommitted + json.BytesPending > Limits.RequestBytes) throw new TemplateFaultException("template_too_large");
        switch (part)
        {
            case JsonMap map:
                var begun = false;
                foreach (var (name, member) in map.Members)
                {
                    Write(member, scope, json, () =>
                    {
                        if (!begun) begin().WriteStartObject();
                        begun = true;
                        json.WritePropertyName(name);
                        return json;
                    });
                }
                if (begun) json.WriteEndObject();
                return begun;
            case JsonList list:
                var any = false;
                foreach (var item in list.Items)
                {
                    Write(item, scope, json, () =>
                    {
                        if (!any) begin().WriteStartArray();
                        any = true;
                        return json;
                    });
                }
                if (any) json.WriteEndArray();
                return any;
            default:
                return ((LiquidTemplate)((JsonValue)part).Text).Write(scope, begin);
        }
    }
}
