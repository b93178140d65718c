using System.Text;
using System.Text.Json;
using CsCheck;
using Exchange.Delivery;
using Exchange.Delivery.Templates;
using Shouldly;

namespace Exchange.System.Tests.Connectors;

/// <summary>What templates may be, what they come to and what they can never do.</summary>
public sealed class LiquidTests
{
    private static readonly Shape Plain = Shape.Of("""
        with: { host: "https://a.example/x?y=1", key: { secret: shape-key } }
        connector:
          needs: [host, key]
          maps: { owner: { own: "Yes", rent: "No" } }
          post: { url: "{{ with.host }}", reply: { accepted_when: { at: body, is: ok } } }
        """);

    private static readonly OutField[] Fields =
    [
        new("zip", "02139", OutKind.Text), new("age", "35", OutKind.Number), new("bill", "240.50", OutKind.Number), new("insured", "true", OutKind.Boolean), new("rents", "false", OutKind.Boolean),
        new("owner", "own", OutKind.Text), new("other", "flat", OutKind.Text), new("phone", "+12025550123", OutKind.Text), new("uk", "+442079460000", OutKind.Text),
        new("start", "2026-12-24", OutKind.Text), new("name", "Zoë <&> \"Li\" 'x' a/b?c", OutKind.Text), new("big", "12345678901234567890123456789", OutKind.Number),
        new("here", ".", OutKind.Text), new("up", "..", OutKind.Text),
    ];

    private static TemplateScope Scope() => TemplateScope.Of(Plain.Endpoint, Shape.Secrets, Shape.Message(Fields, new Dictionary<string, string> { ["id"] = "p/1" }, consent: true), Shape.Now);

    private static LiquidTemplate Parse(string text)
    {
        var (template, error) = Liquid.Parse(text);
        error.ShouldBeNull();
        return template.ShouldBeOfType<LiquidTemplate>();
    }

