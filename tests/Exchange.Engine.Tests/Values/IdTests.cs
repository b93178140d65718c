using CsCheck;
using Exchange.Engine.Values;
using Shouldly;

namespace Exchange.Engine.Tests.Values;

public sealed class IdTests
{
    private static readonly Gen<LeadId> AnyLead =
        Gen.Select(Gen.Long[0, (1L << 48) - 1], Gen.UShort, Gen.Bool, Gen.ULong).Select((ms, silo, test, unique) => LeadId.Create(ms, silo, test, unique));

    [Fact]
    public void LeadId_MadeOfItsParts_GivesThemBack() =>
        Gen.Select(Gen.Long[0, (1L << 48) - 1], Gen.UShort, Gen.Bool, Gen.ULong).Sample((ms, silo, test, unique) =>
        {
            var id = LeadId.Create(ms, silo, test, unique);
            (id.UnixMilliseconds, id.Silo, id.IsTest).ShouldBe((ms, silo, test));
        });

    [Fact]
    public void LeadId_Any_SurvivesTextBytesAndGuid() =>
        AnyLead.Sample(id =>
        {
            LeadId.TryParse(id.ToString(), out var parsed).ShouldBeTrue();
            parsed.ShouldBe(id);
            LeadId.FromBytes(id.ToBytes()).ShouldBe(id);
            LeadId.FromGuid(id.ToGuid()).ShouldBe(id);
            id.ToString().StartsWith("test_", StringComparison.Ordinal).ShouldBe(id.IsTest);
        });

    [Fact]
    public void LeadId_OrderOfTime_IsOrderOfIdsBytesAndTexts() =>
        Gen.Select(AnyLead, AnyLead).Sample((a, b) =>
        {
            var order = Math.Sign(a.CompareTo(b));
            Math.Sign(a.ToBytes().AsSpan().SequenceCompareTo(b.ToBytes())).ShouldBe(order);
            if (a.IsTest == b.IsTest) Math.Sign(string.CompareOrdinal(a.ToString(), b.ToString())).ShouldBe(order);
            if (a.UnixMilliseconds != b.UnixMilliseconds) order.ShouldBe(Math.Sign(a.UnixMilliseconds.CompareTo(b.UnixMilliseconds)));
        });

    [Theory]
    [InlineData("")]
    [InlineData("test_")]
    [InlineData("0000000000000000000000000")]
    [InlineData("00000000000000000000000000x")]
    [InlineData("8zzzzzzzzzzzzzzzzzzzzzzzzz")] // 130 bits
    [InlineData("0000000000000000000000000U")]
    [InlineData("0000000000000000000000000l")]
    [InlineData("test_00000000000000000000000000")] // says test, is none
    [InlineData("00000000000008000000000000")] // is a test, does not say so
    public void LeadId_NotOne_IsRefused(string text) => LeadId.TryParse(text, out _).ShouldBeFalse();

    [Fact]
    public void CopyId_Any_SurvivesText() =>
        Gen.Select(AnyLead, Gen.Int[1, int.MaxValue]).Sample((lead, no) =>
        {
            var id = new CopyId(lead, no);
            CopyId.TryParse(id.ToString(), out var parsed).ShouldBeTrue();
            parsed.ShouldBe(id);
        });

    [Theory]
    [InlineData("00000000000000000000000000")]
    [InlineData("00000000000000000000000000-")]
    [InlineData("00000000000000000000000000-0")]
    [InlineData("00000000000000000000000000-01")]
    [InlineData("00000000000000000000000000-+1")]
    [InlineData("00000000000000000000000000-99999999999")]
    [InlineData("-1")]
    public void CopyId_NotOne_IsRefused(string text) => CopyId.TryParse(text, out _).ShouldBeFalse();
}
