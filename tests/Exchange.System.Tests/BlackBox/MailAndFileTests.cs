using System.Globalization;
using System.Text.Json.Nodes;
using Exchange.Engine;
using Exchange.System.Tests.Delivery;
using Exchange.System.Tests.Storage;
using Shouldly;
using static Exchange.System.Tests.BlackBox.MarketCalls;

namespace Exchange.System.Tests.BlackBox;

/// <summary>An exchange that knows a mail server of the tests' own.</summary>
public class RunningMailExchange : RunningExchange
{
    internal SmtpServer Mail { get; } = new();

    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        await Mail.DisposeAsync();
    }

    protected override async Task<Dictionary<string, string>?> SettingsAsync() => new(await DatabaseAsync())
    {
        ["Exchange__Smtp__Host"] = "127.0.0.1", ["Exchange__Smtp__Port"] = Mail.Port.ToString(CultureInfo.InvariantCulture), ["Exchange__Smtp__Tls"] = "none",
        ["Exchange__Smtp__From"] = "leads@exchange.example",
    };

    /// <summary>Nothing: the embedded one.</summary>
    protected virtual Task<Dictionary<string, string>> DatabaseAsync() => Task.FromResult(new Dictionary<string, string>());
}

/// <summary>The same over PostgreSQL.</summary>
public sealed class RunningPostgresMailExchange : RunningMailExchange
{
    private readonly PostgresCluster postgres = new();

    public override async Task InitializeAsync()
    {
        await postgres.InitializeAsync();
        await base.InitializeAsync();
    }

    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        await postgres.DisposeAsync();
    }

    protected override async Task<Dictionary<string, string>> DatabaseAsync() => PostgresTests.Settings(await PostgresCluster.CreateDatabaseAsync());
}

/// <summary>
/// Sold copies as mails and files, through a real exchange that is killed in between. They share it, and its mail server, to which one of them alone sends; the buyer and the
/// SSH server are each test's own.
/// </summary>
public abstract class MailAndFileTests(RunningMailExchange running) : IAsyncLifetime
{
    private static int tests;

    private readonly ExchangeProcess exchange = running.Process;
    private readonly string id = string.Create(CultureInfo.InvariantCulture, $"first-{Interlocked.Increment(ref tests)}");
    private SshServer ssh = null!;

    public async Task InitializeAsync() => ssh = await SshServer.StartAsync();

    public async Task DisposeAsync() => await ssh.DisposeAsync();

