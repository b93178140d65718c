using System.Globalization;
using System.Text.Json.Nodes;
using Exchange.LoadTests.Leads;

namespace Exchange.LoadTests.Compare;

/// <summary>
/// The catalog under load and the pings that fit it: one vertical, campaigns of fixed bids in one second-price auction, filters on place,
/// age and coverage, as narrow as it takes for the same number to be eligible for a ping however many there are. A sale there is a whole
/// sale: duplicate keys, a publisher's cap, two campaign caps, a balance, an inbox delivery.
/// </summary>
internal sealed class ComparedCatalog
{
    public const string Vertical = "compared";
    public const string Publisher = "compared-publisher";

    private const int Buyers = 50;
    private const int YoungestAge = 18;
    private const int Ages = 60;
    private const int CoveragesPerCampaign = 2;
    private const double UsualAgeShare = 0.4;
    private static readonly string[] Coverages = ["minimum", "standard", "plus", "premium"];
    private static readonly Place[] OnePerState = [.. Places.All.DistinctBy(place => place.State)];

    private readonly Filter[] _filters;
    private readonly int _ageSpan;
    private readonly bool _tuned;

    /// <param name="eligible">How many campaigns are eligible for a ping on average, as near as whole places and years come to it.</param>
    /// <param name="tuned">True: each campaign also has opening hours and a bid by rule, as admins write them; for compiling, not for selling.</param>
    public ComparedCatalog(int campaigns, int eligible, int seed, bool tuned = false)
    {
        _tuned = tuned;
        var wanted = Math.Min(1.0, eligible / (double)campaigns) * Coverages.Length / CoveragesPerCampaign;
        var places = Math.Clamp((int)Math.Round(wanted / UsualAgeShare * OnePerState.Length), 1, OnePerState.Length);
        _ageSpan = Math.Clamp((int)Math.Round(wanted * OnePerState.Length / places * Ages), 1, Ages);
        var draw = new Random(seed);
        _filters = [.. Enumerable.Range(0, campaigns).Select(index => new Filter(
            ByZip: index % 4 == 3,
            [.. Sample(draw, OnePerState, places)],
            YoungestAge + draw.Next(Ages - _ageSpan + 1),
            [.. Sample(draw, Coverages, CoveragesPerCampaign)],
            BidCents: 500 + draw.Next(4_500)))];
    }

    /// <summary>As <c>PUT /v1/admin/catalog</c> takes it.</summary>
    public string Json()
    {
        var buyers = new JsonObject();
        for (var buyer = 0; buyer < Buyers; buyer++)
        {
            buyers[BuyerId(buyer)] = new JsonObject { ["credit_limit"] = "unlimited" };
        }

        var campaigns = new JsonObject();
        for (var index = 0; index < _filters.Length; index++)
        {
            campaigns[CampaignId(index)] = Campaign(_filters[index], BuyerId(index % Buyers));
        }

        return new JsonObject
        {
            ["exchange"] = new JsonObject { ["currency"] = "USD", ["time_zone"] = "America/New_York" },
            ["verticals"] = new JsonObject
            {
                [Vertical] = new JsonObject
                {
                    ["duplicate"] = new JsonObject { ["keys"] = Texts("phone", "email"), ["window"] = "30d" },
                    ["fields"] = new JsonObject
                    {
                        ["zip"] = Field("us_zip", ping: "required"),
                        ["state"] = Field("us_state", ping: "required"),
                        ["age"] = new JsonObject { ["type"] = "integer", ["min"] = "16", ["max"] = "110", ["ping"] = "required" },
                        ["coverage"] = new JsonObject { ["type"] = "choice", ["values"] = Texts(Coverages), ["ping"] = "optional" },
                        ["currently_insured"] = Field("boolean", ping: "optional"),
                        ["first_name"] = PersonField("text"),
                        ["last_name"] = PersonField("text"),
                        ["email"] = PersonField("email"),
                        ["phone"] = new JsonObject { ["type"] = "phone", ["region"] = "US", ["pii"] = "true", ["post"] = "required" },
                    },
                },
            },
            ["publishers"] = new JsonObject
            {
                [Publisher] = new JsonObject
                {
                    ["verticals"] = Texts(Vertical),
                    ["payout"] = new JsonObject { ["share"] = "80%" },
                    ["caps"] = new JsonArray(new JsonObject { ["per"] = "day", ["leads"] = "1000000000" }),
                },
            },
            ["buyers"] = buyers,
            ["campaigns"] = campaigns,
            ["ping_trees"] = new JsonObject
            {
                ["compared-tree"] = new JsonObject
                {
                    ["vertical"] = Vertical,
                    ["tiers"] = new JsonArray(new JsonObject
                    {
                        ["name"] = "market",
                        ["method"] = "auction",
                        ["pricing"] = "second_price",
                        ["floor"] = "2.00",
                        ["campaigns"] = "all",
                    }),
                },
            },
        }.ToJsonString();
    }

