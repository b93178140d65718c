using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using CsvHelper;
using Exchange.Engine.Connectors;
using Exchange.Engine.Values;

namespace Exchange.Delivery.Connectors;

/// <summary>Writes a batch as a file: pure, the same batch gives the same bytes under the same name.</summary>
internal static class LeadFile
{
    private static readonly string[] OfTheCopy = ["copy_id", "campaign", "vertical", "price", "currency", "sharing", "sold_at", "source", "sub_source", "return_until", "test"];
    private static readonly string[] OfTheConsent = ["consent_text", "consent_at", "consent_page", "consent_ip", "consent_user_agent", "consent_sellers"];

    private static readonly SearchValues<char> OfNumbers = SearchValues.Create("0123456789 .()-");

    /// <summary>Of the moment and the copies in it, so that a batch that is sent again is the same file.</summary>
    public static string NameOf(CopyBatch batch, FileFormat format)
    {
        var ids = string.Join('\n', batch.Copies.Select(copy => copy.Copy.ToString()));
        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(ids)))[..16];
        return string.Create(CultureInfo.InvariantCulture, $"{(batch.Copies[0].Test ? "test-leads" : "leads")}-{batch.Moment.UtcDateTime:yyyyMMdd'T'HHmmss'Z'}-{hash}.{(format == FileFormat.Json ? "json" : "csv")}");
    }

    public static byte[] Bytes(CopyBatch batch, FileFormat format) => format == FileFormat.Json ? Json(batch) : Csv(batch);

    /// <summary>A list of our copy messages.</summary>
    private static byte[] Json(CopyBatch batch) => JsonBytes.Plain(batch, static (json, batch) =>
    {
        json.WriteStartArray();
        foreach (var copy in batch.Copies) CopyMessageJson.Write(json, copy);
        json.WriteEndArray();
    });

    /// <summary>RFC 4180, UTF-8 without a mark, one header line: every column in every file, whatever the leads in it have.</summary>
    private static byte[] Csv(CopyBatch batch)
    {
        var fields = batch.Columns.Concat(batch.Copies.SelectMany(copy => copy.Fields.Select(field => field.Name))).Distinct(StringComparer.Ordinal).ToArray();
        using var bytes = new MemoryStream();
        using (var csv = CsvWriter.Create(bytes, null, leaveOpen: true))
        {
            csv.WriteRecord((string[])[.. OfTheCopy, .. fields, .. OfTheConsent]);
            foreach (var copy in batch.Copies)
            {
                var values = copy.Fields.ToDictionary(field => field.Name, field => field.Text, StringComparer.Ordinal);
                csv.WriteRecord((string[])[.. Copy(copy).Select(Cell), .. fields.Select(name => Cell(values.GetValueOrDefault(name))), .. Consent(copy.Consent).Select(Cell)]);
            }
        }
        return bytes.ToArray();
    }

    private static string?[] Copy(CopyMessage copy) =>
    [
        copy.Copy.ToString(), copy.Campaign, copy.Vertical, copy.Price.ToString(), copy.Currency, copy.Exclusive ? "exclusive" : "shared", CopyMessageJson.Time(copy.SoldAt),
        copy.Source, copy.SubSource, CopyMessageJson.Time(copy.ReturnUntil), copy.Test ? "true" : "false",
    ];

    private static string?[] Consent(OutConsent? consent) => consent is null ? new string?[OfTheConsent.Length]
        : [consent.Text, CopyMessageJson.Time(consent.At), consent.Page, consent.Ip, consent.UserAgent, string.Join("; ", consent.Sellers)];

    /// <summary>
    /// A spreadsheet takes what starts with = + - @ for a formula, and a stranger typed it: an apostrophe before it makes it text. Numbers and phone numbers are no
    /// formula that does anything, and a program that reads the file needs them as they are.
    /// </summary>
    private static string Cell(string? value)
    {
        if (string.IsNullOrEmpty(value)) return "";
        return value[0] switch
        {
            '=' or '@' or '\t' or '\r' or '\n' => "'" + value,
            '+' or '-' when value.AsSpan(1).ContainsAnyExcept(OfNumbers) => "'" + value,
            _ => value,
        };
    }
}
