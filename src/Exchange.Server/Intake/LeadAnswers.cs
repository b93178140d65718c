using System.Text.Json;
using Exchange.Engine;

namespace Exchange.Server.Intake;

/// <summary>Looks single members up in a recorded answer, which is sent on as it is.</summary>
internal static class LeadAnswers
{
    public static string ReadLeadId(ReadOnlySpan<byte> answer) => Read(answer, "lead_id"u8);

    public static string ReadStatus(ReadOnlySpan<byte> answer) => Read(answer, "status"u8) switch
    {
        "sold" => "sold",
        "in_doubt" => "in_doubt",
        "pending" => "pending",
        _ => "unsold",
    };

    private static string Read(ReadOnlySpan<byte> answer, ReadOnlySpan<byte> name)
    {
        var json = new Utf8JsonReader(answer);
        while (json.Read())
        {
            if (json.CurrentDepth != 1 || json.TokenType != JsonTokenType.PropertyName || !json.ValueTextEquals(name)) continue;
            json.Read();
            return json.GetString()!;
        }
        throw new InvariantException("a lead's answer has lead_id and status");
    }
}
