using System.Buffers;
using System.IO.Pipelines;
using Exchange.Engine;
using Exchange.Grains.Intake;
using Exchange.Server.Answers;
using Exchange.Server.Problems;

namespace Exchange.Server.Intake;

/// <summary>Reads a request in JSON, as a form or in XML: headers first, then at most so many bytes, whether or not their number was announced.</summary>
internal static class BodyReading
{
    public static readonly Problem NotAcceptable = Problem.Of(406, "not_acceptable", "The answer is application/json or application/xml; the Accept header takes neither.");

    private static readonly Problem OtherType =
        Problem.Of(415, "unsupported_media_type", "The body must be application/json, application/x-www-form-urlencoded or application/xml in UTF-8, without a content encoding.");
    private static readonly Problem OtherCharset = Problem.Of(400, "malformed", "The body must be in UTF-8.");

    /// <summary>Null: <paramref name="into"/> is filled and checked.</summary>
    public static async ValueTask<Problem?> ReadAsync(HttpContext context, IntakeRequest into)
    {
        if (AnswerFormats.Of(context.Request) == AnswerFormat.None) return NotAcceptable;
        var kind = MediaTypes.Body(context.Request);
        switch (kind)
        {
            case MediaTypes.BodyIs.OtherType: return OtherType;
            case MediaTypes.BodyIs.OtherCharset: return OtherCharset;
        }
        var limit = into.Kind == RequestKind.Ping ? Limits.PingBodyBytes : Limits.BodyBytes;
        if (context.Request.ContentLength > limit) return StatusProblems.Of(413);

        var body = context.Request.BodyReader;
        ReadResult read;
        while (true)
        {
            read = await body.ReadAsync(context.RequestAborted);
            if (read.Buffer.Length > limit)
            {
                body.AdvanceTo(read.Buffer.End);
                return StatusProblems.Of(413);
            }
            if (read.IsCompleted) break;
            body.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
        var problem = Parse(kind, read.Buffer, into);
        body.AdvanceTo(read.Buffer.End);
        if (problem is null) RequestRules.Check(into);
        return problem;
    }

    private static Problem? Parse(MediaTypes.BodyIs kind, ReadOnlySequence<byte> body, IntakeRequest into)
    {
        if (body.IsSingleSegment) return Parse(kind, body.FirstSpan, into);
        var length = checked((int)body.Length);
        var whole = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            body.CopyTo(whole);
            return Parse(kind, whole.AsSpan(0, length), into);
        }
        finally
        {
            // It holds people's data: the next renter must not see it.
            ArrayPool<byte>.Shared.Return(whole, clearArray: true);
        }
    }

    private static Problem? Parse(MediaTypes.BodyIs kind, ReadOnlySpan<byte> body, IntakeRequest into) => kind switch
    {
        MediaTypes.BodyIs.Form => FormRequestReader.Read(body, into),
        MediaTypes.BodyIs.Xml => XmlRequestReader.Read(body, into),
        _ => JsonRequestReader.Read(body, into),
    };
}
