using System.Numerics;
using CsCheck;
using Exchange.Engine.Values;
using Shouldly;

namespace Exchange.Engine.Tests.Values;

public sealed class MoneyTests
{
    [Theory]
    [InlineData("0", 0, "0.00")]
    [InlineData("12.5", 12_500_000, "12.50")]
    [InlineData("12.50", 12_500_000, "12.50")]
    [InlineData("0.000001", 1, "0.000001")]
    [InlineData("20.6667", 20_666_700, "20.6667")]
    [InlineData("-3.10", -3_100_000, "-3.10")]
    [InlineData("999999999999.999999", 999_999_999_999_999_999, "999999999999.999999")]
    public void Money_AsWritten_ReadsAndWrites(string written, long micros, string text)
    {
        Money.TryParse(written, out var money).ShouldBeTrue();
        money.Micros.ShouldBe(micros);
        money.ToString().ShouldBe(text);
    }

    [Theory]
    [InlineData("")]
    [InlineData("-")]
    [InlineData(".5")]
    [InlineData("5.")]
    [InlineData("1.1234567")]
    [InlineData("+5")]
    [InlineData("1e3")]
    [InlineData("1,000")]
    [InlineData(" 5")]
    [InlineData("$5")]
    [InlineData("--5")]
    [InlineData("1234567890123")]
    [InlineData("٥")]
    public void Money_NotAnAmount_IsRefused(string written) => Money.TryParse(written, out _).ShouldBeFalse();

    [Theory]
    // amount, step, cut down, raised
    [InlineData("12.509", "0.01", "12.50", "12.51")]
    [InlineData("12.50", "0.01", "12.50", "12.50")]
    [InlineData("20.666667", "0.01", "20.66", "20.67")]
    [InlineData("12.60", "0.25", "12.50", "12.75")]
    [InlineData("-0.005", "0.01", "-0.01", "0.00")]
    public void Money_ToTheStep_IsCutDownOrRaised(string amount, string step, string cut, string raised)
    {
        Money.Parse(amount).CutTo(Money.Parse(step)).ToString().ShouldBe(cut);
        Money.Parse(amount).RaiseTo(Money.Parse(step)).ToString().ShouldBe(raised);
    }

    [Theory]
    // amount, share, step, share of it
    [InlineData("11.00", "80%", "0.01", "8.80")]
    [InlineData("0.05", "50%", "0.01", "0.02")] // 2.5 cents: half to even
    [InlineData("0.15", "50%", "0.01", "0.08")] // 7.5 cents
    [InlineData("10.00", "33.3333%", "0.01", "3.33")]
    [InlineData("-0.15", "50%", "0.01", "-0.08")]
    [InlineData("-0.16", "60%", "0.01", "-0.10")]
    [InlineData("11.00", "0%", "0.01", "0.00")]
    public void Share_OfAnAmount_IsRoundedHalfToEvenOnce(string amount, string share, string step, string expected)
    {
        Percent.TryParse(share, out var percent).ShouldBeTrue();
        Money.Parse(amount).Share(percent, Money.Parse(step)).ToString().ShouldBe(expected);
    }

    [Theory]
    [InlineData("80%", 800_000, "80%")]
    [InlineData("12.5%", 125_000, "12.5%")]
    [InlineData("0.0001%", 1, "0.0001%")]
    public void Percent_AsWritten_ReadsAndWrites(string written, long millionths, string text)
    {
        Percent.TryParse(written, out var percent).ShouldBeTrue();
        percent.Millionths.ShouldBe(millionths);
        percent.ToString().ShouldBe(text);
    }

    [Theory]
    [InlineData("80")]
    [InlineData("%")]
    [InlineData("-5%")]
    [InlineData("0.00001%")]
    public void Percent_NotAShare_IsRefused(string written) => Percent.TryParse(written, out _).ShouldBeFalse();

    [Fact]
    public void Arithmetic_BeyondTheRange_ThrowsAndNeverWraps()
    {
        Should.Throw<OverflowException>(() => Money.MaxValue + new Money(1));
        Should.Throw<OverflowException>(() => new Money(long.MinValue) - new Money(1));
    }

    [Fact]
    public void Share_AnyAmount_IsTheNearestStep() =>
        Gen.Select(Gen.Long[-1_000_000_000_000, 1_000_000_000_000], Gen.Long[0, 1_000_000], Gen.Long[1, 1_000_000]).Sample((micros, millionths, step) =>
        {
            var share = new Money(micros).Share(new(millionths), new(step)).Micros;
            (share % step).ShouldBe(0);
            // |share - exact| is at most half a step, counted in millionths of a micro.
            var off = BigInteger.Abs((BigInteger)share * 1_000_000 - (BigInteger)micros * millionths);
            (off * 2 <= (BigInteger)step * 1_000_000).ShouldBeTrue();
        });

    [Fact]
    public void Money_AnyAmount_SurvivesTextAndBack() =>
        Gen.Long[-999_999_999_999_999_999, 999_999_999_999_999_999].Sample(micros => Money.Parse(new Money(micros).ToString()).Micros.ShouldBe(micros));

    [Fact]
    public void ScaleUp_AnyAmount_IsTheLeastThatReachesIt() =>
        Gen.Select(Gen.Long[0, 1_000_000_000], Gen.Long[1, 1_000_000], Gen.Long[1, 1_000_000]).Sample((micros, numerator, denominator) =>
        {
            var scaled = (BigInteger)new Money(micros).ScaleUp(numerator, denominator).Micros;
            (scaled * denominator >= (BigInteger)micros * numerator).ShouldBeTrue();
            ((scaled - 1) * denominator < (BigInteger)micros * numerator).ShouldBeTrue();
        });
}