    [Fact]
    public async Task Mail_CutAfterItsText_ComesAgainUnderItsId_AndARefusedOneIsADeadLetter()
    {
        var mail = running.Mail;
        using var publisher = await StartAsync("to: [mail]");
        mail.Answer("DOT", SmtpServer.HangUp);
        (await publisher.PingAndPostAsync())["status"].ShouldBe("sold");
        await Until(async () => (await DeliveriesAsync())[0] == "mail delivered  2", "it comes again", exchange);
        mail.Mails.Count.ShouldBe(2);
        Ids(mail.Mails).Distinct().ShouldHaveSingleItem().ShouldEndWith(".mail@exchange.example>");

        mail.Answer("RCPT", "550 no such user");
        (await publisher.PingAndPostAsync())["status"].ShouldBe("sold");
        await Until(async () => (await DeliveriesAsync())[0] == "mail dead smtp_550 1", "it is a dead letter", exchange);
        mail.Mails.Count.ShouldBe(2);

        static IEnumerable<string> Ids(IEnumerable<string> mails) => mails.Select(each => each.Split('\n').Single(line => line.StartsWith("Message-Id:", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Files_CollectWhatWasSold_AndWaitForTheirServer()
    {
        using var publisher = await StartAsync("to: [files]", every: "4s");
        ssh.Kill();
        var leads = new List<string>();
        foreach (var _ in Enumerable.Range(0, 5)) leads.Add((await publisher.PingAndPostAsync())["lead_id"]!);
        await Until(async () => (await DeliveriesAsync()).Any(row => row.StartsWith("files waiting connect_refused", StringComparison.Ordinal)), "it is tried", exchange);
        ssh.Files.ShouldBeEmpty();
        await ssh.RestartAsync();
        await Until(async () => (await DeliveriesAsync()).All(row => row.StartsWith("files delivered", StringComparison.Ordinal)), "all are there", exchange);
        Rows().Select(row => row.Split(',')[0]).Order().ShouldBe(leads.Select(lead => lead + "-1").Order());
        // One file for each moment of the schedule, not one for each lead.
        ssh.Files.Length.ShouldBeLessThan(5);
        Rows()[0].ShouldContain(",Pat,");
    }

    /// <summary>The worst moment: the file has its name and nobody knows it.</summary>
    [Fact]
    public async Task File_KilledBeforeItIsRecorded_IsFoundAgain_AndNotWrittenTwice()
    {
        await running.KillAndRestartAsync(("EXCHANGE_FAULT_POINT", FaultPoints.AfterSent.Name));
        using var publisher = await StartAsync("to: [files]", every: "8s");
        // It kills itself when the moment ends: not among the sales.
        await Until(() => TimeProvider.System.GetUtcNow().ToUnixTimeSeconds() % 8 < 2, "a moment has begun", exchange);
        foreach (var _ in Enumerable.Range(0, 3)) (await publisher.PingAndPostAsync())["status"].ShouldBe("sold");
        await Until(() => ssh.Files.Length > 0, "a file is there", exchange);
        var before = ssh.Files;
        await running.KillAndRestartAsync();
        await Until(async () => (await DeliveriesAsync()).All(row => row.StartsWith("files delivered", StringComparison.Ordinal)), "all are recorded", exchange);
        (await DeliveriesAsync()).ShouldContain("files delivered  2");
        before.ShouldBeSubsetOf(ssh.Files);
        Rows().Length.ShouldBe(3);
        Rows().Select(row => row.Split(',')[0]).Distinct().Count().ShouldBe(3);
    }

    [Fact]
    public async Task Many_GoTogether_WhateverOneBuyersShareOfCallsIs()
    {
        using var publisher = await StartAsync("to: [files]", every: "20s");
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
        // Nothing is under way that would meet another test's fault point.
        await Until(async () => (await exchange.AdminAsync($"deliveries?status=waiting&buyer={id}"))["deliveries"]!.AsArray().Count == 0, "all are recorded", exchange);
    }

    private string[] Rows() => [.. ssh.Files.SelectMany(file => ssh.Read(file).Split("\r\n", StringSplitOptions.RemoveEmptyEntries).Skip(1))];

    private async Task<Sender> StartAsync(string delivery, string every = "1h")
    {
        (await exchange.SendAsync(HttpMethod.Put, "/v1/admin/secrets/ssh-" + id, ExchangeProcess.AdminKey, global::System.Text.Encoding.ASCII.GetString(ssh.ClientKey), "text/plain")).Status.ShouldBe(200);
        await exchange.ApplyAsync(Market.With($$"""
            publishers:
              search: { verticals: [auto], payout: { share: 80% } }
            buyers:
              {{id}}:
                credit_limit: unlimited
                endpoints:
                  mail: { connector: email, with: { to: leads@first.example, subject: "Lead {{"{{ sale.id }}"}} in {{"{{ lead.zip }}"}}" } }
                  files: { connector: sftp, with: { host: localhost, port: {{ssh.Port}}, user: {{SshServer.User}}, key: { secret: ssh-{{id}} }, folder: "{{ssh.Inbox}}", every: {{every}} } }
            campaigns:
              {{id}}:  { buyer: {{id}}, vertical: auto, bid: "12.50", delivery: { {{delivery}} } }
            ping_trees:
              main: { vertical: auto, tiers: [{ name: market, method: auction, pricing: first_price, floor: "5.00", campaigns: [{{id}}] }] }
            """));
        return new(exchange, await running.KeyAsync("publisher", "search"));
    }

    /// <summary>Newest first: endpoint, status, error, attempts.</summary>
    private async Task<string[]> DeliveriesAsync() => [.. (await exchange.AdminAsync("deliveries?buyer=" + id))["deliveries"]!.AsArray()
        .Select(row => string.Create(CultureInfo.InvariantCulture, $"{row!["endpoint"]} {row["status"]} {row["error"]} {row["attempts"]}"))];
}

public sealed class EmbeddedMailAndFileTests(RunningMailExchange running) : MailAndFileTests(running), IClassFixture<RunningMailExchange>;

public sealed class PostgresMailAndFileTests(RunningPostgresMailExchange running) : MailAndFileTests(running), IClassFixture<RunningPostgresMailExchange>;
