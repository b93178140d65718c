namespace Exchange.LoadTests.Buyers.Shapes;

internal sealed class BoberdooShape : BuyerShape
{
    public override string Name => "boberdoo";
    public override BuyerAsked? Asked(BuyerRequest request, bool isXml) => request.Path != "/new_api/api.php" ? null : request["Mode"] == "ping" ? BuyerAsked.Ping : BuyerAsked.Post;
    public override string Token(BuyerRequest request) => request["Lead_ID"];
    public override string Person(BuyerRequest request) => request["Primary_Phone"];
    public override BuyerReply Bid(string token, string price) => BuyerReply.Json(new { response = new { status = "Matched", lead_id = token, price } });
    public override BuyerReply NoBid(string reason) => BuyerReply.Json(new { response = new { status = "Unmatched", errors = new { error = reason } } });
    public override BuyerReply Accepted(string reference, string price) => BuyerReply.Json(new { response = new { status = "Matched", lead_id = reference } });
    public override BuyerReply Rejected(string reason) => BuyerReply.Json(new { response = new { status = "Unmatched", error = reason } });
    public override BuyerReply Duplicate() => BuyerReply.Json(new { response = new { status = "Error", error = "Duplicate lead" } });
}

internal sealed class PxShape : BuyerShape
{
    public override string Name => "px";
    public override BuyerAsked? Asked(BuyerRequest request, bool isXml) => request.Path switch { "/api/lead/ping" => BuyerAsked.Ping, "/api/lead/post" => BuyerAsked.Post, _ => null };
    public override string Token(BuyerRequest request) => request["TransactionId"];
    public override string Person(BuyerRequest request) => request["ContactData.PhoneNumber"];
    public override BuyerReply Bid(string token, string price) => BuyerReply.Json(new { TransactionId = token, Success = true, Payout = price, Message = "" });
    public override BuyerReply NoBid(string reason) => BuyerReply.Json(new { Success = false, Payout = (string?)null, Message = reason, Errors = (string[]?)null });
    public override BuyerReply Accepted(string reference, string price) =>
        BuyerReply.Json(new { TransactionId = reference, Success = true, Payout = price, Sold = true, RedirectUrl = "https://buyer.example/thanks" });
    public override BuyerReply Rejected(string reason) => BuyerReply.Json(new { Success = false, Message = "BadRequest", Errors = (string[])[reason] });
    public override BuyerReply Duplicate() => Rejected("duplicate");
}

internal sealed class LeadsPediaShape : BuyerShape
{
    public override string Name => "leadspedia";
    public override BuyerAsked? Asked(BuyerRequest request, bool isXml) => request.Path switch { "/ping.do" => BuyerAsked.Ping, "/post.do" => BuyerAsked.Post, _ => null };
    public override string Token(BuyerRequest request) => request["lp_ping_id"];
    public override string Person(BuyerRequest request) => request["phone_home"];
    public override BuyerReply Bid(string token, string price) => BuyerReply.Json(new { result = "success", ping_id = token, price, msg = "ok" });
    public override BuyerReply NoBid(string reason) => BuyerReply.Json(new { result = "failed", msg = reason });
    public override BuyerReply Accepted(string reference, string price) =>
        BuyerReply.Xml($"<response><result>success</result><lead_id>{reference}</lead_id><price>{price}</price></response>");
    public override BuyerReply Rejected(string reason) => BuyerReply.Json(new { result = "failed", errors = new { error = (string[])[reason] } });
    public override BuyerReply Duplicate() => BuyerReply.Json(new { result = "failed", msg = "Duplicate lead" });
}

internal sealed class LeadProsperShape : BuyerShape
{
    public override string Name => "leadprosper";
    public override BuyerAsked? Asked(BuyerRequest request, bool isXml) => isXml ? null : request.Path switch { "/ping" => BuyerAsked.Ping, "/post" => BuyerAsked.Post, _ => null };
    public override string Token(BuyerRequest request) => request["lp_ping_id"];
    public override string Person(BuyerRequest request) => request["phone"];
    public override BuyerReply Bid(string token, string price) => BuyerReply.Json(new { status = "ACCEPTED", ping_id = token, payout = price });
    public override BuyerReply NoBid(string reason) => BuyerReply.Json(new { status = "ERROR", code = 1004, message = reason });
    public override BuyerReply Accepted(string reference, string price) => BuyerReply.Json(new { status = "ACCEPTED", code = 0, lead_id = reference });
    public override BuyerReply Rejected(string reason) => BuyerReply.Json(new { status = "ERROR", code = 1005, message = reason });
    public override BuyerReply Duplicate() => BuyerReply.Json(new { status = "DUPLICATED", code = 1006, message = "seen" });
}

