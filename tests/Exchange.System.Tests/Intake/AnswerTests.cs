using System.Net;
using System.Text;
using System.Text.Json;
using Exchange.Engine;
using Exchange.Engine.Fields;
using Exchange.Engine.Ledger;
using Exchange.Engine.Values;
using Exchange.Grains.Intake;
using CsCheck;
using Shouldly;

namespace Exchange.System.Tests.Intake;

/// <summary>What goes in arrives at the desk, and what the desk says goes out as the contract writes it.</summary>
public sealed class AnswerTests(IntakeHost host) : IClassFixture<IntakeHost>
{
    private const string Full = """
        { "vertical": "auto-insurance", "sub_id": "kw-17", "tags": { "click_id": "Cj0K9" }, "channel": "web",
          "min_payout": "4.00", "max_copies": 3, "sold_elsewhere": { "copies": 1, "sellers": ["Other Co"] }, "deadline_ms": 500,
          "consent": { "page": "https://example.com/auto", "text": "yes", "at": "2026-11-22T14:00:00+02:00", "sellers": ["Acme"] },
          "fields": { "zip": "90210", "state": "CA", "age": 35, "currently_insured": true, "n\u0061me": "\u00fc", "odd": null } }
        """;

    [Fact]
    public async Task Ping_WithEveryMember_ReachesTheDeskWhole()
    {
        host.Desk.Pings.Clear();
        (await host.PostJsonAsync("/v1/pings", Full, "Idempotency-Key: k-1")).StatusCode.ShouldBe(HttpStatusCode.OK);
        var ping = host.Desk.Pings.ShouldHaveSingleItem();
        ping.Publisher.ShouldBe("search-partner");
        ping.Vertical.ShouldBe("auto-insurance");
        ping.SubId.ShouldBe("kw-17");
        ping.Channel.ShouldBe("web");
        ping.Tags.ShouldBe([new("click_id", "Cj0K9")]);
        ping.MinPayout.ShouldBe(Money.Parse("4.00"));
        ping.MaxCopies.ShouldBe(3);
        ping.SoldElsewhereCopies.ShouldBe(1);
        ping.SoldElsewhereSellers.ShouldBe(["Other Co"]);
        ping.DeadlineMs.ShouldBe(500);
        ping.IdempotencyKey.ShouldBe("k-1");
        ping.Test.ShouldBeFalse();
        ping.MemberErrors.ShouldBeEmpty();
        ping.BodyHash.Length.ShouldBe(32);
        ping.Consent!.At.ShouldBe(new DateTimeOffset(2026, 11, 22, 12, 0, 0, TimeSpan.Zero));
        ping.Consent.Sellers.ShouldBe(["Acme"]);
        ping.Fields.ShouldBe([
            new("age", RawKind.Number, "35"), new("currently_insured", RawKind.Boolean, "true"), new("name", RawKind.String, "ü"),
            new("odd", RawKind.Other, ""), new("state", RawKind.String, "CA"), new("zip", RawKind.String, "90210")]);
    }

    [Fact]
    public async Task Ping_WithATestKey_IsATestWhateverItsBodySays()
    {
        host.Desk.Pings.Clear();
        await host.PostJsonAsync("/v1/pings", """{"vertical":"a","fields":{},"test":false,"test_result":"sold"}""", $"X-Api-Key: {host.TestKey}");
        var ping = host.Desk.Pings.ShouldHaveSingleItem();
        ping.Test.ShouldBeTrue();
        ping.TestResult.ShouldBe("sold");
        ping.MemberErrors.ShouldBeEmpty();
    }

