extern alias server;

using Exchange.Engine;
using Exchange.Engine.Ledger;
using Exchange.Engine.Values;
using Exchange.Grains.Intake;
using Exchange.V1;
using Google.Protobuf;
using Google.Rpc;
using Grpc.Core;
using Grpc.Net.Client;
using Shouldly;
using RichStatus = server::Exchange.Server.Grpc.RichStatus;

namespace Exchange.System.Tests.Intake;

public sealed class GrpcTests(IntakeHost host) : IClassFixture<IntakeHost>
{
    [Theory]
    [InlineData(400, "malformed", StatusCode.InvalidArgument)]
    [InlineData(415, "unsupported_media_type", StatusCode.InvalidArgument)]
    [InlineData(422, "missing_field", StatusCode.InvalidArgument)]
    [InlineData(401, "unauthenticated", StatusCode.Unauthenticated)]
    [InlineData(403, "publisher_paused", StatusCode.PermissionDenied)]
    [InlineData(404, "ping_not_found", StatusCode.NotFound)]
    [InlineData(409, "idempotency_in_progress", StatusCode.Aborted)]
    [InlineData(409, "already_posted", StatusCode.AlreadyExists)]
    [InlineData(409, "no_offer", StatusCode.FailedPrecondition)]
    [InlineData(409, "field_fixed", StatusCode.FailedPrecondition)]
    [InlineData(410, "ping_expired", StatusCode.FailedPrecondition)]
    [InlineData(413, "body_too_large", StatusCode.ResourceExhausted)]
    [InlineData(429, "rate_limited", StatusCode.ResourceExhausted)]
    [InlineData(503, "storage_unavailable", StatusCode.Unavailable)]
    [InlineData(500, "internal", StatusCode.Internal)]
    public async Task Refusal_OfTheDesk_IsThisCodeWithItsReason(int status, string code, StatusCode expected)
    {
        host.Desk.OnPost = () => PostReply.Refused(new Problem(status, code, "detail", [new("/fields/zip", "invalid_format", "m")], status == 503 ? 2 : 0));
        var exception = await Should.ThrowAsync<RpcException>(async () => await host.Grpc.PostAsync(new PostRequest { PingId = RecordingDesk.Id.ToString() }, Headers()));
        host.Desk.OnPost = () => RecordingDesk.Sold();
        exception.StatusCode.ShouldBe(expected);
        var details = Details(exception);
        details.Code.ShouldBe((int)expected);
        var info = details.Details.Single(any => any.Is(ErrorInfo.Descriptor)).Unpack<ErrorInfo>();
        info.Reason.ShouldBe(code);
        info.Domain.ShouldBe("exchange");
        var violation = details.Details.Single(any => any.Is(BadRequest.Descriptor)).Unpack<BadRequest>().FieldViolations.ShouldHaveSingleItem();
        violation.Field.ShouldBe("/fields/zip");
        violation.Reason.ShouldBe("invalid_format");
        var retry = details.Details.SingleOrDefault(any => any.Is(RetryInfo.Descriptor))?.Unpack<RetryInfo>();
        retry?.RetryDelay.Seconds.ShouldBe(2);
        (retry is not null).ShouldBe(status == 503);
    }

    [Fact]
    public async Task Refusal_AlreadyPosted_CarriesTheRecordedAnswer()
    {
        host.Desk.OnPost = () => PostReply.Refused(Problem.Of(409, "already_posted", "d") with { Lead = RecordingDesk.Sold().Answer });
        var exception = await Should.ThrowAsync<RpcException>(async () => await host.Grpc.PostAsync(new PostRequest { PingId = RecordingDesk.Id.ToString() }, Headers()));
        host.Desk.OnPost = () => RecordingDesk.Sold();
        Details(exception).Details.Single(any => any.Is(PostResponse.Descriptor)).Unpack<PostResponse>().LeadId.ShouldBe(RecordingDesk.Id.ToString());
    }

