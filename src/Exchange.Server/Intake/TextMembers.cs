using System.Buffers;
using System.Collections.Frozen;
using System.Globalization;
using Exchange.Engine.Fields;
using Exchange.Engine.Values;

namespace Exchange.Server.Intake;

/// <summary>
/// Fills a request whose values come as texts, of a form or of XML: says which member a name is, that it comes once, and what its text means. An empty
/// text counts as not given.
/// </summary>
internal sealed class TextMembers(IntakeRequest into)
{
    private static readonly FrozenDictionary<string, Member> ByName =
        Members.All.ToFrozenDictionary(entry => System.Text.Encoding.UTF8.GetString(entry.Name), entry => entry.Member, StringComparer.Ordinal);

    private static readonly FrozenSet<string> Parts =
        new[] { "consent.text", "consent.at", "consent.page", "consent.ip", "consent.user_agent", "consent.sellers", "sold_elsewhere.copies", "sold_elsewhere.sellers" }.ToFrozenSet(StringComparer.Ordinal);

    private static readonly SearchValues<char> NumberChars = SearchValues.Create("0123456789.");

    private readonly Member allowed = Members.Of(into.Kind);
    private readonly HashSet<string> seen = new(StringComparer.Ordinal);

    /// <summary>None: no request has such a member.</summary>
    public static Member Find(string name) => ByName.GetValueOrDefault(name);

    /// <summary>False, and noted: the member may not come here, or came before.</summary>
    public bool Enter(Member member, string name)
    {
        if ((member & allowed) == 0) Unknown("", name);
        else if (!seen.Add(name)) Double("", name);
        else return true;
        return false;
    }

    /// <summary>The same of a part of <c>consent</c> or <c>sold_elsewhere</c>.</summary>
    public bool EnterPart(string parent, string name)
    {
        if (!Parts.Contains($"{parent}.{name}")) Unknown("/" + parent, name);
        else if (!seen.Add($"{parent}.{name}")) Double("/" + parent, name);
        else return true;
        return false;
    }

    /// <summary>A member that is one text.</summary>
    public void Set(Member member, string name, string text)
    {
        if (text.Length == 0) return;
        var pointer = "/" + name;
        switch (member)
        {
            case Member.Vertical: into.Vertical = text; break;
            case Member.SubId: into.SubId = text; break;
            case Member.Channel: into.Channel = text; break;
            case Member.TestResult: into.TestResult = text; break;
            case Member.PingId: into.PingId = text; break;
            case Member.MinPayout: into.MinPayout = ReadMoney(pointer, text); break;
            case Member.MaxCopies: into.MaxCopies = ReadCount(pointer, text, 1); break;
            case Member.DeadlineMs: into.DeadlineMs = ReadCount(pointer, text, 1); break;
            case Member.Test: into.Test = ReadBoolean(pointer, text); break;
            default: WrongType(pointer, "This member has parts; a text is not enough."); break;
        }
    }

    /// <summary>A part of <c>consent</c> or <c>sold_elsewhere</c> that is one text.</summary>
    public void SetPart(string parent, string name, string text)
    {
        if (text.Length == 0) return;
        var pointer = $"/{parent}/{name}";
        if (parent == "sold_elsewhere")
        {
            into.SoldElsewhereCopies = ReadCount(pointer, text, 0);
            return;
        }
        var consent = into.Consent ??= new ConsentContent();
        switch (name)
        {
            case "text": consent.Text = text; break;
            case "page": consent.Page = text; break;
            case "ip": consent.Ip = text; break;
            case "user_agent": consent.UserAgent = text; break;
            default:
                if (TimeText.TryParse(text, out var at)) consent.At = at;
                else into.AddError(pointer, "invalid_format", TimeText.Needed);
                break;
        }
    }

    /// <summary>The sellers of <c>consent</c> or <c>sold_elsewhere</c>.</summary>
    public void SetSellers(string parent, string[] sellers)
    {
        if (parent == "consent") (into.Consent ??= new ConsentContent()).Sellers = sellers;
        else into.SoldElsewhereSellers = sellers;
    }

    public void Unknown(string parent, string name) => into.AddError(Pointers.To(parent, name), "unknown_field", "There is no such member here.");

    public void Double(string parent, string name) => into.AddError(Pointers.To(parent, name), "duplicate_property", "A member may be given only once.");

    public void WrongType(string pointer, string message) => into.AddError(pointer, "wrong_type", message);

    private Money ReadMoney(string pointer, string text)
    {
        if (Money.TryParse(text, out var money)) return money;
        into.AddError(pointer, "invalid_format", "An amount such as \"4.00\" is needed: digits, at most six decimals.");
        return default;
    }

    private int ReadCount(string pointer, string text, int least)
    {
        if (int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var count) && count >= least) return count;
        if (IsNumber(text)) into.AddError(pointer, "out_of_range", string.Create(CultureInfo.InvariantCulture, $"A whole number of at least {least} is needed."));
        else WrongType(pointer, "A whole number is needed.");
        return 0;
    }

    private bool ReadBoolean(string pointer, string text)
    {
        switch (text)
        {
            case "true" or "1": return true;
            case "false" or "0": return false;
            default:
                WrongType(pointer, "true or false is needed.");
                return false;
        }
    }

    private static bool IsNumber(string text)
    {
        var digits = text.AsSpan(text[0] is '-' or '+' ? 1 : 0);
        return !digits.IsEmpty && !digits.ContainsAnyExcept(NumberChars);
    }
}