    public static TheoryData<string, PingAnswer, string> Answers() => new()
    {
        { "offered", RecordingDesk.Offered(), """{"ping_id":"ID","status":"offered","payout":"8.80","best":["1"],"currency":"USD","expires_at":"2026-11-22T12:05:00Z","test":false,"offers":[{"offer_id":"1","payout":"8.80","sharing":"exclusive","seller":null}],"warnings":[]}""" },
        {
            "offered with all",
            RecordingDesk.Offered() with
            {
                ExpiresAt = new DateTimeOffset(2026, 11, 22, 14, 5, 0, 120, TimeSpan.FromHours(2)), Test = true, Offers = [new("1", new Money(1), false, "Acme")],
                Tags = [new("c", "1")], Warnings = [new("/fields/x", "unknown_field", "m")],
            },
            """{"ping_id":"ID","status":"offered","payout":"8.80","best":["1"],"currency":"USD","expires_at":"2026-11-22T12:05:00.12Z","test":true,"offers":[{"offer_id":"1","payout":"0.000001","sharing":"shared","seller":"Acme"}],"tags":{"c":"1"},"warnings":[{"pointer":"/fields/x","code":"unknown_field","message":"m"}]}"""
        },
        { "no offer", RecordingDesk.Offered() with { Reason = Reason.NoEligibleCampaign }, """{"ping_id":"ID","status":"no_offer","reason":"no_eligible_campaign"}""" },
        { "no offer of a test", RecordingDesk.Offered() with { Reason = Reason.NoBids, Test = true, Tags = [new("c", "1")] }, """{"ping_id":"ID","status":"no_offer","reason":"no_bids","test":true,"tags":{"c":"1"}}""" },
    };

    [Theory, MemberData(nameof(Answers))]
    public async Task Ping_Answered_IsWrittenAsTheContractSays(string name, PingAnswer answer, string expected)
    {
        host.Desk.OnPing = _ => new(answer, null);
        var response = await host.PostJsonAsync("/v1/pings", Full);
        host.Desk.OnPing = RecordingDesk.RefuseErrorsElseOffer;
        response.StatusCode.ShouldBe(HttpStatusCode.OK, name);
        response.Content.Headers.ContentType!.ToString().ShouldBe("application/json");
        (await response.Content.ReadAsStringAsync()).ShouldBe(expected.Replace("ID", RecordingDesk.Id.ToString(), StringComparison.Ordinal), name);
        response.Headers.Contains("Idempotency-Replayed").ShouldBeFalse();
    }

    [Fact]
    public async Task Ping_WithAnyPayout_IsWrittenAsMoneyWritesItself()
    {
        foreach (var micros in Gen.OneOf(Gen.Long[0, 20_000_000], Gen.Long[0, 999_999_999_999_999_999]).Array[200].Single())
        {
            host.Desk.OnPing = _ => new(RecordingDesk.Offered() with { Payout = new Money(micros) }, null);
            using var json = JsonDocument.Parse(await (await host.PostJsonAsync("/v1/pings", Full)).Content.ReadAsStringAsync());
            json.RootElement.GetProperty("payout").GetString().ShouldBe(new Money(micros).ToString());
        }
        host.Desk.OnPing = RecordingDesk.RefuseErrorsElseOffer;
    }

    [Fact]
    public async Task Ping_Replayed_SaysSo()
    {
        host.Desk.OnPing = _ => new(RecordingDesk.Offered() with { Replayed = true }, null);
        var response = await host.PostJsonAsync("/v1/pings", Full);
        host.Desk.OnPing = RecordingDesk.RefuseErrorsElseOffer;
        response.Headers.GetValues("Idempotency-Replayed").ShouldBe(["true"]);
    }

    [Fact]
    public async Task Post_Sold_IsTheRecordedBytes()
    {
        host.Desk.Posts.Clear();
        var body = $$$"""{"ping_id":"{{{RecordingDesk.Id}}}","offer_ids":["1"],"min_payout":4,"fields":{"email":"a@example.com"}}""";
        var response = await host.PostJsonAsync("/v1/posts", body, "Idempotency-Key: p-1");
        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        (await response.Content.ReadAsByteArrayAsync()).ShouldBe(RecordingDesk.Sold().Answer);
        response.Headers.Location.ShouldBeNull();
        var post = host.Desk.Posts.ShouldHaveSingleItem();
        LeadId.FromBytes(post.PingId).ShouldBe(RecordingDesk.Id);
        post.OfferIds.ShouldBe(["1"]);
        post.MinPayoutMicros.ShouldBe(4_000_000);
        post.Fields.ShouldBe([new PostedField("email", RawKind.String, "a@example.com")]);
        post.IdempotencyKey.ShouldBe("p-1");
        post.TestKey.ShouldBeFalse();
    }

