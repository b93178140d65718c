using System.Text;
using System.Text.Json;
using Exchange.Delivery.Bidders;
using Exchange.Delivery.Connectors;
using Exchange.Engine.Catalog;
using Exchange.Engine.Connectors;
using Exchange.Engine.Deliveries;

namespace Exchange.Delivery;

/// <summary>One call of a trial: what is shown of it, and what came back. No secret is in it.</summary>
/// <param name="Headers">Of the request.</param>
/// <param name="Status">0: no answer, or not by HTTP.</param>
/// <param name="ReplyBody">Null: none was read.</param>
/// <param name="Read">What each key of the connector found in the reply.</param>
public sealed record TrialCall(
    string Way, string Target, IReadOnlyList<KeyValuePair<string, string>> Headers, string Body, int Status, string? ReplyBody, IReadOnlyList<ReplyFinding> Read);

/// <summary>A ping or a post that was tried.</summary>
/// <param name="Sent">False: it was only written; its endpoint has no <c>test</c>, or nothing could be sent.</param>
/// <param name="Bid">Of a ping.</param>
/// <param name="Result">Of a post.</param>
public sealed record TrialStep(bool Sent, IReadOnlyList<TrialCall> Calls, BidAnswer? Bid, AttemptResult? Result);

/// <summary>
/// Tries an endpoint's connector with made-up values. What is shown is written a second time with the secrets' names in the place of their values, so that no
/// filter of a template can bring one to light; nothing is sent unless the endpoint has a <c>test</c>, and then only there.
/// </summary>
public sealed class BuyerTrial(ConnectorList connectors)
{
    private const int BodyChars = 8_000;

    /// <param name="written">As the campaign names it.</param>
    /// <param name="secrets">Of its <c>test</c>.</param>
    public async Task<TrialStep> PingAsync(EndpointModel written, EndpointSecrets secrets, BidCall call, DateTimeOffset now, CancellationToken deadline)
    {
        var bidder = connectors.FindBidder(written.Connector);
        if (bidder is null) return new(false, [], null, null);
        var endpoint = written.Test ?? written;
        var shown = new CallTrace(sends: false);
        await shown.RunAsync(() => bidder.AskAsync(endpoint, Masked(endpoint), call, now, deadline));
        if (written.Test is null) return new(false, Shown(endpoint, secrets, shown, null, null), null, null);
        var made = new CallTrace(sends: true);
        var answer = await made.RunAsync(() => bidder.AskAsync(endpoint, secrets, call, now, deadline));
        var bids = endpoint.Connector == ConnectorKind.Native ? NativeBidder.Reply : endpoint.Shape?.Ping?.Bids;
        return new(made.Calls.Count > 0, Shown(endpoint, secrets, shown, made, bids is null ? null : bids.Explain), Unmasked(answer, text => Unmask(endpoint, secrets, text)), null);
    }

    /// <param name="sends">False: only shown, whatever the endpoint has.</param>
    public async Task<TrialStep> PostAsync(EndpointModel written, EndpointSecrets secrets, CopyMessage message, bool sends, DateTimeOffset now, CancellationToken deadline)
    {
        var connector = connectors.Find(written.Connector);
        if (connector is null) return new(false, [], null, null);
        var endpoint = written.Test ?? written;
        var shown = new CallTrace(sends: false);
        var unsent = await shown.RunAsync(() => connector.SendAsync(endpoint, Masked(endpoint), message, now, deadline));
        // What could not even be written says why.
        if (written.Test is null || !sends) return new(false, Shown(endpoint, secrets, shown, null, null), null, unsent.Error == CallTrace.NotSent ? null : unsent);
        var made = new CallTrace(sends: true);
        var result = await made.RunAsync(() => connector.SendAsync(endpoint, secrets, message, now, deadline));
        return new(made.Calls.Count > 0, Shown(endpoint, secrets, shown, made, endpoint.Shape?.Post.Answer is { } answer ? answer.Explain : null), null, Unmasked(result, text => Unmask(endpoint, secrets, text)));
    }

