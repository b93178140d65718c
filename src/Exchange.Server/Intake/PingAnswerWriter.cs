using System.Buffers;
using System.Globalization;
using System.Text.Json;
using Exchange.Engine;
using Exchange.Grains.Intake;

namespace Exchange.Server.Intake;

/// <summary>The JSON of a ping's answer. Buffer and writer belong to the thread: what is returned is valid until the next call on it.</summary>
internal static class PingAnswerWriter
{
    private static readonly JsonEncodedText PingId = JsonEncodedText.Encode("ping_id"), Status = JsonEncodedText.Encode("status"), Reason = JsonEncodedText.Encode("reason"),
        Payout = JsonEncodedText.Encode("payout"), Best = JsonEncodedText.Encode("best"), Currency = JsonEncodedText.Encode("currency"),
        ExpiresAt = JsonEncodedText.Encode("expires_at"), Test = JsonEncodedText.Encode("test"), Offers = JsonEncodedText.Encode("offers"),
        OfferId = JsonEncodedText.Encode("offer_id"), Sharing = JsonEncodedText.Encode("sharing"), Seller = JsonEncodedText.Encode("seller"),
        Tags = JsonEncodedText.Encode("tags"), Warnings = JsonEncodedText.Encode("warnings"), Pointer = JsonEncodedText.Encode("pointer"),
        Code = JsonEncodedText.Encode("code"), Message = JsonEncodedText.Encode("message"), Offered = JsonEncodedText.Encode("offered"),
        NoOffer = JsonEncodedText.Encode("no_offer"), Exclusive = JsonEncodedText.Encode("exclusive"), Shared = JsonEncodedText.Encode("shared");

    [ThreadStatic] private static ArrayBufferWriter<byte>? buffer;
    [ThreadStatic] private static Utf8JsonWriter? writer;

    public static ReadOnlySpan<byte> Write(PingAnswer answer)
    {
        var bytes = buffer ??= new ArrayBufferWriter<byte>(2048);
        bytes.ResetWrittenCount();
        var json = writer;
        if (json is null) writer = json = new Utf8JsonWriter(bytes, new JsonWriterOptions { SkipValidation = true });
        else json.Reset(bytes);

        json.WriteStartObject();
        json.WriteString(PingId, answer.PingId.ToString());
        json.WriteString(Status, answer.Offered ? Offered : NoOffer);
        if (answer.Offered) WriteOffered(json, answer);
        else WriteNoOffer(json, answer);
        json.WriteEndObject();
        json.Flush();
        return bytes.WrittenSpan;
    }

    private static void WriteOffered(Utf8JsonWriter json, PingAnswer answer)
    {
        json.WriteMoney(Payout, answer.Payout);
        json.WriteStartArray(Best);
        for (var i = 0; i < answer.Best.Count; i++) json.WriteStringValue(answer.Best[i]);
        json.WriteEndArray();
        json.WriteString(Currency, answer.Currency);
        WriteTime(json, ExpiresAt, answer.ExpiresAt);
        json.WriteBoolean(Test, answer.Test);
        json.WriteStartArray(Offers);
        for (var i = 0; i < answer.Offers.Count; i++)
        {
            var offer = answer.Offers[i];
            json.WriteStartObject();
            json.WriteString(OfferId, offer.OfferId);
            json.WriteMoney(Payout, offer.Payout);
            json.WriteString(Sharing, offer.Exclusive ? Exclusive : Shared);
            json.WriteString(Seller, offer.Seller);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        WriteTags(json, answer);
        WriteWarnings(json, answer);
    }

    private static void WriteNoOffer(Utf8JsonWriter json, PingAnswer answer)
    {
        json.WriteString(Reason, answer.Reason.Wire());
        if (answer.Test) json.WriteBoolean(Test, true);
        WriteTags(json, answer);
        if (answer.Warnings.Count > 0) WriteWarnings(json, answer);
    }

    private static void WriteTags(Utf8JsonWriter json, PingAnswer answer)
    {
        if (answer.Tags.Count == 0) return;
        json.WriteStartObject(Tags);
        for (var i = 0; i < answer.Tags.Count; i++) json.WriteString(answer.Tags[i].Key, answer.Tags[i].Value);
        json.WriteEndObject();
    }

    private static void WriteWarnings(Utf8JsonWriter json, PingAnswer answer)
    {
        json.WriteStartArray(Warnings);
        for (var i = 0; i < answer.Warnings.Count; i++)
        {
            json.WriteStartObject();
            json.WriteString(Pointer, answer.Warnings[i].Pointer);
            json.WriteString(Code, answer.Warnings[i].Code);
            json.WriteString(Message, answer.Warnings[i].Message);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    /// <summary>UTC with <c>Z</c>; milliseconds only where there are any.</summary>
    private static void WriteTime(Utf8JsonWriter json, JsonEncodedText name, DateTimeOffset time)
    {
        Span<char> text = stackalloc char[32];
        time.UtcDateTime.TryFormat(text, out var length, "yyyy-MM-dd'T'HH:mm:ss.FFF'Z'", CultureInfo.InvariantCulture);
        json.WriteString(name, text[..length]);
    }
}
