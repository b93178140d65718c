using System.Buffers;
using System.IO.Pipelines;
using Exchange.Engine;
using Exchange.Grains.Intake;
using Exchange.Server.Problems;

namespace Exchange.Server.Intake;

/// <summary>Reads a JSON request: headers first, then at most so many bytes, whether or not their number was announced.</summary>
internal static class BodyReading
{
    private static readonly Problem OtherCharset = Problem.Of(400, "malformed", "The body must be in UTF-8.");

    /// <summary>Null: <paramref name="into"/> is filled and checked.</summary>
    public static async ValueTask<Problem?> ReadAsync(HttpContext context, IntakeRequest into)
    {
        if (!MediaTypes.TakesJson(context.Request)) return StatusProblems.Of(406);
        switch (MediaTypes.Body(context.Request))
        {
            case MediaTypes.BodyIs.OtherType: return StatusProblems.Of(415);
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
        var problem = Parse(read.Buffer, into);
        body.AdvanceTo(read.Buffer.End);
        if (problem is null) RequestRules.Check(into);
        return problem;
    }

    private static Problem? Parse(ReadOnlySequence<byte> body, IntakeRequest into)
    {
        if (body.IsSingleSegment) return JsonRequestReader.Read(body.FirstSpan, into);
        var length = checked((int)body.Length);
        var whole = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            body.CopyTo(whole);
            return JsonRequestReader.Read(whole.AsSpan(0, length), into);
        }
        finally
        {
            // It holds people's data: the next renter must not see it.
            ArrayPool<byte>.Shared.Return(whole, clearArray: true);
        }
    }
}
