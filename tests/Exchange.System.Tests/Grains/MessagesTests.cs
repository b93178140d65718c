using System.Runtime.CompilerServices;
using Exchange.Grains.Intake;
using Exchange.Grains.Leads;
using Orleans;
using Shouldly;

namespace Exchange.System.Tests.Grains;

/// <summary>What silos send each other: a runtime that gives up on a message writes it into its log, as its ToString says it.</summary>
public sealed class MessagesTests
{
    /// <summary>Numbers, names of the catalog and hashes, or bytes, of which only the type is written.</summary>
    private static readonly string[] OfNobody =
    [
        "CopyNews", "EndedOffer", "EraseCommand", "FeedEvent", "FoundOffer", "KeyVerdict", "LineAt", "LineName", "LineNews", "PersonNews", "Problem", "ProblemError", "PromiseMemory", "Promises",
        "ResolveCommand", "ResumeCommand", "RotationMemory", "SiloNews", "SpendNews", "StandingNews",
    ];

    [Fact]
    public void EachMessage_ThatMayHoldSomebodysData_SaysNothingOfItInWords()
    {
        var talkative = typeof(PostCommand).Assembly.GetTypes()
            .Where(static type => type.IsDefined(typeof(GenerateSerializerAttribute), false) && !type.IsEnum)
            .Where(static type => type.GetMethod(nameof(ToString), Type.EmptyTypes) is var own && (own!.DeclaringType != type || own.IsDefined(typeof(CompilerGeneratedAttribute), false)))
            .Select(static type => type.Name);
        talkative.Order(StringComparer.Ordinal).ShouldBe(OfNobody);
    }

    [Fact]
    public void Post_InWords_IsItsName()
    {
        var consent = new ConsentInput("canary text", null, "https://canary.example", "203.0.113.9", "canary agent", ["canary"]);
        var post = new PostCommand
        {
            Publisher = "p", ReceivedAt = default, PingId = [], Fields = [new("email", default, "canary@example.com")], Consent = consent, IdempotencyKey = "canary", BodyHash = [],
        };
        $"{post} {consent} {post.Fields[0]}".ShouldBe("PostCommand ConsentInput PostedField");
    }
}
