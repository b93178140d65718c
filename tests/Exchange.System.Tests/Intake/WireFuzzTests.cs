extern alias server;

using System.Globalization;
using System.Text;
using Exchange.Engine.Values;
using Exchange.Grains.Intake;
using server::Exchange.Server.Access;
using server::Exchange.Server.Answers;
using server::Exchange.Server.Intake;
using Shouldly;

namespace Exchange.System.Tests.Intake;

/// <summary>Whatever bytes come, each reader ends in a 400 or in a request that can be checked, hashed, commanded and answered; it never throws.</summary>
public sealed class WireFuzzTests
{
    private const int Bodies = 12_000;

    private delegate Problem? Reader(ReadOnlySpan<byte> body, IntakeRequest into);

    private static readonly string[] Spice =
        ["%", "%zz", "%00", "&", "=", "&&", "+", ".", "tags.", "consent.", "offer_ids", "<", "</", ">", "<a>", "<![CDATA[", "]]>", "&amp;", "&#1;", "&#xD800;", "<!DOCTYPE a>", "<?x?>", "\u0000", "\uFFFF", "\uFEFF",
         "{", "}", "[", "]", "\"", "\\", "\\u0000", "\\ud800", ",", ":", "null", "1e999", "-", "é", "😀", "name=\"\"", "xmlns=\"\"", "vertical", "fields", "99999999999999999999"];

    [Theory]
    [InlineData("json", 1, """{"vertical":"auto","tags":{"a":"1","b":"é"},"min_payout":"4.00","max_copies":3,"sold_elsewhere":{"copies":1,"sellers":["X"]},"consent":{"page":"p","at":"2026-11-22T12:00:00Z"},"fields":{"zip":"90210","age":35,"in":true,"n":null}}""")]
    [InlineData("form", 2, "vertical=auto&tags.a=1&tags.b=%C3%A9+1&min_payout=4.00&max_copies=3&sold_elsewhere.copies=1&sold_elsewhere.sellers=X&consent.page=p&consent.at=2026-11-22T12:00:00Z&zip=90210&age=35")]
    [InlineData("xml", 3, """<?xml version="1.0"?><ping xmlns:p="u"><vertical>auto</vertical><tags><a>1</a><tag name="b c">é &amp; 1</tag></tags><min_payout>4.00</min_payout><sold_elsewhere><copies>1</copies><sellers><s>X</s></sellers></sold_elsewhere><consent><page>p</page><at>2026-11-22T12:00:00Z</at></consent><fields><zip>90210</zip><field name="age">35</field></fields></ping>""")]
    public void Body_MutatedAtWill_IsReadOrRefused(string wire, int seed, string good)
    {
        Reader read = wire switch { "json" => JsonRequestReader.Read, "form" => FormRequestReader.Read, _ => XmlRequestReader.Read };
        var random = new Random(seed);
        var bytes = Encoding.UTF8.GetBytes(good);
        var (wasRead, wasRefused) = (0, 0);
        for (var i = 0; i < Bodies; i++)
        {
            // One wrong bracket is the end of an XML document, so it gets fewer.
            var body = Mutated(bytes, random, wire == "xml" ? 2 : 5);
            try
            {
                var request = new IntakeRequest(i % 3 == 0 ? RequestKind.DirectPost : RequestKind.Ping);
                // The same body with another root, so that direct posts are read too.
                if (wire == "xml" && request.Kind == RequestKind.DirectPost) body = [.. Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(body).Replace("ping", "lead", StringComparison.Ordinal))];
                if (read(body, request) is { } problem)
                {
                    problem.Status.ShouldBe(400);
                    wasRefused++;
                    continue;
                }
                wasRead++;
                RequestRules.Check(request);
                CanonicalHash.Of(request).Length.ShouldBe(32);
                var call = new CallContext(new Caller("k", Exchange.Storage.KeyRole.Publisher, "p", false), default, "key", 0);
                var command = IntakeCommands.Ping(request, call);
                var answer = RecordingDesk.Offered() with { Tags = command.Tags, Warnings = [.. command.MemberErrors] };
                AnswerXml.Answer(PingAnswerWriter.Write(answer).ToArray()).Length.ShouldBeGreaterThan(0);
            }
            catch (Exception fault) when (fault is not ShouldAssertException)
            {
                throw new InvalidOperationException(string.Create(CultureInfo.InvariantCulture, $"{wire} {seed} #{i}: {Convert.ToBase64String(body)}"), fault);
            }
        }
        // Both ways were walked, or the mutations would show nothing.
        wasRead.ShouldBeGreaterThan(Bodies / 20);
        wasRefused.ShouldBeGreaterThan(Bodies / 50);
    }

    internal static byte[] Mutated(byte[] good, Random random, int most)
    {
        var body = good.ToList();
        for (var changes = random.Next(1, most + 1); changes > 0 && body.Count > 0; changes--)
        {
            var at = random.Next(body.Count);
            switch (random.Next(6))
            {
                case 0: body[at] = (byte)random.Next(256); break;
                case 1: body.RemoveRange(at, Math.Min(body.Count - at, random.Next(1, 20))); break;
                case 2: body.InsertRange(at, Encoding.UTF8.GetBytes(Spice[random.Next(Spice.Length)])); break;
                case 3: body.InsertRange(at, body.GetRange(at, Math.Min(body.Count - at, random.Next(1, 60)))); break;
                case 4: body.InsertRange(random.Next(body.Count), body.GetRange(at, Math.Min(body.Count - at, random.Next(1, 60)))); break;
                default: body[at] ^= (byte)(1 << random.Next(8)); break;
            }
        }
        return [.. body];
    }
}
