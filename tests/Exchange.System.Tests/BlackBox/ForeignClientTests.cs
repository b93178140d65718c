using System.Diagnostics;
using System.Text.Json.Nodes;
using Google.Rpc;
using Shouldly;
using RpcStatus = Google.Rpc.Status;

namespace Exchange.System.Tests.BlackBox;

/// <summary>A client of another language and library, which knows the exchange by its proto file alone.</summary>
[Collection(AutoInsuranceOnce.Name)]
public sealed class ForeignClientTests(FirstSaleTests.AutoInsurance running) : IAsyncLifetime
{
    private readonly ExchangeProcess exchange = running.Process;
    private readonly string key = running.PublisherKey;

    public async Task InitializeAsync()
    {
        var folder = Repository.Path("tests", "foreign-client");
        if (!Directory.Exists(Path.Combine(folder, "node_modules", "@grpc"))) await RunAsync("npm", folder, "ci", "--no-audit", "--no-fund", "--loglevel=error");
    }

    public Task DisposeAsync() => Task.CompletedTask;

    [Fact]
    public async Task GrpcJs_PingsAndPosts_SellsALead()
    {
        var said = await ClientAsync(key);
        var (ping, post) = (said["ping"]!, said["post"]!);
        ping["status"]!.GetValue<string>().ShouldBe("PING_STATUS_OFFERED", said.ToJsonString());
        ping["payout_micros"]!.GetValue<string>().ShouldBe("8800000");
        ping["tags"]!["click_id"]!.GetValue<string>().ShouldBe("Cj0K9");
        post["status"]!.GetValue<string>().ShouldBe("LEAD_STATUS_SOLD", said.ToJsonString());
        post["payout_micros"]!.GetValue<string>().ShouldBe("8800000");
        post["copies"]![0]!["status"]!.GetValue<string>().ShouldBe("COPY_STATUS_SOLD");
        var lead = await exchange.GetAsync($"/v1/leads/{post["lead_id"]}", key);
        (lead.Status, lead["status"]).ShouldBe((200, "sold"));
    }

    [Fact]
    public async Task GrpcJs_Refused_GetsErrorInfoAndFieldViolations()
    {
        var said = await ClientAsync(key, "--refused");
        said["code"]!.GetValue<int>().ShouldBe((int)Code.InvalidArgument, said.ToJsonString());
        var status = RpcStatus.Parser.ParseFrom(Convert.FromBase64String(said["status_details"]!.GetValue<string>()));
        status.Details.Single(detail => detail.Is(ErrorInfo.Descriptor)).Unpack<ErrorInfo>().Reason.ShouldBe("unknown_field");
        var violation = status.Details.Single(detail => detail.Is(BadRequest.Descriptor)).Unpack<BadRequest>().FieldViolations.ShouldHaveSingleItem();
        (violation.Field, violation.Reason).ShouldBe(("/fields/nope", "unknown_field"));
    }

    [Fact]
    public async Task GrpcJs_WithoutAGoodKey_IsUnauthenticated()
    {
        var said = await ClientAsync("lx_live_nobody", "--refused");
        said["code"]!.GetValue<int>().ShouldBe((int)Code.Unauthenticated, said.ToJsonString());
        var status = RpcStatus.Parser.ParseFrom(Convert.FromBase64String(said["status_details"]!.GetValue<string>()));
        status.Details.Single(detail => detail.Is(ErrorInfo.Descriptor)).Unpack<ErrorInfo>().Reason.ShouldBe("unauthenticated");
    }

    private async Task<JsonNode> ClientAsync(string withKey, params string[] more)
    {
        var output = await RunAsync("node", Repository.Path("tests", "foreign-client"), ["client.mjs", Repository.Path("protos"), $"127.0.0.1:{exchange.GrpcPort}", withKey, .. more]);
        return JsonNode.Parse(output)!;
    }

    private static async Task<string> RunAsync(string program, string folder, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(120));
        process.ExitCode.ShouldBe(0, $"{program}: {await error}{await output}");
        return await output;
    }
}