    [Fact]
    public async Task Post_InDoubt_Is202WithTheLeadsAddressAndAReplaySaysSo()
    {
        host.Desk.OnPost = () => RecordingDesk.Sold(CopyState.InDoubt) with { Replayed = true };
        var response = await host.PostJsonAsync("/v1/leads", Full);
        host.Desk.OnPost = () => RecordingDesk.Sold();
        response.StatusCode.ShouldBe(HttpStatusCode.Accepted);
        response.Headers.Location!.ToString().ShouldBe($"/v1/leads/{RecordingDesk.Id}");
        response.Headers.GetValues("Idempotency-Replayed").ShouldBe(["true"]);
    }

    [Fact]
    public async Task Post_AlreadyPosted_ShowsTheRecordedAnswerUnderLead()
    {
        host.Desk.OnPost = () => PostReply.Refused(Problem.Of(409, "already_posted", "d") with { Lead = RecordingDesk.Sold().Answer });
        var response = await host.PostJsonAsync("/v1/posts", $$"""{"ping_id":"{{RecordingDesk.Id}}"}""");
        host.Desk.OnPost = () => RecordingDesk.Sold();
        var problem = await BadInputTests.ProblemOf(response, 409, "already_posted");
        problem.GetProperty("lead").GetRawText().ShouldBe(Encoding.UTF8.GetString(RecordingDesk.Sold().Answer!));
    }

    [Fact]
    public async Task Post_WhenTheStoreIsAway_IsToldWhenToComeAgain()
    {
        host.Desk.OnPost = () => throw new Exchange.Storage.StorageBusyException("full");
        var response = await host.PostJsonAsync("/v1/posts", $$"""{"ping_id":"{{RecordingDesk.Id}}"}""");
        host.Desk.OnPost = () => RecordingDesk.Sold();
        await BadInputTests.ProblemOf(response, 503, "storage_unavailable");
        response.Headers.RetryAfter!.ToString().ShouldBe("1");
    }

    /// <summary>A 200 with a no in it would be taken for the end.</summary>
    [Theory]
    [InlineData("boberdoo/new_api/api.php", "API_Action=pingPostLead&Mode=post&Lead_ID=")]
    [InlineData("leadspedia/post.do", "lp_ping_id=")]
    [InlineData("leadprosper/post", "lp_ping_id=")]
    public async Task PostInAnotherProductsForm_WhileTheFirstStillRuns_IsToldWhenToComeAgain(string path, string body)
    {
        host.Desk.OnPost = () => PostReply.Refused(Problem.Of(409, "idempotency_in_progress", "d", 1));
        var response = await host.SendAsync("POST", "/compat/" + path, Encoding.UTF8.GetBytes(body + RecordingDesk.Id), "Content-Type: application/x-www-form-urlencoded");
        host.Desk.OnPost = () => RecordingDesk.Sold();
        response.StatusCode.ShouldBe(HttpStatusCode.Conflict, await response.Content.ReadAsStringAsync());
        response.Headers.RetryAfter!.ToString().ShouldBe("1");
    }

    [Fact]
    public async Task Patch_WithFields_ReachesTheDesk()
    {
        host.Desk.Added.Clear();
        var response = await host.SendAsync("PATCH", $"/v1/leads/{RecordingDesk.Id}", """{"fields":{"b":"2","a":1}}"""u8.ToArray(), "Content-Type: application/merge-patch+json");
        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        var (lead, fields) = host.Desk.Added.ShouldHaveSingleItem();
        lead.ShouldBe(RecordingDesk.Id);
        fields.ShouldBe([new PostedField("a", RawKind.Number, "1"), new PostedField("b", RawKind.String, "2")]);
    }

    [Fact]
    public async Task Lead_OfOnesOwn_IsShownAndAnyOtherIsNot()
    {
        (await host.SendAsync("GET", $"/v1/leads/{RecordingDesk.Id}", null)).StatusCode.ShouldBe(HttpStatusCode.OK);
        await BadInputTests.ProblemOf(await host.SendAsync("GET", $"/v1/leads/{LeadId.Create(1, 1, false, 1)}", null), 404, "not_found");
    }
}
