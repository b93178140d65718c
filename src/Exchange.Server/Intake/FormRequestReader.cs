using Exchange.Engine;
using Exchange.Engine.Fields;
using Exchange.Grains.Intake;

namespace Exchange.Server.Intake;

/// <summary>
/// Reads a form body into an <see cref="IntakeRequest"/>: members by name, their parts with a dot (<c>tags.click_id</c>, <c>consent.page</c>), <c>offer_ids</c>
/// repeated or separated by commas, sellers repeated; every other name is a field.
/// </summary>
internal static class FormRequestReader
{
    /// <summary>Null: read, perhaps with errors in <paramref name="into"/>.</summary>
    public static Problem? Read(ReadOnlySpan<byte> body, IntakeRequest into)
    {
        if (FormPairs.Read(body, out var pairs) is { } bad) return bad;
        var members = new TextMembers(into);
        var lists = new Dictionary<string, List<string>>(StringComparer.Ordinal);
        into.FieldsGiven = true;
        foreach (var (name, text) in pairs)
        {
            var member = TextMembers.Find(name);
            if (member is Member.OfferIds) AddTo(lists, name, text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries));
            else if (member != Member.None)
            {
                if (members.Enter(member, name)) members.Set(member, name, text);
            }
            else ReadOther(name, text, into, members, lists);
        }
        foreach (var (name, texts) in lists)
        {
            if (name == "offer_ids")
            {
                if (members.Enter(Member.OfferIds, name) && texts.Count > 0) into.OfferIds = [.. texts];
            }
            else if (Split(name) is var (parent, _) && members.EnterPart(parent, "sellers")) members.SetSellers(parent, [.. texts]);
        }
        return null;
    }

    private static void ReadOther(string name, string text, IntakeRequest into, TextMembers members, Dictionary<string, List<string>> lists)
    {
        if (Split(name) is not var (parent, part))
        {
            // One more than allowed is kept, for the rules to see.
            if (into.Fields.Count <= Limits.FieldsPerRequest) into.Fields.Add(new(name, RawKind.String, text));
        }
        else if ((TextMembers.Find(parent) & Members.Of(into.Kind)) == 0) members.Unknown("", parent);
        else if (parent == "tags")
        {
            if (into.Tags.Count <= Limits.TagsPerPing) into.AddTag(part, text);
        }
        else if (part == "sellers") AddTo(lists, name, text.Length == 0 ? [] : [text]);
        else if (members.EnterPart(parent, part)) members.SetPart(parent, part, text);
    }

    /// <summary>Null: no part of a member. A field of a publisher's own may have dots in its name.</summary>
    private static (string Parent, string Part)? Split(string name)
    {
        foreach (var parent in (ReadOnlySpan<string>)["tags", "consent", "sold_elsewhere"])
            if (name.Length > parent.Length && name[parent.Length] == '.' && name.StartsWith(parent, StringComparison.Ordinal)) return (parent, name[(parent.Length + 1)..]);
        return null;
    }

    private static void AddTo(Dictionary<string, List<string>> lists, string name, string[] texts)
    {
        if (!lists.TryGetValue(name, out var list)) lists[name] = list = [];
        list.AddRange(texts);
    }
}
