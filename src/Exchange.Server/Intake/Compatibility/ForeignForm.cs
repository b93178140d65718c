using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using Exchange.Engine;
using Exchange.Engine.Fields;
using Exchange.Grains.Intake;
using Exchange.Server.Problems;

namespace Exchange.Server.Intake.Compatibility;

/// <summary>
/// The body of a call in another product's form: flat names and values, as a form or as one flat JSON object. Who takes a value by its name uses it up; what
/// is left are fields.
/// </summary>
internal sealed class ForeignForm(List<RawField> values)
{
    private readonly List<RawField> left = values;

    /// <summary>What nobody took, in its order.</summary>
    public IReadOnlyList<RawField> Left => left;

    /// <summary>Null: not given, or empty. Of a name given twice the request hears.</summary>
    public string? Take(string name, IntakeRequest request)
    {
        string? text = null;
        for (var (i, found) = (0, 0); i < left.Count;)
        {
            if (left[i].Name != name) { i++; continue; }
            if (found++ > 0) request.AddError(Pointers.To("", name), "duplicate_property", "A member may be given only once.");
            if (left[i].Kind == RawKind.Other) request.AddError(Pointers.To("", name), "wrong_type", "A text is needed.");
            text = left[i].Text.Trim();
            left.RemoveAt(i);
        }
        return string.IsNullOrEmpty(text) ? null : text;
    }

    /// <summary>The same, and it stays among what is left.</summary>
    public string? Peek(string name)
    {
        foreach (var value in left) if (value.Name == name && value.Text.Trim() is { Length: > 0 } text) return text;
        return null;
    }

    /// <summary>A problem, or the form as it was read.</summary>
    public static async ValueTask<(Problem? Problem, ForeignForm Form)> ReadAsync(HttpContext context, bool takesJson)
    {
        var kind = MediaTypes.Body(context.Request);
        if (kind == MediaTypes.BodyIs.OtherCharset) return (Problem.Of(400, "malformed", "The body must be in UTF-8."), new([]));
        if (kind != MediaTypes.BodyIs.Form && !(takesJson && kind == MediaTypes.BodyIs.Json)) return (StatusProblems.Of(415), new([]));
        if (context.Request.ContentLength > Limits.BodyBytes) return (StatusProblems.Of(413), new([]));
        var body = context.Request.BodyReader;
        while (true)
        {
            var read = await body.ReadAsync(context.RequestAborted);
            if (read.Buffer.Length > Limits.BodyBytes)
            {
                body.AdvanceTo(read.Buffer.End);
                return (StatusProblems.Of(413), new([]));
            }
            if (read.IsCompleted)
            {
                var values = new List<RawField>();
                var problem = Read(kind == MediaTypes.BodyIs.Json, read.Buffer.ToArray(), values);
                body.AdvanceTo(read.Buffer.End);
                return (problem, new(values));
            }
            body.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }

    internal static Problem? Read(bool isJson, ReadOnlyMemory<byte> body, List<RawField> into)
    {
        if (isJson) return ReadJson(body, into);
        var problem = FormPairs.Read(body.Span, out var pairs);
        foreach (var (name, value) in pairs) into.Add(new(name, RawKind.String, value));
        return problem;
    }

    private static Problem? ReadJson(ReadOnlyMemory<byte> body, List<RawField> into)
    {
        var malformed = Problem.Of(400, "malformed", "The body must be one flat JSON object.");
        if (!Utf8.IsValid(body.Span)) return malformed;
        try
        {
            using var document = JsonDocument.Parse(body, new() { MaxDepth = Limits.JsonDepth });
            if (document.RootElement.ValueKind != JsonValueKind.Object) return malformed;
            foreach (var member in document.RootElement.EnumerateObject())
            {
                // One more than allowed is kept, for the rules to see.
                if (into.Count > 2 * Limits.FieldsPerRequest) break;
                if (member.Value.ValueKind == JsonValueKind.Null) continue;
                into.Add(member.Value.ValueKind switch
                {
                    JsonValueKind.String => new(member.Name, RawKind.String, member.Value.GetString()!),
                    JsonValueKind.Number => new(member.Name, RawKind.Number, member.Value.GetRawText()),
                    JsonValueKind.True => new(member.Name, RawKind.Boolean, "true"),
                    JsonValueKind.False => new(member.Name, RawKind.Boolean, "false"),
                    _ => new(member.Name, RawKind.Other, ""),
                });
            }
            return null;
        }
        // Half a surrogate pair is no text.
        catch (Exception fault) when (fault is JsonException or InvalidOperationException)
        {
            return malformed;
        }
    }
}
