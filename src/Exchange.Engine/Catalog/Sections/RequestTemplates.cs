using Exchange.Engine.Catalog.Reading;
using Exchange.Engine.Connectors;
using Exchange.Engine.Filters;

namespace Exchange.Engine.Catalog.Sections;

/// <summary>Reads the templates of one request and refuses what its phase cannot give.</summary>
internal sealed class RequestTemplates(RequestPhase phase, RequestScope scope)
{
    private static readonly string[] Sale = ["id", "price", "bid", "sharing"];
    private static readonly string[] Source = ["id", "sub_id"];
    private static readonly string[] Consent = ["text", "at", "page", "user_agent", "ip", "sellers"];
    private static readonly string[] Loss = ["reason", "minimum_to_win"];
    private static readonly string[] Plain = ["test", "now", "deadline_ms"];
    private static readonly string[] Roots = ["lead", "with", "ping", "sale", "source", "consent", "loss", .. Plain];

    private readonly List<FieldRead> fields = [];

    /// <summary>Fields of the lead that were read so far.</summary>
    public IReadOnlyList<FieldRead> Fields => fields;

    /// <summary>Whether any that was read so far tells what was bid.</summary>
    public bool ReadBid { get; private set; }

    private bool IsBeforeSale => phase is RequestPhase.Ping or RequestPhase.Lost;

    /// <param name="onlyWith">Nothing but <c>with</c>: the same for every lead.</param>
    public Template? Read(ConfigNode node, bool onlyWith = false)
    {
        var errors = scope.Errors;
        // What is empty is left out; so an empty text takes away what is common.
        if (node is not ConfigText text)
        {
            errors.Add(node.Path, ConfigCodes.WrongType, $"This needs a text, not {node.Kind}.");
            return null;
        }
        if (text.Text.Length > Limits.TemplateChars)
        {
            errors.Add(node.Path, ConfigCodes.OutOfRange, $"A template may have at most {Limits.TemplateChars} characters.");
            return null;
        }
        var (template, error) = scope.Draft.Options.ParseTemplate(text.Text);
        if (template is null)
        {
            errors.Add(node.Path, ConfigCodes.InvalidTemplate, error ?? "This is not a template that can be read.");
            return null;
        }
        foreach (var read in template.Reads) Check(read, node.Path, onlyWith);
        ReadBid |= template.ReadsBid;
        foreach (var map in template.Maps.Where(map => !scope.Maps.ContainsKey(map)))
            errors.Add(node.Path, ConfigCodes.UnknownMap, Nearest.Fix($"The connector has no map `{map}`; add it under its `maps`", map, scope.Maps.Keys, errors));
        return template;
    }

    public NamedTemplate[] Named(ConfigNode node, Func<string, string, bool>? isName = null)
    {
        var named = new List<NamedTemplate>();
        foreach (var (name, value) in MapReader.Map(node, scope.Errors)?.Entries ?? [])
            if (isName?.Invoke(name, value.Path) != false && Read(value) is { } template) named.Add(new(name, template));
        return [.. named];
    }

    public JsonPart? Json(ConfigNode node)
    {
        switch (node)
        {
            case ConfigMap map:
                return new JsonMap([.. map.Entries.Select(entry => (entry.Key, Part: Json(entry.Value))).Where(entry => entry.Part is not null)
                    .Select(entry => KeyValuePair.Create(entry.Key, entry.Part!))]);
            case ConfigList list:
                return new JsonList([.. list.Items.Select(Json).OfType<JsonPart>()]);
            default:
                return Read(node) is { } template ? new JsonValue(template) : null;
        }
    }

    private void Check(string read, string path, bool onlyWith)
    {
        var errors = scope.Errors;
        var dot = read.IndexOf('.', StringComparison.Ordinal);
        var (root, name) = dot < 0 ? (read, "") : (read[..dot], read[(dot + 1)..]);
        if (!Roots.Contains(root))
            errors.Add(path, ConfigCodes.UnknownName, Nearest.Fix($"Templates cannot read `{root}`", root, Roots, errors));
        else if (onlyWith && root != "with")
            errors.Add(path, ConditionErrors.FieldNotHere, $"A token is fetched for many leads, so this can read `with` alone, not `{read}`.");
        else if (Plain.Contains(root))
        {
            if (name.Length > 0) errors.Add(path, ConfigCodes.UnknownName, $"`{root}` is one value; write it alone.");
        }
        else if (name.Length == 0)
            errors.Add(path, ConfigCodes.UnknownName, $"`{root}` is not a value; name one of it, as `{root}.{Example(root)}`.");
        else Check(root, name, path, errors);
    }

    private void Check(string root, string name, string path, ConfigErrors errors)
    {
        switch (root)
        {
            case "lead":
                fields.Add(new(name, path));
                break;
            case "with":
                Known(name, scope.WithNames, "The connector's `needs` and `defaults` have no such name");
                break;
            case "ping" when phase == RequestPhase.Ping:
                NotHere("what a ping's reply carries is there after it");
                break;
            case "ping":
                if (scope.Carried is null) NotHere("this connector has no `ping` whose reply could carry it");
                else Known(name, scope.Carried, "The `carry` of the ping's reply has no such name");
                break;
            case "sale":
                if (IsBeforeSale) NotHere("nothing is sold yet");
                else Known(name, Sale, "A sale has no such value");
                break;
            case "source":
                Known(name, Source, "The source has no such value");
                break;
            case "consent":
                if (name == "ip" && IsBeforeSale) NotHere("the consumer's address comes with the post");
                else if (phase == RequestPhase.Lost && scope.Draft.RefusesWhatWasTaken) NotHere("a loss is told without the consent; an empty text leaves out what is common");
                else Known(name, Consent, "A consent has no such value");
                break;
            default: // loss
                if (phase != RequestPhase.Lost) NotHere("only `lost` tells a loss");
                else Known(name, Loss, "A loss has no such value");
                break;
        }

        void Known(string word, IReadOnlyCollection<string> known, string sentence)
        {
            if (!known.Contains(word)) errors.Add(path, ConfigCodes.UnknownName, Nearest.Fix($"{sentence} as `{word}`", word, known, errors));
        }

        void NotHere(string why) => errors.Add(path, ConditionErrors.FieldNotHere, $"A {phase.ToString().ToLowerInvariant()} cannot read `{root}.{name}`: {why}. Take it out of here.");
    }

    private static string Example(string root) => root switch
    {
        "lead" => "zip", "with" => "host", "ping" => "id", "sale" => "id", "source" => "id", "consent" => "page", _ => "reason",
    };
}
