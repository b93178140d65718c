using Exchange.Engine.Catalog.Reading;
using Exchange.Engine.Fields;

namespace Exchange.Engine.Catalog.Sections;

/// <summary><c>duplicate</c> of a vertical: what makes two leads the same person.</summary>
internal static class DuplicateSection
{
    private static readonly MapKeys Keys = new(["keys", "match", "window", "among", "from"]);
    private static readonly string[] UsualKeys = ["phone", "email"];

    public static DuplicateRule? Read(ConfigNode node, FieldSet fields, ConfigNode? declared, ConfigErrors errors)
    {
        if (MapReader.Open(node, Keys, errors) is not { } map) return null;
        var keys = new List<FieldSchema>();
        if (map["keys"] is { } keysNode)
        {
            foreach (var text in ValueReader.Texts(keysNode, errors))
            {
                if (fields.Find(text.Text) is { } field) keys.Add(field);
                // A field that is itself wrong was reported where it is declared.
                else if (declared is ConfigMap declaredFields && declaredFields.Find(text.Text) is null)
                    errors.Add(text.Path, ConfigCodes.UnknownField, Nearest.Fix("The vertical has no such field", text.Text, fields.All.Select(known => known.Name), errors));
            }
        }
        else
        {
            keys.AddRange(UsualKeys.Select(fields.Find).OfType<FieldSchema>());
            if (keys.Count == 0 && declared is ConfigMap) errors.Add(map.At("keys"), ConfigCodes.MissingKey, "`keys` is required here: the vertical has neither a phone nor an email field of that name.");
        }
        var all = map["match"] is { } match && ValueReader.Word(match, [("any", false), ("all", true)], errors) == true;
        var window = map["window"] is { } windowNode ? ValueReader.Duration(windowNode, errors) : null;
        var received = map["among"] is { } among && ValueReader.Word(among, [("sold", false), ("received", true)], errors) == true;
        var perPublisher = map["from"] is { } from && ValueReader.Word(from, [("anyone", false), ("publisher", true)], errors) == true;
        return new(keys, all, window ?? TimeSpan.FromDays(30), received, perPublisher);
    }
}
