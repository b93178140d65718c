using System.Text;
using System.Text.Json;
using Exchange.Engine.Values;
using Shouldly;

namespace Exchange.Engine.Tests.Values;

public sealed class JsonBytesTests
{
    [Theory]
    [InlineData("plain", "\"plain\"", "\"plain\"")]
    [InlineData("+1 <é>", "\"+1 <é>\"", "\"\\u002B1 \\u003C\\u00E9\\u003E\"")]
    public void Text_IsEscapedAsItsReaderNeeds(string text, string plain, string escaped)
    {
        Text(JsonBytes.Plain(text, static (json, text) => json.WriteStringValue(text))).ShouldBe(plain);
        Text(JsonBytes.Escaped(text, static (json, text) => json.WriteStringValue(text))).ShouldBe(escaped);
    }

    [Fact]
    public void Messages_OneAfterTheOther_HoldNothingOfTheOneBefore()
    {
        foreach (var length in (int[])[5, 3_000, 200_000, 1, 0, 70_000, 2])
            Text(JsonBytes.Plain(length, static (json, length) => json.WriteStringValue(new string('a', length)))).ShouldBe($"\"{new string('a', length)}\"");
    }

    [Fact]
    public void Message_ThatWritesAnotherMeanwhile_IsWhole()
    {
        var outer = JsonBytes.Plain(1, static (json, number) =>
        {
            json.WriteStartArray();
            json.WriteRawValue(JsonBytes.Plain(number + 1, static (json, number) => json.WriteNumberValue(number)));
            json.WriteEndArray();
        });

        Text(outer).ShouldBe("[2]");
    }

    [Fact]
    public void Message_AfterOneThatFailedHalfWay_IsWhole()
    {
        Should.Throw<InvalidDataException>(() => JsonBytes.Plain(1, static (json, _) =>
        {
            json.WriteStartObject();
            json.WriteString("half", "written");
            throw new InvalidDataException();
        }));

        Text(JsonBytes.Plain(2, static (json, number) => json.WriteNumberValue(number))).ShouldBe("2");
    }

    [Fact]
    public void Messages_OfManyThreads_AreTheirOwn() => Parallel.For(0, 2_000, static number =>
        JsonSerializer.Deserialize<int>(JsonBytes.Escaped(number, static (json, number) => json.WriteNumberValue(number))).ShouldBe(number));

    private static string Text(byte[] utf8) => Encoding.UTF8.GetString(utf8);
}
