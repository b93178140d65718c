using System.Text.Json.Nodes;
using Shouldly;

namespace Exchange.System.Tests.BlackBox;

/// <summary>The catalog as an operator changes it: whole or not at all, over HTTP and the command line, while pings go on.</summary>
[Collection(AutoInsuranceOnce.Name)]
public sealed class CatalogTests(FirstSaleTests.AutoInsurance running)
{
    private const string Path = "/v1/admin/catalog";
    private static readonly (string, string) Any = ("If-Match", "*");
    private readonly ExchangeProcess exchange = running.Process;
    private readonly string key = running.PublisherKey;

    [Fact]
    public async Task Campaign_ThatLeft_ComesBackOnlyWithItsBuyer()
    {
        var with = ExchangeProcess.Data("auto-insurance.yaml");
        var without = string.Join('\n', with.Split('\n').Where(line => !line.StartsWith("  pool-c:", StringComparison.Ordinal))).Replace("pool-a, pool-b, pool-c", "pool-a, pool-b", StringComparison.Ordinal);
        (await PutAsync(without, "")).Status.ShouldBe(200);
        var stolen = await PutAsync(with.Replace("pool-c: { buyer: local-pool", "pool-c: { buyer: acme", StringComparison.Ordinal), "");
        (stolen.Status, Pointers(stolen)).ShouldSatisfyAllConditions(
            answer => answer.Status.ShouldBe(422), answer => answer.Item2.ShouldBe(["campaigns.pool-c.buyer"]));
        (await PutAsync(with, "")).Status.ShouldBe(200);
    }

    [Fact]
    public async Task Catalog_Refused_LeavesTheOldOneServing()
    {
        var before = await exchange.GetAsync(Path);
        var broken = ExchangeProcess.Data("auto-insurance.yaml")
            .Replace("buyer: best-auto", "buyer: nobody", StringComparison.Ordinal)
            .Replace("time_zone: America/New_York", "time_zone: Mars/Olympus", StringComparison.Ordinal)
            .Replace("bid: { fixed: \"12.50\" }", "bid: { fixed: \"-1\" }", StringComparison.Ordinal)
            .Replace("vertical: auto-insurance, bid: { fixed: \"3.00\" }, weight: 60", "vertical: auto-insurance, bid: { fixed: \"3.00\" }, weight: many, colour: red", StringComparison.Ordinal);
        var refused = await PutAsync(broken, "");
        refused.Status.ShouldBe(422);
        Pointers(refused).ShouldBe(["campaigns.acme-west.bid.fixed", "campaigns.best-auto-any.buyer", "campaigns.pool-a.colour", "campaigns.pool-a.weight", "exchange.time_zone"], ignoreOrder: true);
        refused.Json["errors"]!.AsArray().ShouldAllBe(error => error!["code"] != null && error["message"]!.ToString().Length > 10);
        await ServesAsBeforeAsync(before);

        // What the format does not have is told by its key, never ignored.
        var walled = await PutAsync(ExchangeProcess.Data("auto-insurance.yaml").Replace("publishers:\n", "publishers:\n  walled: { verticals: [auto-insurance], payout: { share: 80% }, hosts: [\"192.0.2.0/24\"] }\n", StringComparison.Ordinal), "");
        (walled.Status, walled.Code).ShouldBe((422, "unknown_key"), walled.Text);
        Pointers(walled).ShouldBe(["publishers.walled.hosts"]);
        await ServesAsBeforeAsync(before);

        // A plan says what would change and changes nothing.
        var plan = await PutAsync(ExchangeProcess.Data("auto-insurance.yaml").Replace("12.50", "13.50", StringComparison.Ordinal), "?dry_run=true");
        plan.Status.ShouldBe(200);
        var change = plan.Json["changes"]!.AsArray().ShouldHaveSingleItem()!;
        (change["kind"]!.ToString(), change["path"]!.ToString(), change["old"]!.ToString(), change["new"]!.ToString()).ShouldBe(("changed", "campaigns.acme-west.bid.fixed", "12.50", "13.50"));
        await ServesAsBeforeAsync(before);

        async Task ServesAsBeforeAsync(Reply then)
        {
            var now = await exchange.GetAsync(Path);
            (now.Headers["ETag"], now.Text).ShouldBe((then.Headers["ETag"], then.Text));
            var ping = await exchange.PostAsync("/v1/pings", key, new { vertical = "auto-insurance", fields = new { zip = "90210", state = "CA", age = 35, currently_insured = true } });
            (ping.Status, ping["payout"]).ShouldBe((200, "8.80"), ping.Text);
        }
    }

    [Theory]
    [InlineData("application/yaml")]
    [InlineData("application/json")]
    public async Task Catalog_ExportedAndAppliedAgain_MakesNoNewVersion(string mediaType)
    {
        var export = await exchange.SendAsync(HttpMethod.Get, Path, ExchangeProcess.AdminKey, headers: ("Accept", mediaType));
        var again = await exchange.SendAsync(HttpMethod.Put, Path, ExchangeProcess.AdminKey, export.Text, mediaType, ("If-Match", export.Headers["ETag"]));
        again.Status.ShouldBe(200, again.Text);
        again.Json["changes"]!.AsArray().ShouldBeEmpty();
        again.Headers["ETag"].ShouldBe(export.Headers["ETag"]);
    }

