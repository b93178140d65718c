using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Unicode;
using Exchange.Engine;
using Exchange.Engine.Connectors;
using Fluid;
using Fluid.Ast;
using Fluid.Values;

namespace Exchange.Delivery.Templates;

/// <summary>Where a rendered text goes, and so how what is filled in is escaped: plain texts are escaped as a whole afterwards.</summary>
internal enum TemplateUse { Plain, Url, Xml }

/// <summary>A template of a connector, parsed once.</summary>
internal sealed class LiquidTemplate : Template
{
    private static readonly HtmlEncoder Xml = HtmlEncoder.Create(UnicodeRanges.All);

    private readonly IFluidTemplate? parsed;
    private readonly Expression? alone;
    private readonly bool sets;
    private readonly int ownDots;

    /// <param name="parsed">Null: a plain text.</param>
    /// <param name="alone">Set where the template is one lone expression.</param>
    public LiquidTemplate(string text, IFluidTemplate? parsed, Expression? alone, IReadOnlyList<string> reads, IReadOnlyList<string> maps)
    {
        Text = text;
        this.parsed = parsed;
        this.alone = alone;
        Reads = reads;
        Maps = maps;
        sets = text.Contains("assign", StringComparison.Ordinal) || text.Contains("capture", StringComparison.Ordinal);
        ownDots = DotParts(text);
    }

    public override string Text { get; }
    public override IReadOnlyList<string> Reads { get; }
    public override IReadOnlyList<string> Maps { get; }

    /// <exception cref="TemplateFaultException">It cannot be rendered: <c>template_failed</c>, <c>template_too_large</c>, in a URL also <c>url_invalid</c>.</exception>
    public string Render(TemplateScope scope, TemplateUse use = TemplateUse.Plain)
    {
        if (parsed is null) return Text;
        try
        {
            using var writer = new BoundedWriter();
            var rendering = parsed.RenderAsync(writer, use switch { TemplateUse.Url => UrlEncoder.Default, TemplateUse.Xml => Xml, _ => NullEncoder.Default }, scope.Context(use, sets));
            // Nothing in it waits for anything.
            if (!rendering.IsCompletedSuccessfully) rendering.AsTask().GetAwaiter().GetResult();
            var text = writer.ToString();
            // Escaping leaves dots as they are, and a part of nothing but them leads out of the place that the template and the endpoint's own words name.
            if (use == TemplateUse.Url && DotParts(text) is > 0 and var dots && dots > ownDots + scope.With.Sum(static word => DotParts(word))) throw new TemplateFaultException("url_invalid");
            return use == TemplateUse.Xml ? WithoutControls(text) : text;
        }
        catch (Exception fault) when (fault is not (TemplateFaultException or OutOfMemoryException))
        {
            throw new TemplateFaultException("template_failed");
        }
    }

    /// <summary>Writes what it comes to as JSON; where it is one lone expression, with its type. False: it is empty, nothing is written.</summary>
    /// <exception cref="TemplateFaultException">It cannot be rendered.</exception>
    public bool Write(TemplateScope scope, Func<Utf8JsonWriter> json)
    {
        if (alone is null)
        {
            var text = Render(scope);
            if (text.Length > 0) json().WriteStringValue(text);
            return text.Length > 0;
        }
        try
        {
            var evaluated = alone.EvaluateAsync(scope.Context(TemplateUse.Plain, sets));
            return Write(evaluated.IsCompletedSuccessfully ? evaluated.Result : evaluated.AsTask().GetAwaiter().GetResult(), json);
        }
        catch (Exception fault) when (fault is not (TemplateFaultException or OutOfMemoryException))
        {
            throw new TemplateFaultException("template_failed");
        }
    }

    private static bool Write(FluidValue value, Func<Utf8JsonWriter> json)
    {
        switch (value)
        {
            case BooleanValue:
                json().WriteBooleanValue(value.ToBooleanValue());
                return true;
            case NumberValue:
                json().WriteRawValue(value.ToNumberValue().ToString(CultureInfo.InvariantCulture), skipInputValidation: true);
                return true;
            case ArrayValue list:
                if (list.Values.Count == 0) return false;
                json().WriteStartArray();
                foreach (var item in list.Values) json().WriteStringValue(item.ToStringValue());
                json().WriteEndArray();
                return true;
            default:
                var text = value.IsNil() ? "" : value.ToStringValue();
                if (text.Length > Limits.RequestBytes) throw new TemplateFaultException("template_too_large");
                if (text.Length > 0) json().WriteStringValue(text);
                return text.Length > 0;
        }
    }

    /// <summary>How many parts of an address's path are <c>.</c> or <c>..</c>, which whoever resolves it takes out, the latter with the part before.</summary>
    private static int DotParts(ReadOnlySpan<char> address)
    {
        var path = address.IndexOfAny('?', '#') is >= 0 and var end ? address[..end].Trim() : address.Trim();
        var found = 0;
        foreach (var part in path.Split('/')) if (IsDots(path[part])) found++;
        return found;
    }

    private static bool IsDots(ReadOnlySpan<char> part)
    {
        var dots = 0;
        for (; !part.IsEmpty; dots++)
        {
            if (part[0] == '.') part = part[1..];
            else if (part.StartsWith("%2e", StringComparison.OrdinalIgnoreCase)) part = part[3..];
            else return false;
        }
        return dots is 1 or 2;
    }

    /// <summary>Characters that no XML can hold, and what stands for them.</summary>
    private static string WithoutControls(string text)
    {
        var clean = new StringBuilder(text.Length);
        foreach (var c in text) if (c is '\t' or '\n' or '\r' or >= ' ') clean.Append(c);
        if (!text.Contains("&#x", StringComparison.Ordinal)) return clean.ToString();
        foreach (var c in (ReadOnlySpan<int>)[0, 1, 2, 3, 4, 5, 6, 7, 8, 0xB, 0xC, 0xE, 0xF, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18, 0x19, 0x1A, 0x1B, 0x1C, 0x1D, 0x1E, 0x1F])
            clean.Replace(string.Create(CultureInfo.InvariantCulture, $"&#x{c:X};"), "");
        return clean.ToString();
    }
}

/// <summary>Why nothing is sent, as an error code. Says nothing of any value.</summary>
internal sealed class TemplateFaultException(string code) : Exception(code)
{
    public string Code => Message;
}

/// <summary>A text that ends at the bound of a request.</summary>
internal sealed class BoundedWriter() : StringWriter(CultureInfo.InvariantCulture)
{
    public override void Write(char value)
    {
        Take(1);
        base.Write(value);
    }

    public override void Write(char[] buffer, int index, int count)
    {
        Take(count);
        base.Write(buffer, index, count);
    }

    public override void Write(ReadOnlySpan<char> buffer)
    {
        Take(buffer.Length);
        base.Write(buffer);
    }

    public override void Write(string? value)
    {
        Take(value?.Length ?? 0);
        base.Write(value);
    }

    private void Take(int more)
    {
        if (GetStringBuilder().Length + more > Limits.RequestBytes) throw new TemplateFaultException("template_too_large");
    }
}
