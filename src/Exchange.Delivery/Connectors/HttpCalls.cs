using Exchange.Delivery.Templates;
using Exchange.Engine.Catalog;
using Exchange.Engine.Connectors;

namespace Exchange.Delivery.Connectors;

/// <summary>Sends one request of a connector: fills it in, fetches its token, and with a token that was refused once more with a new one.</summary>
internal sealed class HttpCalls(OutboundHttp http, OAuthTokens tokens)
{
    /// <summary>Never throws: what cannot be filled in is not sent, with its reason as the error code.</summary>
    public async Task<OutboundReply> SendAsync(
        EndpointModel endpoint, RequestModel request, Func<TemplateScope> scope, CallPurpose purpose, TimeSpan timeout, DateTimeOffset now, CancellationToken deadline)
    {
        try
        {
            var values = scope();
            // Nobody is asked for a token where nothing is sent.
            if (request.Auth is OAuth2Auth && CallTrace.Current is { Sends: false }) return await http.SendAsync(endpoint, HttpRequests.Build(request, values, "TOKEN"), purpose, timeout, deadline);
            if (request.Auth is not OAuth2Auth oauth) return await http.SendAsync(endpoint, HttpRequests.Build(request, values, null), purpose, timeout, deadline);
            for (var again = false; ; again = true)
            {
                var (token, error, isNew) = await tokens.GetAsync(endpoint, oauth, values, now, timeout, deadline);
                if (token is null) return new(false, 0, null, error, null);
                var reply = await http.SendAsync(endpoint, HttpRequests.Build(request, values, token), purpose, timeout, deadline);
                // A 401 is said before anything is done with the request: only then, only once and only if the token was an old one.
                if (reply.Status != 401 || isNew || again) return reply;
                tokens.Drop(oauth, values, token);
            }
        }
        catch (TemplateFaultException fault)
        {
            return new(false, 0, null, fault.Code, null);
        }
    }
}