    /// <summary>Who sends a whole record of its own has hundreds of fields that are unknown here, and there are clients that take no more than 8 KiB of headers.</summary>
    [Fact]
    public async Task Refusal_ForVeryManyErrors_FitsIntoHeaders_AndSaysHowManyThereAre()
    {
        ProblemError[] errors = [.. Enumerable.Range(0, 150).Select(static i => new ProblemError($"/fields/{i}{new string('x', i == 0 ? 400 : 100)}", "unknown_field", "The vertical has no such field."))];
        host.Desk.OnPost = () => PostReply.Refused(new Problem(422, "invalid_request", "150 things are wrong with the request.", errors));
        var exception = await Should.ThrowAsync<RpcException>(async () => await host.Grpc.PostAsync(new PostRequest { PingId = RecordingDesk.Id.ToString() }, Headers()));
        host.Desk.OnPost = () => RecordingDesk.Sold();
        exception.StatusCode.ShouldBe(StatusCode.InvalidArgument);
        exception.Trailers.Sum(static trailer => trailer.Key.Length + (trailer.IsBinary ? Convert.ToBase64String(trailer.ValueBytes).Length : trailer.Value.Length)).ShouldBeLessThan(6 * 1024);
        var details = Details(exception);
        var info = details.Details[0].Unpack<ErrorInfo>();
        (info.Reason, info.Metadata["errors"]).ShouldBe(("invalid_request", "150"));
        var violations = details.Details.Single(any => any.Is(BadRequest.Descriptor)).Unpack<BadRequest>().FieldViolations;
        violations.Count.ShouldBeInRange(2, 149);
        violations[0].Field.ShouldBe(errors[0].Pointer[..200] + "…");
        violations[1].Field.ShouldBe(errors[1].Pointer);
    }

    [Theory]
    [InlineData("", StatusCode.Unauthenticated, "unauthenticated")]
    [InlineData("authorization: Bearer lx_live_bad", StatusCode.Unauthenticated, "unauthenticated")]
    [InlineData("x-api-key: BUYER", StatusCode.PermissionDenied, "forbidden")]
    public async Task Call_WithoutTheRightKey_IsRefused(string header, StatusCode expected, string code)
    {
        var headers = new Metadata();
        if (header.Length > 0) headers.Add(header.Split(": ")[0], header.Split(": ")[1].Replace("BUYER", host.BuyerKey, StringComparison.Ordinal));
        var exception = await Should.ThrowAsync<RpcException>(async () => await host.Grpc.PingAsync(new PingRequest { Vertical = "a" }, headers));
        exception.StatusCode.ShouldBe(expected);
        Details(exception).Details[0].Unpack<ErrorInfo>().Reason.ShouldBe(code);
    }

    [Fact]
    public async Task Ping_WithWrongMembers_HearsOfAllAtOnce()
    {
        var request = new PingRequest
        {
            MaxCopies = -1, MinPayoutMicros = -1, DeadlineMs = 70_000, TestResult = "maybe", Consent = new Consent { At = new() { Seconds = long.MaxValue } },
        };
        var exception = await Should.ThrowAsync<RpcException>(async () => await host.Grpc.PingAsync(request, Headers()));
        exception.StatusCode.ShouldBe(StatusCode.InvalidArgument);
        Details(exception).Details.Single(any => any.Is(BadRequest.Descriptor)).Unpack<BadRequest>().FieldViolations.Select(violation => $"{violation.Field} {violation.Reason}")
            .ShouldBe(["/consent/at invalid_format", "/vertical missing_field", "/max_copies out_of_range", "/test_result invalid_field", "/min_payout out_of_range",
                "/deadline_ms out_of_range"]);
    }

    [Fact]
    public async Task Ping_Offered_IsTheDesksAnswer()
    {
        var answer = await host.Grpc.PingAsync(new PingRequest { Vertical = "a", Fields = { ["zip"] = "90210" } }, Headers());
        answer.PingId.ShouldBe(RecordingDesk.Id.ToString());
        answer.Status.ShouldBe(PingStatus.Offered);
        answer.PayoutMicros.ShouldBe(8_800_000);
        answer.Best.ShouldBe(["1"]);
        answer.Currency.ShouldBe("USD");
        answer.ExpiresAt.ToDateTimeOffset().ShouldBe(new DateTimeOffset(2026, 11, 22, 12, 5, 0, TimeSpan.Zero));
        answer.Offers.ShouldHaveSingleItem().Sharing.ShouldBe(Sharing.Exclusive);
    }

    [Fact]
    public async Task Post_InDoubt_IsTheDesksAnswer()
    {
        host.Desk.OnPost = () => RecordingDesk.Sold(CopyState.InDoubt) with { Replayed = true };
        var answer = await host.Grpc.PostAsync(new PostRequest { PingId = RecordingDesk.Id.ToString() }, Headers());
        host.Desk.OnPost = () => RecordingDesk.Sold();
        answer.Status.ShouldBe(LeadStatus.InDoubt);
        answer.IdempotencyReplayed.ShouldBeTrue();
        answer.Copies.ShouldHaveSingleItem().Status.ShouldBe(CopyStatus.InDoubt);
    }

