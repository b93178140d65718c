using System.Text.Json;

namespace Exchange.Server.Cli;

/// <summary>Tells a person what a problem answer says: one line for the whole, then one per error with its path and the fix.</summary>
internal static class ProblemText
{
    public static void Write(ExchangeAnswer answer, TextWriter to)
    {
        JsonDocument document;
        try
        {
            document = answer.Read();
        }
        catch (JsonException)
        {
            to.WriteLine($"Refused: HTTP {answer.Status}, without a readable reason. Is this the address of an exchange?");
            return;
        }
        using (document)
        {
            var problem = document.RootElement;
            to.WriteLine($"Refused ({answer.Status} {problem.Text("code")}): {problem.Text("detail") ?? problem.Text("title")}");
            foreach (var error in problem.Items("errors")) to.WriteLine($"  {error.Text("pointer")}: {error.Text("message")} ({error.Text("code")})");
        }
    }
}
