using System.Text;
using System.Text.Json;
using System.Xml;
using System.Xml.Linq;
using Microsoft.AspNetCore.Http;

namespace Exchange.LoadTests.Buyers.Shapes;

/// <summary>A request as a buyer reads it: form, query, JSON and XML alike as names and texts (<c>ContactData.ZipCode</c>).</summary>
internal sealed class BuyerRequest
{
    private readonly Dictionary<string, string> _values = new(StringComparer.Ordinal);

    public required string Path { get; init; }

    public string this[string name] => _values.GetValueOrDefault(name, "");

    public static async Task<BuyerRequest> ReadAsync(HttpRequest request, CancellationToken cancel)
    {
        var read = new BuyerRequest { Path = request.Path.Value ?? "" };
        foreach (var (name, value) in request.Query)
        {
            read._values[name] = value.ToString();
        }

        using var reader = new StreamReader(request.Body, Encoding.UTF8);
        var body = await reader.ReadToEndAsync(cancel);
        var type = request.ContentType ?? "";
        if (type.StartsWith("application/x-www-form-urlencoded", StringComparison.Ordinal))
        {
            foreach (var pair in body.Split('&', StringSplitOptions.RemoveEmptyEntries))
            {
                var at = pair.IndexOf('=', StringComparison.Ordinal);
                read._values[Uri.UnescapeDataString(pair[..at].Replace('+', ' '))] = Uri.UnescapeDataString(pair[(at + 1)..].Replace('+', ' '));
            }
        }
        else if (type.StartsWith("application/json", StringComparison.Ordinal))
        {
            using var json = JsonDocument.Parse(body);
            read.Take("", json.RootElement);
        }
        else if (type.Contains("xml", StringComparison.Ordinal))
        {
            using var xml = XmlReader.Create(new StringReader(body), new() { DtdProcessing = DtdProcessing.Prohibit });
            foreach (var element in XElement.Load(xml).Descendants())
            {
                read._values[element.Name.LocalName] = element.Value;
            }
        }

        return read;
    }

    private void Take(string prefix, JsonElement element)
    {
        foreach (var member in element.EnumerateObject())
        {
            var name = prefix + member.Name;
            if (member.Value.ValueKind == JsonValueKind.Object)
            {
                Take(name + ".", member.Value);
            }
            else
            {
                _values[name] = member.Value.ToString();
            }
        }
    }
}

internal sealed record BuyerReply(int Status, string ContentType, string Body)
{
    public static BuyerReply Json(object body) => new(200, "application/json", JsonSerializer.Serialize(body));
    public static BuyerReply Xml(string body) => new(200, "text/xml", body);
    public static BuyerReply Text(string body) => new(200, "text/plain", body);
}