    [Fact]
    public async Task DirectPost_WithFieldsInBothHalves_JoinsEqualOnesAndRefusesOthers()
    {
        host.Desk.DirectPosts.Clear();
        var request = new DirectPostRequest
        {
            Ping = new PingRequest { Vertical = "a", Fields = { ["zip"] = "90210" }, MinPayoutMicros = 5 },
            Post = new PostRequest { Fields = { ["zip"] = "90210", ["email"] = "e" }, OfferIds = { "1" }, MinPayoutMicros = 3 },
        };
        await host.Grpc.DirectPostAsync(request, Headers());
        var command = host.Desk.DirectPosts.ShouldHaveSingleItem();
        command.Ping.Fields.Select(field => field.Name).ShouldBe(["email", "zip"]);
        command.Ping.MinPayout.ShouldBe(new Money(5));
        command.OfferIds.ShouldBe(["1"]);
        request.Post.Fields["zip"] = "10001";
        var exception = await Should.ThrowAsync<RpcException>(async () => await host.Grpc.DirectPostAsync(request, Headers()));
        Details(exception).Details[0].Unpack<ErrorInfo>().Reason.ShouldBe("ping_mismatch");
    }

    /// <summary>A post that is not decided by its deadline is told so then; at the call's own nobody can be told anything any more.</summary>
    [Fact]
    public async Task Post_OfACallWithADeadline_IsDecidedBeforeIt()
    {
        const int CallMs = 20_000, OnTheWayMs = 250;
        host.Desk.Posts.Clear();
        host.Desk.DirectPosts.Clear();
        await host.Grpc.PostAsync(new PostRequest { PingId = RecordingDesk.Id.ToString() }, Headers(), Deadline());
        await host.Grpc.DirectPostAsync(new DirectPostRequest { Ping = new PingRequest { Vertical = "a" } }, Headers(), Deadline());
        host.Desk.Posts.ShouldHaveSingleItem().DeadlineMs.ShouldBeInRange(1, CallMs - OnTheWayMs);
        host.Desk.DirectPosts.ShouldHaveSingleItem().Ping.DeadlineMs.ShouldBeInRange(1, CallMs - OnTheWayMs);

        static DateTime Deadline() => TimeProvider.System.GetUtcNow().UtcDateTime.AddMilliseconds(CallMs);
    }

    [Fact]
    public async Task Message_Over256KiB_IsRefusedAsOverHttp()
    {
        var fields = new Dictionary<string, string> { ["note"] = new('x', Limits.BodyBytes) };
        var (post, lead) = (new PostRequest { PingId = RecordingDesk.Id.ToString(), Fields = { fields } }, RecordingDesk.Id.ToString());
        Func<Task>[] calls =
        [
            async () => await host.Grpc.PostAsync(post, Headers()),
            async () => await host.Grpc.DirectPostAsync(new DirectPostRequest { Ping = new PingRequest { Vertical = "a" }, Post = post }, Headers()),
            async () => await host.Grpc.AddFieldsAsync(new AddFieldsRequest { LeadId = lead, Fields = { fields } }, Headers()),
        ];
        foreach (var call in calls)
        {
            var exception = await Should.ThrowAsync<RpcException>(call);
            exception.StatusCode.ShouldBe(StatusCode.ResourceExhausted);
            Details(exception).Details[0].Unpack<ErrorInfo>().Reason.ShouldBe("body_too_large");
        }
    }

