using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using Exchange.Engine;
using Exchange.Engine.Fields;
using Exchange.Engine.Values;
using Exchange.Grains.Intake;

namespace Exchange.Server.Intake;

/// <summary>
/// Reads a JSON body into an <see cref="IntakeRequest"/>. What is no JSON object is one problem, 400 with the byte where reading stopped; wrong types, unknown and
/// doubled members are errors of the request, all collected. A member that is null counts as not given, except among the fields.
/// </summary>
internal ref struct JsonRequestReader
{
    private static readonly JsonReaderOptions Strict = new() { AllowTrailingCommas = false, CommentHandling = JsonCommentHandling.Disallow, MaxDepth = Limits.JsonDepth };

    private readonly IntakeRequest into;
    private readonly Member allowed;
    private Utf8JsonReader json;

    private JsonRequestReader(ReadOnlySpan<byte> utf8, IntakeRequest into)
    {
        json = new Utf8JsonReader(utf8, Strict);
        this.into = into;
        allowed = Members.Of(into.Kind);
    }

    /// <summary>Null: read, perhaps with errors in <paramref name="into"/>.</summary>
    public static Problem? Read(ReadOnlySpan<byte> utf8, IntakeRequest into)
    {
        if (utf8.StartsWith("\uFEFF"u8)) utf8 = utf8["\uFEFF"u8.Length..];
        if (utf8.IsEmpty) return Malformed("The body is empty; a JSON object is needed.");
        if (!Utf8.IsValid(utf8)) return Malformed("The body is not valid UTF-8.");
        var reader = new JsonRequestReader(utf8, into);
        try
        {
            return reader.ReadDocument();
        }
        catch (JsonException exception)
        {
            return reader.IsFull && IsBracket(utf8, Offset(utf8, exception, reader.json))
                ? Malformed($"The body is nested deeper than {Limits.JsonDepth} levels.")
                : Malformed(string.Create(CultureInfo.InvariantCulture, $"The body is not valid JSON at byte {Offset(utf8, exception, reader.json)}."));
        }
    }

    /// <summary>As deep as is allowed. The reader does not count a bracket that it stands on.</summary>
    private readonly bool IsFull => json.CurrentDepth + (json.TokenType is JsonTokenType.StartObject or JsonTokenType.StartArray ? 1 : 0) >= Limits.JsonDepth;

    private static Problem Malformed(string detail) => Problem.Of(400, "malformed", detail);

    private static bool IsBracket(ReadOnlySpan<byte> utf8, long at) => at < utf8.Length && utf8[(int)at] is (byte)'{' or (byte)'[';

    private static long Offset(ReadOnlySpan<byte> utf8, JsonException exception, Utf8JsonReader json)
    {
        if (exception.LineNumber is not { } line || exception.BytePositionInLine is not { } column) return json.TokenStartIndex;
        var start = 0;
        for (; line > 0; line--) start += utf8[start..].IndexOf((byte)'\n') + 1;
        return Math.Min(start + column, utf8.Length);
    }

    private Problem? ReadDocument()
    {
        json.Read();
        if (json.TokenType != JsonTokenType.StartObject) return Malformed("The body must be a JSON object.");
        var seen = Member.None;
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            var member = json.ValueIsEscaped ? Members.Find(Encoding.UTF8.GetBytes(Text())) : Members.Find(json.ValueSpan);
            if ((member & allowed) == 0)
            {
                into.AddError(Pointers.To("", Text()), "unknown_field", "There is no such member here.");
                SkipValue();
                continue;
            }
            if ((seen & member) != 0)
            {
                into.AddError(Pointers.To("", Text()), "duplicate_property", "A member may be given only once.");
                SkipValue();
                continue;
            }
            seen |= member;
            json.Read();
            if (json.TokenType == JsonTokenType.Null) continue;
            ReadMember(member);
        }
        // Nothing may follow: reading on throws if something does.
        json.Read();
        return null;
    }

    private void ReadMember(Member member)
    {
        switch (member)
        {
            case Member.Vertical: into.Vertical = ReadText("/vertical"); break;
            case Member.SubId: into.SubId = ReadText("/sub_id"); break;
            case Member.Channel: into.Channel = ReadText("/channel"); break;
            case Member.TestResult: into.TestResult = ReadText("/test_result"); break;
            case Member.PingId: into.PingId = ReadText("/ping_id"); break;
            case Member.MinPayout: into.MinPayout = ReadMoney("/min_payout"); break;
            case Member.MaxCopies: into.MaxCopies = ReadCount("/max_copies", 1); break;
            case Member.DeadlineMs: into.DeadlineMs = ReadCount("/deadline_ms", 1); break;
            case Member.Test: into.Test = ReadBoolean("/test"); break;
            case Member.OfferIds: into.OfferIds = ReadTexts("/offer_ids"); break;
            case Member.Tags: ReadTags(); break;
            case Member.SoldElsewhere: ReadSoldElsewhere(); break;
            case Member.Consent: ReadConsent(); break;
            case Member.Fields: ReadFields(); break;
        }
    }

    private void ReadFields()
    {
        if (!IsObject("/fields")) return;
        into.FieldsGiven = true;
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            var name = json.ValueIsEscaped ? Text() : NameTable.Read(ref json);
            json.Read();
            // One more than allowed is kept, for the rules to see.
            if (into.Fields.Count > Limits.FieldsPerRequest)
            {
                json.Skip();
                continue;
            }
            switch (json.TokenType)
            {
                case JsonTokenType.String: into.Fields.Add(new(name, RawKind.String, Text())); break;
                case JsonTokenType.Number: into.Fields.Add(new(name, RawKind.Number, Encoding.ASCII.GetString(json.ValueSpan))); break;
                case JsonTokenType.True: into.Fields.Add(new(name, RawKind.Boolean, "true")); break;
                case JsonTokenType.False: into.Fields.Add(new(name, RawKind.Boolean, "false")); break;
                default:
                    into.Fields.Add(new(name, RawKind.Other, ""));
                    json.Skip();
                    break;
            }
        }
    }

    private void ReadTags()
    {
        if (!IsObject("/tags")) return;
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            var name = Text();
            json.Read();
            if (into.Tags.Count > Limits.TagsPerPing) json.Skip();
            else if (json.TokenType == JsonTokenType.String) into.AddTag(name, Text());
            else WrongType(Pointers.To("/tags", name), "A text is needed.");
        }
    }

    private void ReadSoldElsewhere()
    {
        if (!IsObject("/sold_elsewhere")) return;
        var seen = 0;
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            var name = Text();
            var member = name switch { "copies" => 1, "sellers" => 2, _ => 0 };
            if (!IsNew("/sold_elsewhere", name, member, ref seen)) continue;
            if (member == 1) into.SoldElsewhereCopies = ReadCount("/sold_elsewhere/copies", 0);
            else into.SoldElsewhereSellers = ReadTexts("/sold_elsewhere/sellers") ?? [];
        }
    }

    private void ReadConsent()
    {
        if (!IsObject("/consent")) return;
        var consent = new ConsentContent();
        var seen = 0;
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            var name = Text();
            var member = name switch { "text" => 1, "at" => 2, "page" => 4, "ip" => 8, "user_agent" => 16, "sellers" => 32, _ => 0 };
            if (!IsNew("/consent", name, member, ref seen)) continue;
            switch (member)
            {
                case 1: consent.Text = ReadText("/consent/text"); break;
                case 2: consent.At = ReadTime("/consent/at"); break;
                case 4: consent.Page = ReadText("/consent/page"); break;
                case 8: consent.Ip = ReadText("/consent/ip"); break;
                case 16: consent.UserAgent = ReadText("/consent/user_agent"); break;
                default: consent.Sellers = ReadTexts("/consent/sellers") ?? []; break;
            }
        }
        into.Consent = consent;
    }

    /// <summary>Moves to the value of a known, not yet seen, non-null member; else notes what is wrong and passes the value over.</summary>
    private bool IsNew(string parent, string name, int member, ref int seen)
    {
        if (member == 0 || (seen & member) != 0)
        {
            if (member == 0) into.AddError(Pointers.To(parent, name), "unknown_field", "There is no such member here.");
            else into.AddError(Pointers.To(parent, name), "duplicate_property", "A member may be given only once.");
            SkipValue();
            return false;
        }
        seen |= member;
        json.Read();
        return json.TokenType != JsonTokenType.Null;
    }

    private string? ReadText(string pointer)
    {
        if (json.TokenType != JsonTokenType.String)
        {
            WrongType(pointer, "A text is needed.");
            return null;
        }
        var text = Text();
        return text.Length == 0 ? null : text;
    }

    private string[]? ReadTexts(string pointer)
    {
        if (json.TokenType != JsonTokenType.StartArray)
        {
            WrongType(pointer, "A list of texts is needed.");
            return null;
        }
        var texts = new List<string>();
        while (json.Read() && json.TokenType != JsonTokenType.EndArray)
        {
            if (json.TokenType == JsonTokenType.String) texts.Add(Text());
            else WrongType(string.Create(CultureInfo.InvariantCulture, $"{pointer}/{texts.Count}"), "A text is needed.");
        }
        return [.. texts];
    }

    private int ReadCount(string pointer, int least)
    {
        if (json.TokenType != JsonTokenType.Number)
        {
            WrongType(pointer, "A whole number is needed.");
            return 0;
        }
        if (json.TryGetInt32(out var count) && count >= least) return count;
        into.AddError(pointer, "out_of_range", string.Create(CultureInfo.InvariantCulture, $"A whole number of at least {least} is needed."));
        return 0;
    }

    private Money ReadMoney(string pointer)
    {
        if (json.TokenType is not (JsonTokenType.String or JsonTokenType.Number))
        {
            WrongType(pointer, "An amount such as \"4.00\" is needed.");
            return default;
        }
        // A number is read by its digits, never as floating point.
        var text = json.TokenType == JsonTokenType.String ? Text() : Encoding.ASCII.GetString(json.ValueSpan);
        if (Money.TryParse(text, out var money)) return money;
        into.AddError(pointer, "invalid_format", "An amount such as \"4.00\" is needed: digits, at most six decimals.");
        return default;
    }

    private bool ReadBoolean(string pointer)
    {
        if (json.TokenType is JsonTokenType.True or JsonTokenType.False) return json.TokenType == JsonTokenType.True;
        WrongType(pointer, "true or false is needed.");
        return false;
    }

    private DateTimeOffset? ReadTime(string pointer)
    {
        if (json.TokenType != JsonTokenType.String)
        {
            WrongType(pointer, TimeText.Needed);
            return null;
        }
        if (TimeText.TryParse(Text(), out var time)) return time;
        into.AddError(pointer, "invalid_format", TimeText.Needed);
        return null;
    }

    private bool IsObject(string pointer)
    {
        if (json.TokenType == JsonTokenType.StartObject) return true;
        WrongType(pointer, "An object is needed.");
        return false;
    }

    private void WrongType(string pointer, string message)
    {
        into.AddError(pointer, "wrong_type", message);
        json.Skip();
    }

    private void SkipValue()
    {
        json.Read();
        json.Skip();
    }

    /// <summary>The text or name at the reader. An escape may name half a surrogate pair, which is no text: malformed like any other bad escape.</summary>
    private string Text()
    {
        try
        {
            return json.GetString()!;
        }
        catch (InvalidOperationException)
        {
            throw new JsonException();
        }
    }
}
