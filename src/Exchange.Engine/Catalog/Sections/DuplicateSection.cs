using Exchange.Engine.Catalog.Reading;
using Exchange.Engine.Fields;

namespace Exchange.Engine.Catalog.Sections;

/// <summary><c>duplicate</c> of a vertical: what makes two leads the same person; and of a campaign: whom it does not buy twice.</summary>
internal static class DuplicateSection
{
    private static readonly MapKeys Keys = new(["keys", "match", "window", "among", "from"]);
    private static readonly MapKeys CampaignKeys = new(["keys", "window", "of"]);
    private static readonly string[] UsualKeys = ["phone", "email"];
    private static readonly TimeSpan UsualWindow = TimeSpan.FromDays(30);

    public static DuplicateRule? Read(ConfigNode node, FieldSet fields, ConfigNode? declared, ConfigErrors errors)
    {
        if (MapReader.Open(node, Keys, errors) is not { } map) return null;
        var keys = KeysOf(map, fields, declared, errors);
        var all = map["match"] is { } match && ValueReader.Word(match, [("any", false), ("all", true)], errors) == true;
        var received = map["among"] is { } among && ValueReader.Word(among, [("sold", false), ("received", true)], errors) == true;
        var perPublisher = map["from"] is { } from && ValueReader.Word(from, [("anyone", false), ("publisher", true)], errors) == true;
        return new(keys, all, Window(map, errors), received, perPublisher);
    }

    public static CampaignDuplicate? ReadCampaigns(ConfigNode node, VerticalDraft vertical, ConfigErrors errors)
    {
        if (MapReader.Open(node, CampaignKeys, errors) is not { } map) return null;
        var keys = KeysOf(map, vertical.Fields, vertical.DeclaredFields, errors);
        if (map["keys"] is ConfigList written)
            foreach (var item in written.Items)
                if (item is ConfigText text && vertical.Fields.Find(text.Text) is { IsPerson: false })
                    errors.Add(item.Path, ConfigCodes.WrongType, "This field does not tell who a person is; name contact data, as phone or email.");
        var ofBuyer = map["of"] is not { } of || ValueReader.Word(of, [("buyer", true), ("campaign", false)], errors) != false;
        return new(Window(map, errors), ofBuyer, keys);
    }

    private static TimeSpan Window(MapReader map, ConfigErrors errors) =>
        map["window"] is { } window ? ValueReader.Duration(window, errors) ?? UsualWindow : UsualWindow;

    /// <param name="declared">The fields as written: a field that is itself wrong was reported where it is declared.</param>
    private static List<FieldSchema> KeysOf(MapReader map, FieldSet fields, ConfigNode? declared, ConfigErrors errors)
    {
        var keys = new List<FieldSchema>();
        if (map["keys"] is { } keysNode)
        {
            foreach (var text in ValueReader.Texts(keysNode, errors))
            {
                if (fields.Find(text.Text) is { } field) keys.Add(field);
                else if (declared is ConfigMap declaredFields && declaredFields.Find(text.Text) is null)
                    errors.Add(text.Path, ConfigCodes.UnknownField, Nearest.Fix("The vertical has no such field", text.Text, fields.All.Select(known => known.Name), errors));
            }
        }
        else
        {
            keys.AddRange(UsualKeys.Select(fields.Find).OfType<FieldSchema>());
            if (keys.Count == 0 && declared is ConfigMap declaredFields && !UsualKeys.Any(name => declaredFields.Find(name) is not null))
                errors.Add(map.At("keys"), ConfigCodes.MissingKey, "`keys` is required here: the vertical has neither a phone nor an email field of that name.");
        }
        return keys;
    }
}