    [Fact]
    public async Task Ping_Over64KiB_IsRefusedAsOverHttp_InAStreamByItself()
    {
        var large = new PingRequest { CorrelationId = "large", Vertical = "a", Fields = { ["note"] = new string('x', Limits.PingBodyBytes) } };
        var exception = await Should.ThrowAsync<RpcException>(async () => await host.Grpc.PingAsync(large, Headers()));
        exception.StatusCode.ShouldBe(StatusCode.ResourceExhausted);
        Details(exception).Details[0].Unpack<ErrorInfo>().Reason.ShouldBe("body_too_large");

        using var stream = host.Grpc.PingStream(Headers());
        await stream.RequestStream.WriteAsync(large);
        await stream.RequestStream.WriteAsync(new PingRequest { CorrelationId = "larger", Vertical = "a", Fields = { ["note"] = new string('x', 2 * Limits.BodyBytes) } });
        await stream.RequestStream.WriteAsync(new PingRequest { CorrelationId = "small", Vertical = "a" });
        await stream.RequestStream.CompleteAsync();
        var answers = new Dictionary<string, PingStreamResponse>();
        await foreach (var answer in stream.ResponseStream.ReadAllAsync()) answers.Add(answer.CorrelationId, answer);
        foreach (var id in (string[])["large", "larger"]) (answers[id].Error.Code, answers[id].Error.Status).ShouldBe(("body_too_large", (int)StatusCode.ResourceExhausted));
        answers["small"].Answer.PingId.ShouldBe(RecordingDesk.Id.ToString());
    }

    [Fact]
    public async Task Method_Unknown_IsUnimplemented()
    {
        var unknown = new Method<PingRequest, PingResponse>(MethodType.Unary, "exchange.v1.IntakeService", "Pong",
            Marshallers.Create(static ping => ping.ToByteArray(), PingRequest.Parser.ParseFrom), Marshallers.Create(static ping => ping.ToByteArray(), PingResponse.Parser.ParseFrom));
        using var channel = GrpcChannel.ForAddress(host.GrpcAddress);
        using var call = channel.CreateCallInvoker().AsyncUnaryCall(unknown, null, new CallOptions(Headers()), new PingRequest());
        (await Should.ThrowAsync<RpcException>(async () => await call)).StatusCode.ShouldBe(StatusCode.Unimplemented);
    }

    [Fact]
    public async Task Fault_OfOurOwn_TellsNothing()
    {
        host.Desk.OnPost = () => throw new InvariantException("secret 4111");
        var exception = await Should.ThrowAsync<RpcException>(async () => await host.Grpc.PostAsync(new PostRequest { PingId = RecordingDesk.Id.ToString() }, Headers()));
        host.Desk.OnPost = () => RecordingDesk.Sold();
        exception.StatusCode.ShouldBe(StatusCode.Internal);
        exception.Status.Detail.ShouldNotContain("4111");
        Details(exception).Details[0].Unpack<ErrorInfo>().Reason.ShouldBe("internal");
    }

    [Fact]
    public async Task PingStream_OfManyPings_AnswersEachByItsCorrelationId()
    {
        const int Pings = 500;
        host.Desk.OnPing = command => command.SubId == "boom" ? throw new InvariantException("x") : RecordingDesk.RefuseErrorsElseOffer(command);
        using var stream = host.Grpc.PingStream(Headers());
        var sending = Task.Run(async () =>
        {
            for (var i = 0; i < Pings; i++)
            {
                await stream.RequestStream.WriteAsync(new PingRequest
                {
                    CorrelationId = $"c{i}", Vertical = i % 10 == 3 ? "" : "a", SubId = i % 10 == 7 ? "boom" : "",
                });
            }
            await stream.RequestStream.CompleteAsync();
        });
        var answers = new Dictionary<string, PingStreamResponse>();
        await foreach (var answer in stream.ResponseStream.ReadAllAsync()) answers.Add(answer.CorrelationId, answer);
        await sending;
        host.Desk.OnPing = RecordingDesk.RefuseErrorsElseOffer;
        answers.Count.ShouldBe(Pings);
        for (var i = 0; i < Pings; i++)
        {
            var answer = answers[$"c{i}"];
            if (i % 10 == 3) answer.Error.Code.ShouldBe("missing_field");
            else if (i % 10 == 7) answer.Error.Code.ShouldBe("internal");
            else answer.Answer.PingId.ShouldBe(RecordingDesk.Id.ToString());
        }
    }

    [Fact]
    public async Task PingStream_WithoutAKey_IsRefused()
    {
        using var stream = host.Grpc.PingStream(new Metadata());
        (await Should.ThrowAsync<RpcException>(() => stream.ResponseStream.MoveNext(default))).StatusCode.ShouldBe(StatusCode.Unauthenticated);
    }

    private Metadata Headers() => new() { { "x-api-key", host.PublisherKey } };

    private static Google.Rpc.Status Details(RpcException exception) =>
        Google.Rpc.Status.Parser.ParseFrom(exception.Trailers.GetValueBytes(RichStatus.DetailsTrailer).ShouldNotBeNull());
}
