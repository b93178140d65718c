using Exchange.Grains.Intake;

namespace Exchange.Server.Problems;

/// <summary>The problem for an HTTP status that the framework or a bare handler set without saying more.</summary>
public static class StatusProblems
{
    public static Problem Of(int status) => status switch
    {
        400 => Problem.Of(400, "malformed", "The request could not be read."),
        401 => Problem.Of(401, "unauthenticated", "A live API key is needed: Authorization: Bearer KEY, or X-Api-Key: KEY."),
        403 => Problem.Of(403, "forbidden", "This is not allowed."),
        404 => Problem.Of(404, "not_found", "There is nothing here."),
        405 => Problem.Of(405, "method_not_allowed", "This address does not take this method; the Allow header names those it takes."),
        406 => Problem.Of(406, "not_acceptable", "The answer has none of the types that the Accept header takes."),
        408 => Problem.Of(408, "request_timeout", "The request came too slowly."),
        413 => Problem.Of(413, "body_too_large", "The body is larger than this address takes."),
        414 => Problem.Of(414, "uri_too_long", "The address is too long."),
        415 => Problem.Of(415, "unsupported_media_type", "The body has another type than this address takes, or a content encoding."),
        429 => Problem.Of(429, "rate_limited", "Too many calls.", 1),
        431 => Problem.Of(431, "headers_too_large", "The headers are too large."),
        503 => Problem.Of(503, "unavailable", "The exchange cannot serve this now; come again.", 1),
        >= 500 => Problem.Of(status, "internal", "Something went wrong on our side. Quote the trace id."),
        _ => Problem.Of(status, "refused", "The request was refused."),
    };
}
