using Exchange.Delivery;
using Exchange.Delivery.Connectors;
using Exchange.Delivery.Templates;
using Exchange.Engine.Catalog;
using Exchange.Engine.Connectors;
using Exchange.System.Tests.Delivery;
using Microsoft.Extensions.Time.Testing;
using Shouldly;

namespace Exchange.System.Tests.Connectors;

/// <summary>Copies as mails through a mail server that logs, refuses, hangs and hangs up.</summary>
public sealed class EmailTests : IAsyncLifetime
{
    private readonly SmtpServer server = new();
    private readonly OutboundHttp http = new(Samples.Loopback);

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        http.Dispose();
        await server.DisposeAsync();
    }

    private static Template T(string text) => Liquid.Parse(text).Template.ShouldNotBeNull();

    private static EndpointModel Endpoint(string to = "leads@buyer.example", string? subject = null, string? body = null, int timeoutMs = 10_000) =>
        new("mail", ConnectorKind.Email, null, null, TimeSpan.FromMilliseconds(timeoutMs)) { Buyer = "buyer", Email = new() { To = T(to), Subject = subject is null ? null : T(subject), Body = body is null ? null : T(body) } };

    private SmtpOptions Options => new() { Host = "127.0.0.1", Port = server.Port, From = "Leads <leads@exchange.example>", Tls = SmtpTls.None };

    private Task<AttemptResult> SendAsync(EndpointModel endpoint, CopyMessage? message = null, SmtpOptions? options = null) =>
        ConnectorList.Create(http, new(), TimeProvider.System, options ?? Options).Find(ConnectorKind.Email)!
            .SendAsync(endpoint, EndpointSecrets.None, message ?? Samples.Message, Samples.Now, CancellationToken.None);

    [Fact]
    public async Task Accepted_IsOneMail_WithEveryField_AndTheSameIdEachTime()
    {
        Told.Of(await SendAsync(Endpoint())).ShouldBe("Accepted");
        Told.Of(await SendAsync(Endpoint())).ShouldBe("Accepted");
        var mails = server.Mails.ToArray();
        mails.Length.ShouldBe(2);
        mails[0].ShouldContain($"Message-Id: <{Samples.Message.Copy}.mail@exchange.example>\n");
        mails[1].ShouldBe(mails[0]);
        mails[0].ShouldContain("From: Leads <leads@exchange.example>\n");
        mails[0].ShouldContain("To: leads@buyer.example\n");
        mails[0].ShouldContain($"Subject: Lead {Samples.Message.Copy}\n");
        mails[0].ShouldContain("\nzip: 02139\n");
        mails[0].ShouldContain("\nphone: +12025550123\n");
        mails[0].ShouldContain("\nprice: 11.00 USD\n");
        server.Heard.ShouldContain("RCPT TO:<leads@buyer.example>");
    }

    [Fact]
    public async Task Templates_AreFilledIn_AndNoFieldBeginsAHeader()
    {
        var message = Samples.Message with { Fields = [new("zip", "02139\r\nBcc: all@world.example", OutKind.Text), new("name", "Zoë\n.\nQUIT", OutKind.Text)] };
        Told.Of(await SendAsync(Endpoint("a@buyer.example, b@buyer.example", "Lead in {{ lead.zip }}", "Name: {{ lead.name }}"), message)).ShouldBe("Accepted");
        var mail = server.Mails.ShouldHaveSingleItem();
        mail.ShouldContain("Subject: Lead in 02139Bcc: all@world.example\n");
        mail.Split("\n\n")[0].Split('\n').ShouldNotContain(line => line.StartsWith("Bcc", StringComparison.OrdinalIgnoreCase));
        server.Heard.Where(line => line.StartsWith("RCPT", StringComparison.Ordinal)).ShouldBe(["RCPT TO:<a@buyer.example>", "RCPT TO:<b@buyer.example>"]);
        // The dot alone on its line was the mail's, not its end.
        server.Heard.ShouldNotContain("QUIT");
    }

    [Theory]
    // Before the text begins to leave.
    [InlineData("MAIL", "530 who are you", "NotSent smtp_auth")]
    [InlineData("MAIL", "550 not you", "NotSent smtp_550")]
    [InlineData("MAIL", "451 later", "RetryLater smtp_451")]
    [InlineData("RCPT", "550 no such user", "Rejected smtp_550 Answer")]
    [InlineData("RCPT", "450 try later", "RetryLater smtp_450")]
    [InlineData("RCPT", "421 too many", "RetryLater smtp_421")]
    [InlineData("RCPT", SmtpServer.HangUp, "NotSent connect_failed")]
    [InlineData("RCPT", SmtpServer.Silent, "NotSent timeout")]
    [InlineData("DATA", "554 no", "Rejected smtp_554 Answer")]
    // Its answer to the text.
    [InlineData("DOT", "554 spam", "Rejected smtp_554 Answer")]
    [InlineData("DOT", "552 too large", "Rejected smtp_552 Answer")]
    [InlineData("DOT", "451 greylisted", "RetryLater smtp_451")]
    // It may have taken it.
    [InlineData("DOT", SmtpServer.HangUp, "Unknown connection_lost")]
    [InlineData("DOT", SmtpServer.Silent, "Unknown timeout")]
    [InlineData("DOT", "354 what", "Unknown answer_unclear")]
    [InlineData("DOT", "hello", "Unknown connection_lost")]
    public async Task Reply_IsRead(string command, string reply, string told)
    {
        server.Answer(command, reply);
        Told.Of(await SendAsync(Endpoint(timeoutMs: reply == SmtpServer.Silent ? 2_000 : 10_000))).ShouldBe(told);
    }

    private IConnector Connector(TimeProvider? time = null, SmtpOptions? options = null) => ConnectorList.Create(http, new(), time ?? TimeProvider.System, options ?? Options).Find(ConnectorKind.Email)!;

    private static async Task<string> SendAsync(IConnector connector, EndpointModel? endpoint = null) =>
        Told.Of(await connector.SendAsync(endpoint ?? Endpoint(), EndpointSecrets.None, Samples.Message, Samples.Now, CancellationToken.None));

    [Fact]
    public async Task Connection_OfAMailThatWasTaken_BringsTheNextOnes_EachEndpointItsOwn()
    {
        server.Extensions = ["AUTH PLAIN"];
        var connector = Connector(options: Options with { User = "us", Password = "secret" });
        for (var i = 0; i < 3; i++) (await SendAsync(connector)).ShouldBe("Accepted");
        (server.Connections, server.Mails.Count, server.Heard.Count(line => line.StartsWith("AUTH", StringComparison.Ordinal))).ShouldBe((1, 3, 1));
        (await SendAsync(connector, Endpoint() with { Name = "other" })).ShouldBe("Accepted");
        (await SendAsync(connector)).ShouldBe("Accepted");
        (server.Connections, server.Mails.Count).ShouldBe((2, 5));
    }

    [Fact]
    public async Task Connection_KeptAMoment_IsClosedWithAGoodbye()
    {
        var time = new FakeTimeProvider();
        var connector = Connector(time);
        (await SendAsync(connector)).ShouldBe("Accepted");
        time.Advance(TimeSpan.FromSeconds(14));
        server.Heard.ShouldNotContain("QUIT");
        time.Advance(TimeSpan.FromSeconds(1));
        await UntilAsync(() => server.Heard.Contains("QUIT"));
        (await SendAsync(connector)).ShouldBe("Accepted");
        (server.Connections, server.Mails.Count).ShouldBe((2, 2));
    }

    [Theory]
    // The second mail finds the kept connection dead, closed by its server, or logged out: it goes over a new one at once.
    [InlineData(null, null)]
    [InlineData("MAIL", SmtpServer.HangUp)]
    [InlineData("RCPT", SmtpServer.HangUp)]
    [InlineData("MAIL", "421 idle for too long")]
    [InlineData("RCPT", "421 closing")]
    [InlineData("MAIL", "530 who are you")]
    public async Task Connection_ThatDiedWhileItWasKept_LosesNoMail(string? command, string? reply)
    {
        var connector = Connector();
        (await SendAsync(connector)).ShouldBe("Accepted");
        if (command is null) server.DropAll();
        else server.Answer(command, reply!);
        (await SendAsync(connector)).ShouldBe("Accepted");
        (server.Connections, server.Mails.Count).ShouldBe((2, 2));
    }

    [Theory]
    // From the last recipient on nobody knows: never twice. A no of the server's is a no, over whatever connection.
    [InlineData("DATA", SmtpServer.HangUp, "Unknown connection_lost", 1)]
    [InlineData("DOT", SmtpServer.HangUp, "Unknown connection_lost", 2)]
    [InlineData("DOT", "421 closing", "RetryLater smtp_421", 2)]
    [InlineData("RCPT", "550 no such user", "Rejected smtp_550 Answer", 1)]
    [InlineData("RCPT", "450 try later", "RetryLater smtp_450", 1)]
    public async Task Connection_ThatWasKept_IsTriedOnce_WhereTheTextMayHaveLeft_OrItsServerSaysNo(string command, string reply, string told, int mails)
    {
        var connector = Connector();
        (await SendAsync(connector)).ShouldBe("Accepted");
        server.Answer(command, reply);
        (await SendAsync(connector)).ShouldBe(told);
        (server.Connections, server.Mails.Count).ShouldBe((1, mails));
        // What failed is not kept.
        (await SendAsync(connector)).ShouldBe("Accepted");
        server.Connections.ShouldBe(2);
    }

    [Fact]
    public async Task Connections_AtOnce_OneOfThemIsKept()
    {
        var connector = Connector();
        (await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => SendAsync(connector)))).ShouldAllBe(told => told == "Accepted");
        server.Mails.Count.ShouldBe(6);
        var before = server.Connections;
        await UntilAsync(() => server.Heard.Count(line => line == "QUIT") == before - 1);
        (await SendAsync(connector)).ShouldBe("Accepted");
        server.Connections.ShouldBe(before);
    }

    private static async Task UntilAsync(Func<bool> holds)
    {
        var clock = global::System.Diagnostics.Stopwatch.StartNew();
        while (!holds())
        {
            clock.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(20));
            await Task.Delay(20);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task OneOfTwoRecipientsRefused_SendsNothing(bool pipelining)
    {
        if (pipelining) server.Extensions = ["PIPELINING"];
        server.Answer("RCPT", "250 fine");
        server.Answer("RCPT", "550 no such user");
        Told.Of(await SendAsync(Endpoint("a@buyer.example, b@buyer.example"))).ShouldBe("Rejected smtp_550 Answer");
        server.Mails.ShouldBeEmpty();
    }

    /// <summary>It is named to the server once; after that one the text may leave.</summary>
    [Fact]
    public async Task SameRecipientTwice_AndTheConnectionIsLost_IsADoubt()
    {
        server.Answer("DOT", SmtpServer.HangUp);
        Told.Of(await SendAsync(Endpoint("a@buyer.example, A@buyer.example"))).ShouldBe("Unknown connection_lost");
        server.Heard.Count(static line => line.StartsWith("RCPT", StringComparison.Ordinal)).ShouldBe(1);
    }

    [Fact]
    public async Task NoServer_OrNoneThere_OrNoTls_OrNoEntry_SendsNothing()
    {
        Told.Of(await ConnectorList.Create(http, new(), TimeProvider.System).Find(ConnectorKind.Email)!
            .SendAsync(Endpoint(), EndpointSecrets.None, Samples.Message, Samples.Now, CancellationToken.None)).ShouldBe("NotSent smtp_not_set");
        Told.Of(await SendAsync(Endpoint(), options: Options with { Port = FreePorts.Next() })).ShouldBe("NotSent connect_refused");
        Told.Of(await SendAsync(Endpoint(), options: Options with { Tls = SmtpTls.StartTls })).ShouldBe("NotSent tls_failed");
        server.Extensions = ["AUTH PLAIN"];
        server.Answer("AUTH", "535 no");
        Told.Of(await SendAsync(Endpoint(), options: Options with { User = "us", Password = "secret" })).ShouldBe("NotSent smtp_auth");
        server.Mails.ShouldBeEmpty();
    }
}
