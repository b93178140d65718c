using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Exchange.Engine;
using Exchange.Engine.Catalog;
using Exchange.Engine.Fields;
using Exchange.Grains.Catalog;
using Exchange.Grains.Intake;
using Exchange.Server.Access;
using Exchange.Server.Observability;
using Exchange.Server.Problems;
using Exchange.Storage;

namespace Exchange.Server.Intake.Compatibility;

/// <summary>
/// Takes calls in another product's form, makes of each the command that our own form makes, and tells the answer back in that form. Refusals are answered as
/// there, with 200 and words in the body; only what asks to come again, and a body that is too large or of another type, has its own status.
/// </summary>
internal sealed class ForeignHttp(ILeadIntake intake, Admission admission, ICatalogHost catalog, Gate gate, ExchangeMetrics metrics, TimeProvider time)
{
    public async Task HandleAsync(HttpContext context, ForeignApi api, string path)
    {
        // The moment of arrival, before the body: a post is in time if it began in time.
        var (receivedAt, started) = (time.GetUtcNow(), time.GetTimestamp());
        var (problem, form) = await ForeignForm.ReadAsync(context, api.TakesJson);
        // Kept as it came: how to answer stands in it.
        var sent = new ForeignForm([.. form.Left]);
        if (problem is not null)
        {
            await RefuseAsync(context, api, sent, problem);
            return;
        }
        var (kind, error) = api.KindOf(path, form);
        var request = new IntakeRequest(kind ?? RequestKind.Ping);
        var badKey = IdempotencyKeys.Read(context.Request.Headers, out var key);
        // The key stands in the body, where these products have theirs, or in our header; in a URL never.
        problem = gate.Check(context, api.KeyName, form.Take(api.KeyName, request), [KeyRole.Publisher], out var caller) ?? badKey ?? (kind is null ? Problem.Of(400, "malformed", error) : null);
        if (problem is not null)
        {
            await RefuseAsync(context, api, sent, problem);
            return;
        }
        Read(api, form, request, caller);
        var outcome = await AskAsync(request, new CallContext(caller, receivedAt, key, 0), started, context.RequestAborted);
        if (outcome.Problem is { } refused) await RefuseAsync(context, api, sent, refused);
        else await WriteAsync(context, api.Answer(outcome, sent), StatusCodes.Status200OK);
    }

    private void Read(ForeignApi api, ForeignForm form, IntakeRequest request, Caller caller)
    {
        var publisher = catalog.Current.Publishers.GetValueOrDefault(caller.For);
        var vertical = form.Take(api.VerticalName, request);
        // A post names its ping, and that its vertical.
        if (request.Kind != RequestKind.Post) request.Vertical = vertical;
        api.Read(form, request);
        var fields = publisher is null || vertical is null ? null : catalog.Current.Verticals.GetValueOrDefault(publisher.Intake.Vertical(vertical))?.Fields;
        var members = new TextMembers(request);
        var told = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (part, name) in api.Consent)
        {
            if (form.Peek(name) is not { } text) continue;
            // Two of their names may say one thing: the first that says something counts.
            if (text.Length > 0 && told.Add(part) && members.EnterPart("consent", part)) members.SetPart("consent", part, text);
            // A field of the vertical may stand under this name too.
            if (fields?.Find(publisher!.Intake.Field(name)) is null) form.Take(name, request);
        }
        request.FieldsGiven = true;
        var sellers = new List<string>();
        foreach (var value in form.Left)
        {
            // What the other product has no name for may come under ours: consent.at, consent.sellers, tags.click_id.
            if (value.Name == "consent.sellers") sellers.Add(value.Text);
            else if (value.Name.StartsWith("consent.", StringComparison.Ordinal))
            {
                var part = value.Name["consent.".Length..];
                if (members.EnterPart("consent", part)) members.SetPart("consent", part, value.Text);
            }
            else if (value.Name.StartsWith("tags.", StringComparison.Ordinal) && request.Kind != RequestKind.Post) request.AddTag(value.Name["tags.".Length..], value.Text);
            else request.Fields.Add(value);
        }
        if (sellers.Count > 0) members.SetSellers("consent", [.. sellers]);
        RequestRules.Check(request);
    }

    private async Task<ForeignOutcome> AskAsync(IntakeRequest request, CallContext call, long started, CancellationToken callerLeft)
    {
        // What a call is stands in its body, so it is let in only here.
        if (await admission.EnterAsync(request.Kind == RequestKind.Post ? Work.Promised : Work.New) is { } overloaded) return new(null, null, overloaded);
        if (request.Kind == RequestKind.Ping)
        {
            var reply = await intake.PingAsync(IntakeCommands.Ping(request, call), callerLeft);
            if (reply.Answer is { } answer) metrics.PingAnswered(answer.Reason, time.GetElapsedTime(started));
            return new(reply.Answer, null, reply.Problem);
        }
        PostReply post;
        if (request.Kind == RequestKind.DirectPost) post = await intake.DirectPostAsync(IntakeCommands.DirectPost(request, call), callerLeft);
        else if (IntakeCommands.Post(request, call, out var command) is { } problem) return new(null, null, problem);
        else post = await intake.PostAsync(command, callerLeft);
        // These forms have no word for a repeat with another body, and a no would send a lead that is sold to somebody else: the recorded answer is told instead.
        var recorded = post.Problem is { Code: "already_posted", Lead: { } json } ? LeadAnswer.FromJson(json) : null;
        if (post.Answer is null && recorded is null) return new(null, null, post.Problem);
        var lead = recorded ?? post.Read();
        metrics.PostAnswered(LeadAnswer.Wire(lead.State), time.GetElapsedTime(started));
        return new(null, lead, null);
    }

    private Task RefuseAsync(HttpContext context, ForeignApi api, ForeignForm form, Problem problem)
    {
        metrics.Refused(ExchangeMetrics.Http, problem.Code);
        if (problem.RetryAfterSeconds > 0) context.Response.Headers.RetryAfter = problem.RetryAfterSeconds.ToString(System.Globalization.CultureInfo.InvariantCulture);
        var hasItsStatus = problem.RetryAfterSeconds > 0 || problem.Status is 413 or 415 or 429 or >= 500;
        return WriteAsync(context, api.Answer(new(null, null, problem), form), hasItsStatus ? problem.Status : StatusCodes.Status200OK);
    }

    private static Task WriteAsync(HttpContext context, ForeignReply reply, int status)
    {
        var body = reply.XmlRoot is { } root ? ForeignXml.Write(root, reply.Body) : Encoding.UTF8.GetBytes(reply.Body.ToJsonString());
        var response = context.Response;
        response.StatusCode = status;
        response.ContentType = reply.XmlRoot is null ? "application/json" : "application/xml";
        response.ContentLength = body.Length;
        response.Headers.CacheControl = "no-store";
        return response.Body.WriteAsync(body, context.RequestAborted).AsTask();
    }
}
