extern alias server;

using System.Text.Json;
using Exchange.Engine;
using Exchange.Engine.Fields;
using Exchange.Engine.Ledger;
using Exchange.Engine.Values;
using Exchange.Grains.Intake;
using Exchange.Grains.Leads;
using Exchange.Storage;
using server::Exchange.Server.Admin;
using Shouldly;

namespace Exchange.System.Tests.Admin;

public class LeadJsonTests
{
    private static readonly LeadId Id = LeadId.Create(1_790_000_000_000, 1, false, 7);

    [Theory]
    // state              status      money
    [InlineData(CopyState.Held, "pending", "held")]
    [InlineData(CopyState.InDoubt, "in_doubt", "held")]
    [InlineData(CopyState.Captured, "sold", "captured")]
    [InlineData(CopyState.Voided, "rejected", "voided")]
    [InlineData(CopyState.Expired, "rejected", "expired")]
    [InlineData(CopyState.Reversed, "returned", "reversed")]
    public void Copy_InEachState_HasTheContractsWords(CopyState state, string status, string money)
    {
        using var lead = Write(Lead(LeadState.Sold, Copy(1, state, "11.00", "8.80")));
        var copy = lead.RootElement.GetProperty("copies")[0];
        copy.GetProperty("status").GetString().ShouldBe(status);
        copy.GetProperty("money").GetString().ShouldBe(money);
        copy.GetProperty("campaign").GetString().ShouldBe("acme-west");
        copy.GetProperty("buyer").GetString().ShouldBe("acme");
        copy.GetProperty("price").GetString().ShouldBe("11.00");
        copy.GetProperty("payout").GetString().ShouldBe("8.80");
    }

    [Fact]
    public void Lead_WithRefusedAndSoldCopies_SumsOnlyWhatIsSold()
    {
        using var lead = Write(Lead(LeadState.Sold, Copy(1, CopyState.Voided, "12.50", "8.80"), Copy(2, CopyState.Captured, "11.00", "8.80"), Copy(3, CopyState.Held, "9.00", "7.20")));
        lead.RootElement.GetProperty("price").GetString().ShouldBe("11.00");
        lead.RootElement.GetProperty("payout").GetString().ShouldBe("8.80");
        lead.RootElement.GetProperty("status").GetString().ShouldBe("sold");
        lead.RootElement.GetProperty("reason").ValueKind.ShouldBe(JsonValueKind.Null);
    }

    [Theory]
    [InlineData(false, "https://buyer.example/thanks?•••", "•••")]
    [InlineData(true, "https://buyer.example/thanks?mail=marker@example.com", "click-7")]
    public void RedirectAndTags_MaskedUnlessRevealed(bool reveal, string redirect, string tag)
    {
        var lead = Lead(LeadState.Sold, Copy(1, CopyState.Captured, "11.00", "8.80") with { RedirectUrl = "https://buyer.example/thanks?mail=marker@example.com" }) with { Channel = "web" };
        using var document = JsonDocument.Parse(Reply.Json(json =>
        {
            LeadJson.WriteMembers(json, lead, ReturnJson.None, reveal);
            LeadJson.WriteTags(json, [KeyValuePair.Create("click_id", "click-7")], reveal);
        }).Body);
        var told = document.RootElement;
        told.GetProperty("channel").GetString().ShouldBe("web");
        told.GetProperty("copies")[0].GetProperty("redirect_url").GetString().ShouldBe(redirect);
        told.GetProperty("tags").GetProperty("click_id").GetString().ShouldBe(tag);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Payload_MaskedUnlessRevealed(bool reveal)
    {
        var fields = new FieldSet(
        [
            new FieldSchema { Name = "zip", Type = FieldType.UsZip, Ordinal = 0 },
            new FieldSchema { Name = "email", Type = FieldType.Email, Ordinal = 1, Pii = true },
        ]);
        var payload = new LeadPayload(
            new Dictionary<string, string> { ["zip"] = "90210", ["email"] = "marker-1@example.com", ["gone"] = "marker-2" },
            new ConsentInput("I agree", DateTimeOffset.UnixEpoch, "https://example.com/?m=marker-3", "203.0.113.199", "marker-4", ["Acme"]));
        using var document = JsonDocument.Parse(Reply.Json(json => LeadJson.WritePayload(json, payload, fields, null, reveal)).Body);
        var text = document.RootElement.GetRawText();
        document.RootElement.GetProperty("fields").GetProperty("zip").GetString().ShouldBe("90210");
        foreach (var secret in (string[])["marker-1", "marker-2", "marker-3", "marker-4", "203.0.113.199"]) text.Contains(secret, StringComparison.Ordinal).ShouldBe(reveal, secret);
    }

    /// <summary>A field that is contact data no longer was when the lead came.</summary>
    [Fact]
    public void Payload_OfAFieldThatWasContactData_StaysMasked()
    {
        FieldSet Of(bool pii) => new([new FieldSchema { Name = "email", Type = FieldType.Email, Ordinal = 0, Pii = pii }]);
        var payload = new LeadPayload(new Dictionary<string, string> { ["email"] = "marker@example.com" }, null);
        foreach (var (now, then) in ((FieldSet, FieldSet?)[])[(Of(false), Of(true)), (Of(true), Of(false)), (Of(true), null)])
        {
            using var document = JsonDocument.Parse(Reply.Json(json => LeadJson.WritePayload(json, payload, now, then, reveal: false)).Body);
            document.RootElement.GetProperty("fields").GetProperty("email").GetString().ShouldBe("m•••@•••");
        }
    }

    private static JsonDocument Write(LeadRow lead) => JsonDocument.Parse(Reply.Json(json => LeadJson.WriteMembers(json, lead, ReturnJson.None)).Body);

    private static LeadRow Lead(LeadState state, params CopyRow[] copies) =>
        new(Id, "search-partner", "auto-insurance", "kw-17", false, state, Reason.None, 1, new byte[32], [], null, 3, Id.UnixMilliseconds, copies);

    private static CopyRow Copy(int no, CopyState state, string price, string payout) =>
        new(new CopyId(Id, no), "1", "acme-west", "acme", "acme", true, state, Money.Parse(price), Money.Parse(payout), Id.UnixMilliseconds, Reason.None, null, null);
}
