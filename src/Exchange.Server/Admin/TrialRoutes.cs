using System.Text.Json;
using Exchange.Delivery;
using Exchange.Engine;
using Exchange.Engine.Catalog;
using Exchange.Engine.Deliveries;
using Exchange.Engine.Fields;
using Exchange.Engine.Filters;
using Exchange.Engine.Values;
using Exchange.Grains.Deliveries;
using Exchange.Grains.Leads;
using Exchange.Server.Intake.Specification;

namespace Exchange.Server.Admin;

/// <summary>
/// Tries a campaign's endpoints with a made-up lead: what a ping and a post look like, what came back, and what the connector read in it. Only an endpoint's
/// <c>test</c> is called; nothing is sold, held or counted.
/// </summary>
internal static class TrialRoutes
{
    private const string Source = "s-sample", SubSource = "s-sample-1";

    public static void MapTrialRoutes(this IEndpointRouteBuilder routes) => routes.Change(HttpMethods.Post, "/v1/admin/campaigns/{id}/test",
        "Send a test ping and post of a made-up lead to the campaign's endpoints' `test`, and show each request and reply; where there is no `test`, what would be sent.", TestAsync).ProducesProblem(404);

    private static async Task<Reply> TestAsync(ApiCall call)
    {
        var model = call.Catalog.Current;
        if (!model.Campaigns.TryGetValue(call.Route("id"), out var campaign)) return ApiCall.NotFound("The catalog has no such campaign.");
        return await call.Service<Operations>().RunAsync(call, [], async () =>
        {
            // Before anything is sent: no line in the audit, no call.
            await call.Store.Access.AuditAsync(call.Caller.Name, "campaign.test", campaign.Id, null, call.NowMs, CancellationToken.None);
            var trial = new Trial(call, model, campaign);
            await trial.RunAsync();
            return Reply.Json(trial.Write);
        });
    }

    private sealed class Trial
    {
        private readonly ApiCall call;
        private readonly CatalogModel model;
        private readonly CampaignModel campaign;
        private readonly VerticalModel vertical;
        private readonly BuyerCalls calls;
        private readonly BuyerTrial buyers;
        private readonly DateTimeOffset now;
        private readonly CopyId copy;
        private readonly IReadOnlyList<(string Step, EndpointModel Endpoint)> planned;
        private readonly List<(string Step, EndpointModel Endpoint, TrialStep Outcome, string? Note)> steps = [];

        public Trial(ApiCall call, CatalogModel model, CampaignModel campaign)
        {
            (this.call, this.model, this.campaign, vertical, calls, now) = (call, model, campaign, model.Verticals[campaign.Vertical], call.Service<BuyerCalls>(), call.Now);
            buyers = new(calls.Connectors);
            copy = new(LeadId.Create(now.ToUnixTimeMilliseconds(), 0, true, unchecked((ulong)Random.Shared.NextInt64())), 1);
            planned =
            [
                .. campaign.Bid.Live is { } live ? [("ping", live)] : ((string, EndpointModel)[])[],
                .. campaign.Delivery.To.Select(to => ("post", to.Endpoint)),
            ];
        }

        public async Task RunAsync()
        {
            BidAnswer? bid = null;
            foreach (var (step, endpoint) in planned)
            {
                if (endpoint.Connector == ConnectorKind.Inbox)
                {
                    steps.Add((step, endpoint, new(false, [], null, null), "The buyer pulls its inbox; nobody is called."));
                    continue;
                }
                var secrets = await calls.SecretsAsync(endpoint.Test ?? endpoint);
                var isPing = step == "ping";
                using var deadline = CancellationTokenSource.CreateLinkedTokenSource(call.Cancel);
                deadline.CancelAfter(isPing ? endpoint.PingTimeout : endpoint.PostTimeout);
                var declined = bid is { Offers.Count: 0 } && ReferenceEquals(endpoint, campaign.Bid.Live);
                var outcome = isPing ? await buyers.PingAsync(endpoint, secrets, Bid(endpoint), now, deadline.Token)
                    : await buyers.PostAsync(endpoint, secrets, Message(endpoint, bid), !declined, now, deadline.Token);
                bid ??= outcome.Bid;
                steps.Add((step, endpoint, outcome, endpoint.Test is null ? $"Endpoint {endpoint.Name} has no `test`, so nothing was sent: this is what it would get."
                    : !isPing && declined ? "The ping got no bid, so its post was not sent: this is what it would be."
                    : outcome.Sent ? null : "Nothing could be sent."));
            }
        }

        private BidCall Bid(EndpointModel endpoint) => new()
        {
            RequestId = copy.ToString(), Campaign = campaign.Id, Vertical = vertical.Id, Currency = model.Currency, CopiesMax = 1, Source = Source, SubSource = SubSource,
            Sharings = campaign.Sharing switch { Sharing.Exclusive => [Sharing.Exclusive], Sharing.Shared => [Sharing.Shared], _ => [Sharing.Exclusive, Sharing.Shared] },
            DeadlineMs = (int)endpoint.PingTimeout.TotalMilliseconds, Test = true, Fields = Fields(static field => field.Ping != FieldUse.None && !field.Pii),
            Consent = Consent() is { } consent ? consent with { Ip = null } : null,
        };

        private CopyMessage Message(EndpointModel endpoint, BidAnswer? bid)
        {
            var offer = bid?.Offers is [var first, ..] ? first : null;
            var price = offer?.Price ?? new Money(10_000_000);
            return new()
            {
                Copy = copy, Campaign = campaign.Id, Vertical = vertical.Id, Price = price, Bid = price, Currency = model.Currency, Exclusive = campaign.Sharing != Sharing.Shared, CopiesMax = 1, SoldAt = now,
                Source = Source, SubSource = SubSource, Test = true, Fields = Fields(static field => field.Post != FieldUse.None || field.Ping != FieldUse.None || field.PingHashed),
                Consent = Consent(), Carried = offer?.Carry ?? Carried(endpoint),
            };
        }

        /// <summary>Nobody was asked, so names stand for what the ping's reply would give.</summary>
        private static Dictionary<string, string> Carried(EndpointModel endpoint) =>
            (endpoint.Shape?.Ping?.Bids?.Carry ?? []).ToDictionary(pair => pair.Key, pair => $"PING-{pair.Key}", StringComparer.Ordinal);

        private OutField[] Fields(Func<FieldSchema, bool> which)
        {
            var today = PostRules.Today(now, model.Zone);
            return [.. vertical.Fields.All.Where(which).Select(field => new OutField(field.Name, SampleValues.Of(field, today), CopyMessages.KindOf(field.Type)))];
        }

        private OutConsent? Consent() => campaign.Consent == ConsentLevel.None ? null
            : new("I agree to be called.", now, "https://example.com/page", "192.0.2.1", "Mozilla/5.0", campaign.Consent == ConsentLevel.Named && campaign.Buyer.Seller is { } seller ? [seller.Name] : []);

        public void Write(Utf8JsonWriter json)
        {
            json.WriteString("campaign", campaign.Id);
            json.WriteString("buyer", campaign.Buyer.Id);
            json.WriteString("vertical", vertical.Id);
            json.WriteString("copy_id", copy.ToString());
            json.WriteObjects("steps", steps, step => TrialJson.Write(json, step.Step, step.Endpoint, step.Outcome, step.Note));
        }
    }
}