/// <summary>Post only: it knows no pings, and answers a check by what it remembers.</summary>
internal sealed class PhonexaShape : BuyerShape
{
    public override string Name => "phonexa";
    public override BuyerAsked? Asked(BuyerRequest request, bool isXml) => request.Path switch { "/lead/" => BuyerAsked.Post, "/lead/status" => BuyerAsked.Check, _ => null };
    public override string Token(BuyerRequest request) => "";
    public override string Person(BuyerRequest request) => request["tPar"];
    public override BuyerReply Bid(string token, string price) => throw new NotSupportedException();
    public override BuyerReply NoBid(string reason) => throw new NotSupportedException();
    public override BuyerReply Accepted(string reference, string price) => BuyerReply.Json(new { status = 1, status_text = "sold", lead_id = reference, price, redirect_url = "https://buyer.example/offer" });
    public override BuyerReply Rejected(string reason) => BuyerReply.Json(new { status = 2, status_text = "reject", errors = (object[])[new { lead = reason }] });
    public override BuyerReply Duplicate() => BuyerReply.Json(new { status = 4, errors = (object[])[new Dictionary<string, string> { ["Duplicate Application"] = "Duplicate Application" }] });
    public override BuyerReply Unknown() => BuyerReply.Json(new { status = 5 });
}

internal sealed class LeadExecShape : BuyerShape
{
    public override string Name => "leadexec";
    public override BuyerAsked? Asked(BuyerRequest request, bool isXml) => request.Path switch { "/v1/ping/json" => BuyerAsked.Ping, "/v1/post/json" => BuyerAsked.Post, _ => null };
    public override string Token(BuyerRequest request) => request["orderid"];
    public override string Person(BuyerRequest request) => request["dayphone"];
    public override BuyerReply Bid(string token, string price) => BuyerReply.Json(new { isValidPost = true, Price = price, OrderID = token, ResponseType = 0 });
    public override BuyerReply NoBid(string reason) => BuyerReply.Json(new { isValidPost = false, ResponseType = 5, ResponseDetail = reason });
    public override BuyerReply Accepted(string reference, string price) => BuyerReply.Json(new { PostID = reference, isValidPost = true, ResponseType = "No_Error" });
    public override BuyerReply Rejected(string reason) => BuyerReply.Json(new { isValidPost = false, ResponseType = 5, ResponseDetail = reason });
    public override BuyerReply Duplicate() => BuyerReply.Json(new { isValidPost = false, ResponseType = 6, ResponseDetail = "Duplicate_Lead" });
}

internal sealed class PlainTextShape : BuyerShape
{
    public override string Name => "plain-text";
    public override BuyerAsked? Asked(BuyerRequest request, bool isXml) => request.Path != "/incoming.cgi" ? null : request["action"] == "quote" ? BuyerAsked.Ping : BuyerAsked.Post;
    public override string Token(BuyerRequest request) => request["token"];
    public override string Person(BuyerRequest request) => request["phone"];
    public override BuyerReply Bid(string token, string price) => BuyerReply.Text($"OK price={price} token={token}");
    public override BuyerReply NoBid(string reason) => BuyerReply.Text($"NO {reason}");
    public override BuyerReply Accepted(string reference, string price) => BuyerReply.Text($"POST_VALID|{reference.TrimStart('r')}");
    public override BuyerReply Rejected(string reason) => BuyerReply.Text($"POST_INVALID: {reason}");
    public override BuyerReply Duplicate() => BuyerReply.Text("duplicate");
}

internal sealed class PxXmlShape : BuyerShape
{
    public override string Name => "px-xml";
    public override BuyerAsked? Asked(BuyerRequest request, bool isXml) => !isXml ? null : request.Path switch { "/ping" => BuyerAsked.Ping, "/post" => BuyerAsked.Post, _ => null };
    public override string Token(BuyerRequest request) => request["Id"];
    public override string Person(BuyerRequest request) => request["Name"];
    public override BuyerReply Bid(string token, string price) => BuyerReply.Xml(
        $"<Response><Result Value=\"BaeOK\"><TransactionID>{token}</TransactionID><Bid0><Legname>A</Legname><Payout>{price}</Payout><Status>Success</Status></Bid0></Result></Response>");
    public override BuyerReply NoBid(string reason) => Rejected(reason);
    public override BuyerReply Accepted(string reference, string price) => BuyerReply.Xml($"<Response><Result Value=\"BaeOK\"><TransactionID>{reference}</TransactionID></Result></Response>");
    public override BuyerReply Rejected(string reason) => BuyerReply.Xml($"<Response><Result Value=\"Rejected\"><Message>{reason}</Message></Result></Response>");
    public override BuyerReply Duplicate() => Rejected("duplicate");
}
