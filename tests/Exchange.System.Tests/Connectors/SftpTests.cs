using Exchange.Delivery;
using Exchange.Delivery.Connectors;
using Exchange.Engine.Catalog;
using Exchange.Engine.Connectors;
using Exchange.Engine.Values;
using Exchange.System.Tests.Delivery;
using Shouldly;

namespace Exchange.System.Tests.Connectors;

/// <summary>Copies as files on a real OpenSSH server, and what happens when it is another one, is down, refuses or is cut off.</summary>
public sealed class SftpTests : IAsyncLifetime
{
    private readonly OutboundHttp http = new(Samples.Loopback);
    private SshServer server = null!;

    public async Task InitializeAsync() => server = await SshServer.StartAsync();

    public async Task DisposeAsync()
    {
        http.Dispose();
        await server.DisposeAsync();
    }

    private EndpointModel Endpoint(FileFormat format = FileFormat.Csv, string? folder = null, params string[] hostKeys) =>
        new("files", ConnectorKind.Sftp, null, "crm-secret", TimeSpan.FromSeconds(20))
        {
            Buyer = "buyer",
            Sftp = new() { Host = "localhost", Port = server.Port, User = SshServer.User, Folder = folder ?? server.Inbox, Format = format, HostKeys = [.. hostKeys.Select(key => key["SHA256:".Length..])] },
        };

    private static CopyBatch Batch(params int[] numbers) => new(new(2026, 11, 22, 13, 0, 0, TimeSpan.Zero), ["zip", "age", "email"],
        [.. numbers.Select(number => Samples.Message with { Copy = new(LeadId.Create(1_790_000_000_000, 1, false, (ulong)number), 1) })]);

    private IBatchConnector Connector(IHostKeys? keys = null) => ConnectorList.Create(http, new(), TimeProvider.System, hostKeys: keys).FindBatch(ConnectorKind.Sftp)!;

    private Task<AttemptResult> SendAsync(EndpointModel endpoint, CopyBatch batch, IBatchConnector? connector = null, byte[]? key = null) =>
        (connector ?? Connector()).SendAsync(endpoint, Samples.SecretsOf(key ?? server.ClientKey), batch, Samples.Now, CancellationToken.None);

    [Fact]
    public async Task Csv_IsOneWholeFile_AndTheSameBatchAgainFindsIt()
    {
        var sent = await SendAsync(Endpoint(), Batch(1, 2));
        Told.Of(sent).ShouldBe($"Accepted ref={sent.Ref}");
        sent.Ref.ShouldStartWith("leads-20261122T130000Z-");
        var lines = server.Read(server.Files.ShouldHaveSingleItem()).Split("\r\n");
        lines[0].ShouldBe("copy_id,campaign,vertical,price,currency,sharing,sold_at,source,sub_source,return_until,test,zip,age,email,insured,phone,name,consent_text,consent_at,consent_page,consent_ip,consent_user_agent,consent_sellers");
        lines[1].ShouldStartWith($"{Batch(1).Copies[0].Copy},north-auto,auto,11.00,USD,exclusive,2026-11-22T12:00:00.25Z,s-7f3k2,,,false,02139,35,,true,+12025550123,\"Zoë \"\"Z\"\"\n\",I agree,");
        lines.Length.ShouldBe(4);

        Told.Of(await SendAsync(Endpoint(), Batch(1, 2))).ShouldBe(Told.Of(sent));
        Told.Of(await SendAsync(Endpoint(), Batch(1, 3))).ShouldStartWith("Accepted");
        server.Files.Length.ShouldBe(2);
        server.Parts.ShouldBeEmpty();
    }

    [Fact]
    public async Task Json_IsAListOfOurMessages()
    {
        Told.Of(await SendAsync(Endpoint(FileFormat.Json), Batch(1, 2))).ShouldStartWith("Accepted");
        var list = global::System.Text.Json.Nodes.JsonNode.Parse(server.Read(server.Files.ShouldHaveSingleItem()))!.AsArray();
        list.Select(each => (string?)each!["copy_id"]).ShouldBe(Batch(1, 2).Copies.Select(copy => copy.Copy.ToString()));
        ((string?)list[0]!["fields"]!["zip"]).ShouldBe("02139");
    }

    [Fact]
    public async Task HostKey_Pinned_IsTheOnlyOneSpokenTo()
    {
        var other = "SHA256:" + new string('A', 43);
        Told.Of(await SendAsync(Endpoint(hostKeys: other), Batch(1))).ShouldBe("NotSent host_key_changed");
        server.Files.ShouldBeEmpty();
        Told.Of(await SendAsync(Endpoint(hostKeys: [other, await server.FingerprintAsync()]), Batch(1))).ShouldStartWith("Accepted");
    }