    [Theory]
    [InlineData("plain { text }", "plain { text }")]
    [InlineData("{{ lead.zip }}", "02139")]
    [InlineData("{{ lead.age }} {{ lead.bill }} {{ lead.insured }} {{ lead.big }}", "35 240.50 true 12345678901234567890123456789")]
    [InlineData("{{ lead.none }}{{ consent.none }}", "")]
    [InlineData("{{ lead.owner | map: 'owner' }} {{ lead.other | map: 'owner' }}{{ lead.none | map: 'owner' }}", "Yes flat")]
    [InlineData("{{ lead.phone | phone: 'digits' }} {{ lead.phone | phone: 'dashed' }} {{ lead.phone | phone: 'e164' }}{{ lead.none | phone: 'digits' }}", "2025550123 202-555-0123 +12025550123")]
    [InlineData("{{ lead.uk | phone: 'digits' }} {{ lead.uk | phone: 'dashed' }}", "442079460000 +442079460000")]
    [InlineData("{{ lead.insured | yes_no: 'Y', 'N' }}{{ lead.rents | yes_no: 'Y', 'N' }}{{ lead.none | yes_no: 'Y', 'N' }} {{ lead.insured | yes_no }} {{ lead.zip | yes_no: 'Y', 'N' }}", "YN yes 02139")]
    [InlineData("{{ lead.start | date: '%m/%d/%Y' }} {{ now | date: '%Y%m%d%H%M%S' }} {{ consent.at | date: '%s' }}{{ lead.none | date: '%Y' }} {{ lead.zip | date: '%Y' | size }}", "12/24/2026 20261122120000 1795348800 5")]
    [InlineData("{{ 'abc' | md5 }} {{ 'abc' | sha1 }}", "900150983cd24fb0d6963f7d28e17f72 a9993e364706816aba3e25717850c26c9cd0d89d")]
    [InlineData("{{ 'abc' | sha256 }}{{ lead.none | sha256 }}", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")]
    [InlineData("{{ lead.zip | number | plus: 1 }} {{ lead.age | plus: 0.5 }} {{ lead.age | divided_by: 10 }}", "2140 35.5 3")]
    [InlineData("{% if lead.age > 30 and lead.insured %}a{% elsif test %}b{% else %}c{% endif %}{% unless lead.rents %}d{% endunless %}", "ad")]
    [InlineData("{% case lead.owner %}{% when 'own' %}1{% else %}2{% endcase %}", "1")]
    [InlineData("{% assign x = lead.zip | append: '-' %}{% capture y %}{{ x }}{{ lead.age }}{% endcapture %}{{ y }}", "02139-35")]
    [InlineData("{% for s in consent.sellers %}{{ forloop.index }}{{ s }};{% endfor %}{{ consent.sellers | join: '|' }} {{ consent.sellers.size }} {{ consent.sellers.first }}", "1A & Co;2B Inc;A & Co|B Inc 2 A & Co")]
    [InlineData("{{ sale.price }} {{ sale.bid }} {{ sale.sharing }} {{ source.id }}{{ source.sub_id }} {{ test }} {{ deadline_ms }} {{ now }}", "11.00 12.50 exclusive s-1 false 10000 2026-11-22T12:00:00Z")]
    [InlineData("{{ with.key }} {{ ping.id }} {{ lead.name | upcase | truncate: 5, '' }}", "k&y=1 p/1 ZOË <")]
    [InlineData("{{ lead.zip | default: 'x' }}{{ lead.none | default: 'x' }} {% comment %}no{% endcomment %}{% raw %}{{ no }}{% endraw %}", "02139x {{ no }}")]
    public void Render_Template_ComesTo(string template, string expected) => Parse(template).Render(Scope()).ShouldBe(expected);

    [Theory]
    [InlineData("{{ with.host }}&z={{ lead.zip }}&n={{ lead.name }}&p={{ ping.id }}", "https://a.example/x?y=1&z=02139&n=Zo%C3%AB%20%3C%26%3E%20%22Li%22%20%27x%27%20a%2Fb%3Fc&p=p%2F1")]
    public void Render_InAUrl_EscapesAllButTheEndpointsOwnWords(string template, string expected) => Parse(template).Render(Scope(), TemplateUse.Url).ShouldBe(expected);

    /// <summary>What a consumer typed is one part of the path, and never a way out of it.</summary>
    [Theory]
    [InlineData("https://a.example/v1/{{ lead.up }}/leads")]
    [InlineData("https://a.example/v1/{{ lead.up }}")]
    [InlineData("https://a.example/v1/{{ lead.up }}?x=1")]
    [InlineData("https://a.example/v1/{{ lead.here }}/leads")]
    [InlineData("https://a.example/v1/.{{ lead.here }}/leads")]
    [InlineData("https://a.example/v1/{{ lead.here }}%2E/leads")]
    [InlineData("https://a.example/v1/../v2/{{ lead.up }}")]
    public void Render_InAUrl_RefusesFilledInDots(string template) =>
        Should.Throw<TemplateFaultException>(() => Parse(template).Render(Scope(), TemplateUse.Url)).Code.ShouldBe("url_invalid");

    [Theory]
    [InlineData("https://a.example/v1/../{{ lead.zip }}", "https://a.example/v1/../02139")]
    [InlineData("https://a.example/{{ lead.up }}{{ lead.zip }}/x.{{ lead.here }}?p=/{{ lead.up }}/", "https://a.example/..02139/x..?p=/../")]
    public void Render_InAUrl_LeavesOtherDots(string template, string expected) => Parse(template).Render(Scope(), TemplateUse.Url).ShouldBe(expected);

    [Fact]
    public void Render_InXml_EscapesEverythingFilledIn() =>
        Parse("<a k=\"{{ with.key }}\">{{ lead.name }}{{ lead.age }}</a>").Render(Scope(), TemplateUse.Xml)
            .ShouldBe("<a k=\"k&amp;y=1\">Zoë &lt;&amp;&gt; &quot;Li&quot; &#x27;x&#x27; a/b?c35</a>");

    [Theory]
    [InlineData("{{ lead.age }}", "35")]
    [InlineData("{{ lead.bill }}", "240.50")]
    [InlineData("{{ lead.insured }}", "true")]
    [InlineData("{{ lead.zip }}", "\"02139\"")]
    [InlineData("{{ lead.zip | number }}", "\"02139\"")]
    [InlineData("{{ lead.age | text }}", "\"35\"")]
    [InlineData("{{ lead.age | append: '' }}", "\"35\"")]
    [InlineData("{{ 1 }}", "1")]
    [InlineData("{{ true }}", "true")]
    [InlineData("1", "\"1\"")]
    [InlineData("a{{ lead.age }}", "\"a35\"")]
    [InlineData("{{ lead.none }}", null)]
    [InlineData("{{ lead.none | default: '' }}", null)]
    [InlineData("", null)]
    [InlineData("{% if test %}1{% endif %}", null)]
    [InlineData("{{ consent.sellers }}", "[\"A & Co\",\"B Inc\"]")]
    [InlineData("{{ lead.big }}", "\"12345678901234567890123456789\"")]
    [InlineData("{{ sale.price }}", "11.00")]
    public void Write_InJson_KeepsTheTypeOfALoneExpression(string template, string? expected)
    {
        using var memory = new MemoryStream();
        bool written;
        using (var json = new Utf8JsonWriter(memory, new() { Encoder = global::System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping })) written = Parse(template).Write(Scope(), () => json);
        written.ShouldBe(expected is not null);
        Encoding.UTF8.GetString(memory.ToArray()).ShouldBe(expected ?? "");
    }

    [Theory]
    [InlineData("{{ lead.zip }}{{ with.host }}{{ lead.zip }}", "lead.zip with.host")]
    [InlineData("{% if test and lead.age > 3 %}{% assign x = lead.zip %}{% endif %}{{ x }}{{ consent.sellers.size }}", "test lead.age lead.zip consent.sellers")]
    [InlineData("{% for s in consent.sellers %}{{ s }}{{ lead.age | plus: lead.bill }}{% endfor %}", "consent.sellers lead.age lead.bill")]
    [InlineData("{{ lead | size }}", "lead")]
    [InlineData("{% case lead.owner %}{% when lead.other %}{{ sale.id }}{% endcase %}{% unless ping.id %}{{ source.id }}{% endunless %}", "lead.owner lead.other sale.id ping.id source.id")]
    public void Parse_Template_KnowsWhatItReads(string template, string reads) => string.Join(' ', Liquid.Parse(template).Template!.Reads).ShouldBe(reads);

    [Theory]
    [InlineData("{{ lead.zip ", "cannot be read")]
    [InlineData("{{ }}", "cannot be read")]
    [InlineData("{% if a %}", "cannot be read")]
    [InlineData("{% include 'a' %}", "include")]
    [InlineData("{% render 'a' %}", "render")]
    [InlineData("{% liquid echo 'a' %}", "cannot be read")]
    [InlineData("{% tablerow a in lead.zip %}{% endtablerow %}", "tablerow")]
    [InlineData("{% for i in (1..9999999) %}{% endfor %}", "no ranges")]
    [InlineData("{{ lead['zip'] }}", "no brackets")]
    [InlineData("{{ lead.zip | nofilter }}", "no filter nofilter")]
    [InlineData("{{ lead.zip | json }}", "no filter json")]
    [InlineData("{{ lead.zip | map: lead.zip }}", "in quotes")]
    [InlineData("{{ lead.zip | map }}", "in quotes")]
    [InlineData("{{ lead.zip.a }}", "nothing at")]
    [InlineData("{{ lead.a.b.c }}", "nothing at")]
    [InlineData("{% assign lead = 1 %}", "is given")]
    [InlineData("{% for with in consent.sellers %}{% endfor %}", "is given")]
    public void Parse_WhatIsNoTemplate_IsRefusedWithASentence(string template, string part)
    {
        var (parsed, error) = Liquid.Parse(template);
        parsed.ShouldBeNull();
        error.ShouldNotBeNull().ShouldContain(part);
        error.ShouldEndWith(".");
    }

    public static TheoryData<string, string?> Dear => new()
    {
        { string.Concat(Enumerable.Repeat("{% if test %}", 5_000)), null },
        { "{{ " + string.Concat(Enumerable.Repeat("a | append: ", 500)) + "a }}", null },
        { "{{ lead.zip" + string.Concat(Enumerable.Repeat(" and lead.zip", 400)) + " }}", null },
        { "{{ lead" + new string('[', 900) + " }}", null },
        { "{% assign a = 'aaaaaaaaaa' %}" + string.Concat(Enumerable.Repeat("{% assign a = a | append: a %}", 90)) + "{{ a }}", "template_too_large" },
        { "{% assign a = 'aaaaaaaaaa' | replace: 'a', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' %}" + string.Concat(Enumerable.Repeat("{% assign a = a | replace: 'a', a %}", 20)) + "{{ a }}", "template_too_large" },
        { "{% assign l = 'a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a' | split: ',' %}" + string.Concat(Enumerable.Range(0, 20).Select(i => $"{{% for x{i} in l %}}")) + "a" + string.Concat(Enumerable.Repeat("{% endfor %}", 20)), "template_failed" },
        { "{{ 79228162514264337593543950335 | times: 79228162514264337593543950335 }}", "template_failed" },
        { "{{ 1 | divided_by: 0 }}", "template_failed" },
    };

    [Theory]
    [MemberData(nameof(Dear))]
    public void Template_ThatWouldCostTooMuch_IsRefusedOrEnds(string template, string? code)
    {
        var (parsed, error) = Liquid.Parse(template);
        if (code is null) error.ShouldNotBeNull();
        else Should.Throw<TemplateFaultException>(() => ((LiquidTemplate)parsed.ShouldNotBeNull(error)).Render(Scope())).Code.ShouldBe(code);
    }

    [Fact]
    public void Secret_ThatIsNotSet_IsNeverLeftOut() =>
        Should.Throw<TemplateFaultException>(() => TemplateScope.Of(Plain.Endpoint, EndpointSecrets.None, Shape.Message(Fields), Shape.Now)).Code.ShouldBe("secret_missing");

    [Fact]
    public void Consent_OfALiveBid_HasNoAddress()
    {
        var scope = TemplateScope.Of(Plain.Endpoint, Shape.Secrets, Shape.Call(Fields, consent: true), Shape.Now);
        Parse("{{ consent.ip }}{{ consent.page }}{{ sale.id }}{{ ping.id }}").Render(scope).ShouldBe("https://pub.example/form?a=1&b=2");
    }

    [Fact]
    public void Parse_AndRender_OfAnything_NeverThrow()
    {
        string[] pieces = ["{{", "}}", "{%", "%}", " if ", " endif ", "lead.zip", " | ", "map: 'owner'", "append: ", "'", "\"", "[", "(", "..", "for a in ", "endfor", "assign x = ", ".", "a", "{{ lead.age | ", "plus: 1 }}", "\0", "é", "-", "|", ":", ","];
        Gen.Int[0, pieces.Length - 1].Array[0, 30].Sample(parts =>
        {
            if (Liquid.Parse(string.Concat(parts.Select(part => pieces[part]))).Template is not LiquidTemplate template) return;
            try
            {
                template.Render(Scope());
            }
            catch (TemplateFaultException) { }
            // What only a catalog's check keeps out: names of maps that there are not.
        }, iter: 20_000);
    }
}