    [Fact]
    public async Task CommandLine_FromPlanToRollback_ExitsAndSaysWhatItDid()
    {
        var file = global::System.IO.Path.Combine(exchange.Folder, "changed.yaml");
        await File.WriteAllTextAsync(file, ExchangeProcess.Data("auto-insurance.yaml").Replace("weight: 60", "weight: 61", StringComparison.Ordinal) + """

          new-tree:
            vertical: auto-insurance
            publishers: [search-partner]
            tiers: [{ name: only, method: weighted, campaigns: [pool-z] }]
        """);
        var was = await VersionAsync();

        var plan = await exchange.CliAsync("plan", file);
        plan.Code.ShouldBe(1, plan.Output);
        plan.Error.ShouldStartWith("Refused (422");
        plan.Error.ShouldContain("ping_trees.");

        await File.WriteAllTextAsync(file, ExchangeProcess.Data("auto-insurance.yaml").Replace("weight: 60", "weight: 61", StringComparison.Ordinal).Replace("  pool-c:", "  pool-d: { buyer: local-pool, vertical: auto-insurance, bid: { fixed: \"1.00\" }, weight: 1 }\n  pool-c:", StringComparison.Ordinal));
        plan = await exchange.CliAsync("plan", file);
        plan.Code.ShouldBe(0, plan.Error);
        var lines = plan.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        lines.ShouldContain("~ campaigns.pool-a.weight  60 → 61");
        lines.Single(line => line.StartsWith('+')).ShouldStartWith("+ campaigns.pool-d  {\"buyer\":\"local-pool\"");
        (await VersionAsync()).ShouldBe(was);

        var apply = await exchange.CliAsync("apply", file);
        apply.Code.ShouldBe(0, apply.Error);
        apply.Output.ShouldContain($"Version {was + 1} serves.");
        var again = await exchange.CliAsync("apply", file);
        again.Code.ShouldBe(0, again.Error);
        again.Output.ShouldContain("Nothing changes.");
        (await VersionAsync()).ShouldBe(was + 1);

        var rollback = await exchange.CliAsync("rollback", was.ToString(global::System.Globalization.CultureInfo.InvariantCulture));
        rollback.Code.ShouldBe(0, rollback.Error);
        rollback.Output.ShouldContain("~ campaigns.pool-a.weight  61 → 60");
        (await VersionAsync()).ShouldBe(was + 2);
        (await exchange.CliAsync("history")).Output.ShouldContain("first start");

        var made = await exchange.CliAsync("keys", "create", "--role", "viewer", "--for", "auditor");
        made.Code.ShouldBe(0, made.Error);
        var secret = made.Output.Trim();
        var list = await exchange.CliAsync("keys", "list");
        list.Output.ShouldContain("auditor");
        list.Output.ShouldNotContain(secret);
        (await exchange.GetAsync(Path, secret)).Status.ShouldBe(200);
        var id = JsonNode.Parse((await exchange.CliAsync("keys", "list", "--json")).Output)!["keys"]!.AsArray().Single(row => row!["for"]!.ToString() == "auditor")!["id"]!.ToString();
        (await exchange.CliAsync("keys", "revoke", id)).Code.ShouldBe(0);
        (await exchange.GetAsync(Path, secret)).Status.ShouldBe(401);

        (await exchange.CliAsync("explain", "01m8227b2300000000011hadt7")).Code.ShouldBe(1);
        (await exchange.CliAsync("plan", "/no/such/file.yaml")).Code.ShouldBe(2);
        (await exchange.CliAsync("plaan")).Code.ShouldBe(2);

        async Task<long> VersionAsync() => long.Parse((await exchange.GetAsync(Path)).Headers["ETag"].Trim('"'), global::System.Globalization.CultureInfo.InvariantCulture);
    }

    [Fact]
    public async Task Secret_Set_IsReadBackNowhere()
    {
        const string secret = "whsec_c2VjcmV0LW9mLWEtdGVzdC0wMTIzNDU2Nzg5";
        (await exchange.SendAsync(HttpMethod.Put, "/v1/admin/secrets/acme-crm", ExchangeProcess.AdminKey, secret, "text/plain")).Status.ShouldBe(200);
        (await exchange.GetAsync("/v1/admin/secrets")).Text.ShouldContain("acme-crm");
        foreach (var path in (string[])["/v1/admin/secrets", "/v1/admin/secrets/acme-crm", Path, "/v1/admin/catalog/history", "/v1/admin/buyers/acme"])
            (await exchange.GetAsync(path)).Text.ShouldNotContain(secret);
        (await exchange.GetAsync("/v1/admin/secrets/acme-crm")).Status.ShouldBe(405);
        exchange.Output.ShouldNotContain(secret);
    }

    private Task<Reply> PutAsync(string yaml, string query) => exchange.SendAsync(HttpMethod.Put, Path + query, ExchangeProcess.AdminKey, yaml, "application/yaml", Any);

    private static IEnumerable<string> Pointers(Reply reply) => reply.Json["errors"]!.AsArray().Select(error => error!["pointer"]!.ToString());
}
