extern alias server;

using System.Text;
using Exchange.Engine;
using Exchange.Engine.Fields;
using Exchange.Engine.Ledger;
using Exchange.Engine.Values;
using Exchange.Grains.Intake;
using server::Exchange.Server.Intake;
using server::Exchange.Server.Intake.Compatibility;
using Shouldly;

namespace Exchange.System.Tests.Intake;

/// <summary>What other products have no word for is said safely: a lead that is not settled is neither a no nor money.</summary>
public sealed class CompatibilityUnitTests
{
    [Theory]
    [InlineData("boberdoo", CopyState.InDoubt, """{"response":{"status":"Matched","lead_id":"ID","price":"0.00"}}""")]
    [InlineData("leadspedia", CopyState.Held, """{"result":"success","success":true,"lead_id":"ID","price":"0.00","msg":"Lead Accepted"}""")]
    [InlineData("phonexa", CopyState.InDoubt, """{"status":3,"status_text":"in progress","lead_id":"ID","price":0.00,"errors":[]}""")]
    [InlineData("leadprosper", CopyState.Held, """{"status":"ACCEPTED","code":0,"message":"Accepted","lead_id":"ID","payout":0.00,"bid":0.00,"price":0.00}""")]
    [InlineData("phonexa", CopyState.Captured, """{"status":1,"status_text":"sold","lead_id":"ID","price":8.80,"redirect_url":"https://acme.example/?a=1","errors":[]}""")]
    public void Lead_InAnyState_IsToldInTheProductsWords(string product, CopyState state, string expected)
    {
        var sold = state == CopyState.Captured;
        var lead = new LeadAnswer
        {
            LeadId = RecordingDesk.Id, State = sold ? LeadState.Sold : state == CopyState.Held ? LeadState.Pending : LeadState.InDoubt, Currency = "USD",
            Payout = sold ? new(8_800_000) : Money.Zero, PayoutPending = sold ? Money.Zero : new(8_800_000), RedirectUrl = sold ? "https://acme.example/?a=1" : null,
            Copies = [new("1", state, new(8_800_000), null)],
        };
        var reply = Api(product).Answer(new(null, lead, null), Form("Format=JSON&lp_response=JSON&Return_Best_Price=1"));
        reply.Body.ToJsonString(new() { Encoder = global::System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }).ShouldBe(expected.Replace("ID", RecordingDesk.Id.ToString(), StringComparison.Ordinal));
    }

    /// <summary>What came of a post that failed here is not known: its publisher must not take it for a no.</summary>
    [Theory]
    [InlineData(503, 0, "Try Again")]
    [InlineData(409, 1, "Try Again")]
    [InlineData(422, 0, "Rejected")]
    public void LeadsPedia_OfAProblem_RejectsOnlyWhatIsWrongWithTheRequest(int status, int retryAfter, string said)
    {
        var reply = Api("leadspedia").Answer(new(null, null, Problem.Of(status, "a_code", "Why.", retryAfter)), Form("lp_response=JSON"));
        (reply.Body["result"]!.GetValue<string>(), reply.Body["msg"]!.GetValue<string>()).ShouldBe(("failed", said));
    }

    [Fact]
    public void Body_MutatedAtWill_IsReadAndAnsweredOrRefused()
    {
        const int bodies = 12_000;
        var random = new Random(4);
        var good = """{"Key":"k","API_Action":"pingPostLead","Mode":"ping","TYPE":19,"lp_campaign_id":"x","lp_ping_id":"y","lp_s2":"é","price":4.5,"testMode":"1","ip_address":"1.2.3.4","zip":"90210","x":null}"""u8.ToArray();
        var form = "Key=k&API_Action=pingPostLead&Mode=full&TYPE=19&Cost=4.00&Allowed_Times_Sold=3&lp_s3=%C3%A9&lp_action=test&testSold=1&consent.at=2026-11-22T12:00:00Z&Zip=90210"u8.ToArray();
        var read = 0;
        for (var i = 0; i < bodies; i++)
        {
            var isJson = i % 2 == 0;
            var body = WireFuzzTests.Mutated(isJson ? good : form, random, 4);
            var values = new List<RawField>();
            if (ForeignForm.Read(isJson, body, values) is { } problem)
            {
                problem.Status.ShouldBe(400);
                continue;
            }
            read++;
            foreach (var api in CompatibilityComposition.All)
            {
                var left = new ForeignForm([.. values]);
                var (kind, _) = api.KindOf(api.Paths[i % api.Paths.Count], left);
                var request = new IntakeRequest(kind ?? RequestKind.Ping);
                api.Read(left, request);
                request.Fields.AddRange(left.Left);
                RequestRules.Check(request);
                CanonicalHash.Of(request).Length.ShouldBe(32);
                var reply = api.Answer(new(null, null, Problem.Invalid([.. request.Errors, new("/fields/a~1b", "missing_field", "The field is required.")])), new([.. values]));
                if (reply.XmlRoot is { } root) ForeignXml.Write(root, reply.Body).Length.ShouldBeGreaterThan(0);
                Encoding.UTF8.GetBytes(reply.Body.ToJsonString()).Length.ShouldBeGreaterThan(0);
            }
        }
        read.ShouldBeInRange(bodies / 10, bodies - bodies / 20);
    }

    private static ForeignApi Api(string name) => CompatibilityComposition.All.Single(api => api.Name == name);

    private static ForeignForm Form(string body)
    {
        var values = new List<RawField>();
        ForeignForm.Read(false, Encoding.UTF8.GetBytes(body), values).ShouldBeNull();
        return new(values);
    }
}
