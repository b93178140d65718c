using System.Text;

namespace Exchange.Engine.Connectors;

public enum ReplyFormat { Json, Xml, Form, Text }

/// <summary>A reply as it came: read whole, else there is none to read.</summary>
/// <param name="Headers">Those that the reading asks for, names in lower case.</param>
public sealed record HttpReply(int Status, byte[] Body, string? ContentType = null, IReadOnlyDictionary<string, string>? Headers = null)
{
    public bool IsSuccess => Status is >= 200 and < 300;
}

/// <summary>
/// A reply made readable: its body as text and, where that is in the format, as a tree. Never throws for what a reply holds.
/// </summary>
public sealed class ReplyView
{
    private ReplyView(HttpReply reply, string body, ReplyNode? root, bool isXml)
    {
        Reply = reply;
        Body = body;
        Root = root;
        IsXml = isXml;
    }

    public HttpReply Reply { get; }
    public string Body { get; }
    /// <summary>Null: the body is plain text, or not what it claims to be.</summary>
    public ReplyNode? Root { get; }
    public bool IsXml { get; }

    /// <param name="format">Null: as the content type says, and where that says little, as the body begins.</param>
    public static ReplyView Of(HttpReply reply, ReplyFormat? format)
    {
        var body = Decode(reply.Body, reply.ContentType);
        var read = format ?? ByContentType(reply.ContentType) ?? ByFirstLetter(body);
        var root = read switch
        {
            ReplyFormat.Json => ReplyJson.Read(body),
            ReplyFormat.Xml => ReplyXml.Read(body),
            ReplyFormat.Form => ReplyForm.Read(body),
            _ => null,
        };
        return new(reply, body, root, read == ReplyFormat.Xml);
    }

    private static ReplyFormat? ByContentType(string? contentType)
    {
        var type = contentType.AsSpan();
        if (type.IndexOf(';') is var end and >= 0) type = type[..end];
        type = type.Trim();
        if (type.EndsWith("json", StringComparison.OrdinalIgnoreCase)) return ReplyFormat.Json;
        if (type.EndsWith("xml", StringComparison.OrdinalIgnoreCase) && !type.StartsWith("application/xhtml", StringComparison.OrdinalIgnoreCase)) return ReplyFormat.Xml;
        return type.Equals("application/x-www-form-urlencoded", StringComparison.OrdinalIgnoreCase) ? ReplyFormat.Form : null;
    }

    /// <summary>Many send JSON and XML as text/html.</summary>
    private static ReplyFormat ByFirstLetter(string body)
    {
        var text = body.AsSpan().TrimStart();
        return text.IsEmpty ? ReplyFormat.Text : text[0] switch { '{' or '[' => ReplyFormat.Json, '<' => ReplyFormat.Xml, _ => ReplyFormat.Text };
    }

    private static string Decode(byte[] body, string? contentType)
    {
        if (body.AsSpan().StartsWith((ReadOnlySpan<byte>)[0xFF, 0xFE])) return Encoding.Unicode.GetString(body, 2, body.Length - 2);
        if (body.AsSpan().StartsWith((ReadOnlySpan<byte>)[0xFE, 0xFF])) return Encoding.BigEndianUnicode.GetString(body, 2, body.Length - 2);
        if (body.AsSpan().StartsWith(Encoding.UTF8.Preamble)) return Encoding.UTF8.GetString(body, 3, body.Length - 3);
        // Only what the words of old systems come in; every other is read as UTF-8.
        return contentType is not null && (contentType.Contains("8859-1", StringComparison.Ordinal) || contentType.Contains("1252", StringComparison.Ordinal))
            ? Encoding.Latin1.GetString(body) : Encoding.UTF8.GetString(body);
    }
}