    /// <summary>Names in the place of values. A signing key must be one.</summary>
    private static EndpointSecrets Masked(EndpointModel endpoint) => new(endpoint.SecretNames.ToDictionary(name => name,
        name => Encoding.UTF8.GetBytes(endpoint.Shape is null ? "whsec_" + Convert.ToBase64String(new byte[32]) : Mask(name)), StringComparer.Ordinal));

    private static string Mask(string name) => "SECRET-" + name;

    private static TrialCall[] Shown(EndpointModel endpoint, EndpointSecrets secrets, CallTrace shown, CallTrace? made, Func<HttpReply, IReadOnlyList<ReplyFinding>>? explain)
    {
        // A token was fetched for what is shown once; a second try with a new token is shown as what it repeats.
        var calls = made?.Calls.Where(call => call.Purpose != CallPurpose.Token).ToArray();
        return [.. shown.Calls.Select((call, i) =>
        {
            var reply = calls is not null && calls.Length > 0 ? calls[i == shown.Calls.Count - 1 ? ^1 : Math.Min(i, calls.Length - 1)].Reply : null;
            var whole = reply is { Status: > 0, Body: not null } read ? new HttpReply(read.Status, read.Body, read.ContentType, read.Headers) : null;
            return new TrialCall(call.Way, call.Target, [.. call.Headers.Select(header => KeyValuePair.Create(header.Key, Header(endpoint, header)))], Text(call.Body) ?? "", reply?.Status ?? 0,
                Text(reply?.Body, text => Unmask(endpoint, secrets, text)!), whole is null || explain is null ? [] : [.. explain(whole).Select(finding => finding with { Found = Unmask(endpoint, secrets, finding.Found) })]);
        })];
    }

    private static BidAnswer Unmasked(BidAnswer answer, Func<string?, string?> unmask) => answer with
    {
        BuyerReason = unmask(answer.BuyerReason),
        Offers = [.. answer.Offers.Select(offer => offer with
        {
            Seller = unmask(offer.Seller), Carry = offer.Carry.ToDictionary(pair => pair.Key, pair => unmask(pair.Value)!, StringComparer.Ordinal),
        })],
    };

    private static AttemptResult Unmasked(AttemptResult result, Func<string?, string?> unmask) =>
        result with { Reason = unmask(result.Reason), Ref = unmask(result.Ref), RedirectUrl = unmask(result.RedirectUrl) };

    private static string Header(EndpointModel endpoint, KeyValuePair<string, string> header) =>
        header.Key == "webhook-signature" ? "v1," + Mask(endpoint.SecretName ?? "") : header.Value;

    /// <summary>A buyer may say back what it was told.</summary>
    private static string? Unmask(EndpointModel endpoint, EndpointSecrets secrets, string? text)
    {
        if (text is null) return null;
        foreach (var name in endpoint.SecretNames)
        {
            if (secrets.Find(name) is not { Length: > 0 } bytes) continue;
            var secret = Encoding.UTF8.GetString(bytes);
            foreach (var form in (string[])[secret, Uri.EscapeDataString(secret), JsonEncodedText.Encode(secret).ToString(), System.Net.WebUtility.HtmlEncode(secret), Convert.ToBase64String(bytes)])
                text = text.Replace(form, Mask(name), StringComparison.OrdinalIgnoreCase);
        }
        return text;
    }

    /// <summary>As much as a screen takes, without what a screen would obey.</summary>
    /// <param name="unmask">Before it is cut: half a secret is one too.</param>
    private static string? Text(byte[]? bytes, Func<string, string>? unmask = null)
    {
        if (bytes is null) return null;
        var text = Encoding.UTF8.GetString(bytes);
        text = unmask?.Invoke(text) ?? text;
        var clean = new StringBuilder(Math.Min(text.Length, BodyChars));
        foreach (var c in text)
        {
            if (clean.Length == BodyChars) return clean.Append('…').ToString();
            if (c is '\n' or '\t' || !char.IsControl(c)) clean.Append(c);
        }
        return clean.ToString();
    }
}