    [Fact]
    public async Task HostKey_NotPinned_IsTheFirstOneSeen_UntilTheCatalogSaysOtherwise()
    {
        var keys = new HostKeysInMemory();
        Told.Of(await SendAsync(Endpoint(), Batch(1), Connector(keys))).ShouldStartWith("Accepted");
        await server.ChangeHostKeyAsync();
        Told.Of(await SendAsync(Endpoint(), Batch(2), Connector(keys))).ShouldBe("NotSent host_key_changed");
        server.Files.Length.ShouldBe(1);
        Told.Of(await SendAsync(Endpoint(hostKeys: await server.FingerprintAsync()), Batch(2), Connector(keys))).ShouldStartWith("Accepted");
    }

    /// <summary>Two servers of ours call for the first time at once, and are shown two keys.</summary>
    [Fact]
    public async Task HostKey_ThatAnotherProcessSawOtherwiseMeanwhile_IsSentNothing()
    {
        var keys = new SeenMeanwhile("A key of somebody else");
        Told.Of(await SendAsync(Endpoint(), Batch(1), Connector(keys))).ShouldBe("NotSent host_key_changed");
        server.Files.ShouldBeEmpty();
        server.Parts.ShouldBeEmpty();
        Told.Of(await SendAsync(Endpoint(), Batch(1), Connector(new SeenMeanwhile((await server.FingerprintAsync())["SHA256:".Length..])))).ShouldStartWith("Accepted");
    }

    /// <summary>Between looking and remembering, another process has remembered.</summary>
    private sealed class SeenMeanwhile(string fingerprint) : IHostKeys
    {
        private readonly HostKeysInMemory shared = new();

        public async Task<string?> FindAsync(string server, CancellationToken cancel)
        {
            var before = await shared.FindAsync(server, cancel);
            await shared.RememberAsync(server, fingerprint, cancel);
            return before;
        }

        public Task<string> RememberAsync(string server, string print, CancellationToken cancel) => shared.RememberAsync(server, print, cancel);
    }

    [Fact]
    public async Task Refusals_SendNothing_AndSayWhy()
    {
        Told.Of(await SendAsync(Endpoint(), Batch(1), key: await SshServer.AnotherKeyAsync())).ShouldBe("NotSent sftp_auth");
        Told.Of(await SendAsync(Endpoint(), Batch(1), key: "no key"u8.ToArray())).ShouldBe("NotSent secret_invalid");
        Told.Of(await SendAsync(Endpoint(folder: server.Inbox + "/none"), Batch(1))).ShouldBe("NotSent folder_missing");
        await server.ModeAsync("555");
        Told.Of(await SendAsync(Endpoint(), Batch(1))).ShouldBe("NotSent permission_denied");
        await server.ModeAsync("755");
        server.Kill();
        Told.Of(await SendAsync(Endpoint(), Batch(1))).ShouldBe("NotSent connect_refused");
        server.Files.ShouldBeEmpty();
        await server.RestartAsync();
        Told.Of(await SendAsync(Endpoint(), Batch(1))).ShouldStartWith("Accepted");
    }

    /// <summary>Its name is written in the catalog, so it is judged as any buyer's address is.</summary>
    [Fact]
    public async Task Loopback_WhereItIsNotAllowed_IsNotConnectedTo()
    {
        using var outside = new OutboundHttp(new OutboundOptions());
        Told.Of(await ConnectorList.Create(outside, new(), TimeProvider.System).FindBatch(ConnectorKind.Sftp)!
            .SendAsync(Endpoint(), Samples.SecretsOf(server.ClientKey), Batch(1), Samples.Now, CancellationToken.None)).ShouldBe("NotSent address_refused");
    }

    [Theory]
    [InlineData("=HYPERLINK(\"http://x.example\")", "\"'=HYPERLINK(\"\"http://x.example\"\")\"")]
    [InlineData("@SUM(A1)", "'@SUM(A1)")]
    [InlineData("+1+cmd|' /C calc'!A0", "'+1+cmd|' /C calc'!A0")]
    [InlineData("-2+3+cmd", "'-2+3+cmd")]
    [InlineData("\t=1", "'\t=1")]
    [InlineData("+12025550123", "+12025550123")]
    [InlineData("+1 (202) 555-0123", "+1 (202) 555-0123")]
    [InlineData("-12.50", "-12.50")]
    [InlineData("O'Brien = x", "O'Brien = x")]
    public void Csv_WhatASpreadsheetWouldRun_IsText(string value, string written)
    {
        var batch = new CopyBatch(Samples.Now, ["zip"], [Samples.Message with { Fields = [new("zip", value, OutKind.Text)] }]);
        global::System.Text.Encoding.UTF8.GetString(LeadFile.Bytes(batch, FileFormat.Csv)).ShouldContain($",false,{written},I agree,");
    }
}