    /// <summary>The fields of ping number <paramref name="index"/>; the same number is the same ping.</summary>
    public static Dictionary<string, string> Ping(int seed, int index)
    {
        var draw = SeededDraws.For(seed, index);
        var place = OnePerState[draw.Next(OnePerState.Length)];
        return new Dictionary<string, string>
        {
            ["zip"] = place.Zip,
            ["state"] = place.State,
            ["age"] = Text(YoungestAge + draw.Next(Ages)),
            ["coverage"] = Coverages[draw.Next(Coverages.Length)],
            ["currently_insured"] = draw.Next(2) == 0 ? "true" : "false",
        };
    }

    /// <summary>The fields of a person no other number has, for the post.</summary>
    public static IEnumerable<KeyValuePair<string, string>> Person(long number) =>
    [
        new("first_name", "Made"),
        new("last_name", "Consumer"),
        new("email", string.Create(CultureInfo.InvariantCulture, $"p{number}@example.com")),
        new("phone", PhoneNumbers.Number(Places.All[(int)(number % Places.All.Count)].AreaCode, number / Places.All.Count)),
    ];

    /// <summary>How many campaigns' filters hold for the ping: counted, because what was aimed at is not what counts.</summary>
    public int Eligible(IReadOnlyDictionary<string, string> ping)
    {
        var age = int.Parse(ping["age"], CultureInfo.InvariantCulture);
        return _filters.Count(filter =>
            filter.Places.Any(place => filter.ByZip ? place.Zip == ping["zip"] : place.State == ping["state"]) &&
            age >= filter.FromAge && age < filter.FromAge + _ageSpan &&
            filter.Coverages.Contains(ping["coverage"]));
    }

    private JsonObject Campaign(Filter filter, string buyer)
    {
        var campaign = new JsonObject
        {
            ["buyer"] = buyer,
            ["vertical"] = Vertical,
            ["filter"] = new JsonObject
            {
                ["all"] = new JsonArray(
                    new JsonObject
                    {
                        ["field"] = filter.ByZip ? "zip" : "state",
                        ["in"] = Texts([.. filter.Places.Select(place => filter.ByZip ? place.Zip : place.State)]),
                    },
                    new JsonObject { ["field"] = "age", ["between"] = Texts(Text(filter.FromAge), Text(filter.FromAge + _ageSpan - 1)) },
                    new JsonObject { ["field"] = "coverage", ["in"] = Texts(filter.Coverages) }),
            },
            ["bid"] = new JsonObject { ["fixed"] = Money(filter.BidCents) },
            ["caps"] = new JsonArray(
                new JsonObject { ["per"] = "day", ["leads"] = "100000000" },
                new JsonObject { ["per"] = "month", ["spend"] = "1000000000.00" }),
        };
        if (_tuned)
        {
            campaign["bid"] = new JsonObject
            {
                ["rules"] = new JsonArray(new JsonObject
                {
                    ["when"] = new JsonObject { ["field"] = "currently_insured", ["is"] = "true" },
                    ["price"] = Money(filter.BidCents + 100),
                }),
                ["otherwise"] = Money(filter.BidCents),
            };
            campaign["schedule"] = new JsonObject
            {
                ["time_zone"] = "America/New_York",
                ["open"] = new JsonObject { ["mon-fri"] = Texts("08:00-12:00", "13:00-20:00"), ["sat"] = "09:00-14:00" },
            };
        }

        return campaign;
    }

    private static JsonObject Field(string type, string ping) => new() { ["type"] = type, ["ping"] = ping };

    private static JsonObject PersonField(string type) => new() { ["type"] = type, ["pii"] = "true", ["post"] = "required" };

    private static JsonArray Texts(params string[] texts) => new([.. texts.Select(text => (JsonNode?)JsonValue.Create(text))]);

    private static string Money(int cents) => (cents / 100m).ToString("0.00", CultureInfo.InvariantCulture);

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static string BuyerId(int index) => string.Create(CultureInfo.InvariantCulture, $"buyer-{index:00}");

    public static string CampaignId(int index) => string.Create(CultureInfo.InvariantCulture, $"campaign-{index:00000}");

    private static T[] Sample<T>(Random draw, T[] from, int count)
    {
        var copy = (T[])from.Clone();
        draw.Shuffle(copy);
        return copy[..count];
    }

    private sealed record Filter(bool ByZip, Place[] Places, int FromAge, string[] Coverages, int BidCents);
}
