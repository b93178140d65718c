using System.Globalization;
using System.Text.Json.Nodes;
using Exchange.Engine;
using Exchange.System.Tests.Delivery;
using Exchange.System.Tests.Storage;
using Shouldly;
using static Exchange.System.Tests.BlackBox.MarketCalls;

namespace Exchange.System.Tests.BlackBox;

/// <summary>Sold copies as mails and files, through a real exchange that is killed in between.</summary>
public abstract class MailAndFileTests : IAsyncLifetime
{
    private readonly SmtpServer mail = new();
    private SshServer ssh = null!;
    private Dictionary<string, string>? settings;

    /// <summary>Null: the embedded database.</summary>
    protected virtual Task<Dictionary<string, string>?> SettingsAsync() => Task.FromResult<Dictionary<string, string>?>(null);

    public async Task InitializeAsync()
    {
        ssh = await SshServer.StartAsync();
        settings = new(await SettingsAsync() ?? [])
        {
            ["Exchange__Smtp__Host"] = "127.0.0.1", ["Exchange__Smtp__Port"] = mail.Port.ToString(CultureInfo.InvariantCulture), ["Exchange__Smtp__Tls"] = "none",
            ["Exchange__Smtp__From"] = "leads@exchange.example",
        };
    }

    public async Task DisposeAsync()
    {
        await ssh.DisposeAsync();
        await mail.DisposeAsync();
    }

