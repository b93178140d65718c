using System.Text.Json;
using Exchange.Engine.Audit;

namespace Exchange.Server.Admin;

/// <summary>What an audit says, the same over HTTP and from the command line.</summary>
internal static class AuditJson
{
    public static void WriteMembers(Utf8JsonWriter json, AuditReport report)
    {
        json.WriteBoolean("clean", report.IsClean);
        json.WriteObjects("checks", report.Checks, check =>
        {
            json.WriteString("id", check.Id);
            json.WriteString("name", check.Name);
            json.WriteNumber("looked", check.Looked);
            json.WriteNumber("found", check.Found);
            Write(json, "findings", check.Findings);
            Write(json, "notes", check.Notes);
        });
    }

    private static void Write(Utf8JsonWriter json, string name, IReadOnlyList<Finding> findings) => json.WriteObjects(name, findings, finding =>
    {
        json.WriteString("subject", finding.Subject);
        json.WriteString("what", finding.What);
    });
}