    [Fact]
    public async Task Mail_CutAfterItsText_ComesAgainUnderItsId_AndARefusedOneIsADeadLetter()
    {
        await using var exchange = await ExchangeProcess.StartAsync(environment: settings);
        using var publisher = await StartAsync(exchange, "to: [mail]");
        mail.Answer("DOT", SmtpServer.HangUp);
        (await publisher.PingAndPostAsync())["status"].ShouldBe("sold");
        await Until(async () => (await DeliveriesAsync(exchange))[0] == "mail delivered  2", "it comes again", exchange);
        mail.Mails.Count.ShouldBe(2);
        Ids(mail.Mails).Distinct().ShouldHaveSingleItem().ShouldEndWith(".mail@exchange.example>");

        mail.Answer("RCPT", "550 no such user");
        (await publisher.PingAndPostAsync())["status"].ShouldBe("sold");
        await Until(async () => (await DeliveriesAsync(exchange))[0] == "mail dead smtp_550 1", "it is a dead letter", exchange);
        mail.Mails.Count.ShouldBe(2);

        static IEnumerable<string> Ids(IEnumerable<string> mails) => mails.Select(each => each.Split('\n').Single(line => line.StartsWith("Message-Id:", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Files_CollectWhatWasSold_AndWaitForTheirServer()
    {
        await using var exchange = await ExchangeProcess.StartAsync(environment: settings);
        using var publisher = await StartAsync(exchange, "to: [files]", every: "4s");
        ssh.Kill();
        var leads = new List<string>();
        foreach (var _ in Enumerable.Range(0, 5)) leads.Add((await publisher.PingAndPostAsync())["lead_id"]!);
        await Until(async () => (await DeliveriesAsync(exchange)).Contains("files waiting connect_refused 1"), "it is tried", exchange);
        ssh.Files.ShouldBeEmpty();
        await ssh.RestartAsync();
        await Until(async () => (await DeliveriesAsync(exchange)).All(row => row.StartsWith("files delivered", StringComparison.Ordinal)), "all are there", exchange);
        Rows().Select(row => row.Split(',')[0]).Order().ShouldBe(leads.Select(lead => lead + "-1").Order());
        // One file for each moment of the schedule, not one for each lead.
        ssh.Files.Length.ShouldBeLessThan(5);
        Rows()[0].ShouldContain(",Pat,");
    }

    /// <summary>The worst moment: the file has its name and nobody knows it.</summary>
    [Fact]
    public async Task File_KilledBeforeItIsRecorded_IsFoundAgain_AndNotWrittenTwice()
    {
        await using var exchange = await ExchangeProcess.StartAsync(environment: new Dictionary<string, string>(settings!) { ["EXCHANGE_FAULT_POINT"] = FaultPoints.AfterSent.Name });
        using var publisher = await StartAsync(exchange, "to: [files]", every: "3s");
        foreach (var _ in Enumerable.Range(0, 3)) (await publisher.PingAndPostAsync())["status"].ShouldBe("sold");
        await Until(() => ssh.Files.Length > 0, "a file is there", exchange);
        var before = ssh.Files;
        await exchange.KillAndRestartAsync(settings);
        await Until(async () => (await DeliveriesAsync(exchange)).All(row => row.StartsWith("files delivered", StringComparison.Ordinal)), "all are recorded", exchange);
        (await DeliveriesAsync(exchange)).ShouldContain("files delivered  2");
        before.ShouldBeSubsetOf(ssh.Files);
        Rows().Length.ShouldBe(3);
        Rows().Select(row => row.Split(',')[0]).Distinct().Count().ShouldBe(3);
    }

    [Fact]
    public async Task Many_GoTogether_WhateverOneBuyersShareOfCallsIs()
    {
        await using var exchange = await ExchangeProcess.StartAsync(environment: settings);
        using var publisher = await StartAsync(exchange, "to: [files]", every: "20s");
        // In the middle of a moment, so that all are sold in one.
        await Until(() => TimeProvider.System.GetUtcNow().ToUnixTimeSeconds() % 20 < 5, "a moment has begun", exchange);
        await Task.WhenAll(Enumerable.Range(0, 8).Select(async _ =>
        {
            for (var i = 0; i < 50; i++) (await publisher.PingAndPostAsync())["status"].ShouldBe("sold");
        }));
        var sold = 400;
        await Until(() => ssh.Files.Length > 0, "a file is there", exchange);
        await Until(() => Rows().Length == sold, "all are there", exchange);
        ssh.Files.Length.ShouldBeLessThanOrEqualTo(2);
        Rows().Select(row => row.Split(',')[0]).Distinct().Count().ShouldBe(sold);
    }

    private string[] Rows() => [.. ssh.Files.SelectMany(file => ssh.Read(file).Split("\r\n", StringSplitOptions.RemoveEmptyEntries).Skip(1))];

    private async Task<Sender> StartAsync(ExchangeProcess exchange, string delivery, string every = "1h")
    {
        (await exchange.SendAsync(HttpMethod.Put, "/v1/admin/secrets/ssh", ExchangeProcess.AdminKey, global::System.Text.Encoding.ASCII.GetString(ssh.ClientKey), "text/plain")).Status.ShouldBe(200);
        await exchange.ApplyAsync(Market.With($$"""
            publishers:
              search: { verticals: [auto], payout: { share: 80% } }
            buyers:
              first:
                credit_limit: unlimited
                endpoints:
                  mail: { connector: email, with: { to: leads@first.example, subject: "Lead {{"{{ sale.id }}"}} in {{"{{ lead.zip }}"}}" } }
                  files: { connector: sftp, with: { host: localhost, port: {{ssh.Port}}, user: {{SshServer.User}}, key: { secret: ssh }, folder: "{{ssh.Inbox}}", every: {{every}} } }
            campaigns:
              first:  { buyer: first, vertical: auto, bid: "12.50", delivery: { {{delivery}} } }
            ping_trees:
              main: { vertical: auto, tiers: [{ name: market, method: auction, pricing: first_price, floor: "5.00", campaigns: [first] }] }
            """));
        return await Sender.OfAsync(exchange, "search");
    }

    /// <summary>Newest first: endpoint, status, error, attempts.</summary>
    private static async Task<string[]> DeliveriesAsync(ExchangeProcess exchange) => [.. (await exchange.AdminAsync("deliveries?buyer=first"))["deliveries"]!.AsArray()
        .Select(row => string.Create(CultureInfo.InvariantCulture, $"{row!["endpoint"]} {row["status"]} {row["error"]} {row["attempts"]}"))];
}

public sealed class EmbeddedMailAndFileTests : MailAndFileTests;

public sealed class PostgresMailAndFileTests : MailAndFileTests, IClassFixture<PostgresCluster>
{
    protected override async Task<Dictionary<string, string>?> SettingsAsync() => PostgresTests.Settings(await PostgresCluster.CreateDatabaseAsync());
}
