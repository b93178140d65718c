using System.Globalization;
using Exchange.Engine.Fields;

namespace Exchange.Engine.Catalog;

/// <summary>
/// A catalog as written, before it means anything: maps, lists and texts, each with its path (<c>campaigns.acme-west.caps[0].per</c>).
/// YAML and JSON are read into it outside the engine (YAML by the server) or by <see cref="ConfigJson"/>. No anchors, tags or aliases.
/// </summary>
public abstract record ConfigNode(string Path, int Line)
{
    /// <summary>"a map", "a list", "text": for messages.</summary>
    public abstract string Kind { get; }

    /// <summary>Whether the same is written, wherever it stands: paths and lines are not compared, the order of keys is.</summary>
    public static bool Same(ConfigNode? a, ConfigNode? b)
    {
        if (ReferenceEquals(a, b)) return true;
        switch (a, b)
        {
            case (ConfigText x, ConfigText y): return x.Text == y.Text;
            case (ConfigList x, ConfigList y):
                if (x.Items.Count != y.Items.Count) return false;
                for (var i = 0; i < x.Items.Count; i++) if (!Same(x.Items[i], y.Items[i])) return false;
                return true;
            case (ConfigMap x, ConfigMap y):
                if (x.Entries.Count != y.Entries.Count) return false;
                for (var i = 0; i < x.Entries.Count; i++)
                    if (x.Entries[i].Key != y.Entries[i].Key || !Same(x.Entries[i].Value, y.Entries[i].Value)) return false;
                return true;
            default: return a is ConfigNull && b is ConfigNull;
        }
    }
}

/// <summary>Keys in the order written; a key given twice was already reported by the reader and the first is kept.</summary>
public sealed record ConfigMap(string Path, int Line, IReadOnlyList<KeyValuePair<string, ConfigNode>> Entries) : ConfigNode(Path, Line)
{
    public override string Kind => "a map";

    /// <summary>Whether both have the same keys in the same order.</summary>
    public bool HasKeysOf(ConfigMap other)
    {
        if (Entries.Count != other.Entries.Count) return false;
        for (var i = 0; i < Entries.Count; i++) if (Entries[i].Key != other.Entries[i].Key) return false;
        return true;
    }

    public ConfigNode? Find(string key)
    {
        // No enumerator: ten thousand campaigns are asked for their buyers.
        for (var i = 0; i < Entries.Count; i++) if (Entries[i].Key == key) return Entries[i].Value;
        return null;
    }
}

public sealed record ConfigList(string Path, int Line, IReadOnlyList<ConfigNode> Items) : ConfigNode(Path, Line)
{
    public override string Kind => "a list";
}

/// <summary>A scalar as its text; the place that reads it decides what it is (zip 02139 and state NO are safe).</summary>
public sealed record ConfigText(string Path, int Line, string Text) : ConfigNode(Path, Line)
{
    public override string Kind => "text";
}

/// <summary>JSON's <c>null</c>: in a merge patch it takes a key away, in a catalog it is an error of the place that reads it.</summary>
public sealed record ConfigNull(string Path, int Line) : ConfigNode(Path, Line)
{
    public override string Kind => "nothing";
}

/// <summary>Collects everything wrong with a catalog. Each error: path, stable code, and a sentence that names the fix.</summary>
public sealed class ConfigErrors
{
    private readonly List<InputError> errors = [];
    private readonly List<InputError> warnings = [];

    public IReadOnlyList<InputError> Errors => errors;
    public IReadOnlyList<InputError> Warnings => warnings;
    public bool Any => errors.Count > 0;

    public void Add(string path, string code, string message) => errors.Add(new(path, code, message));
    public void Warn(string path, string code, string message) => warnings.Add(new(path, code, message));

    public static string At(string path, string key) => path.Length == 0 ? key : path + "." + key;
    public static string At(string path, int index) => string.Create(CultureInfo.InvariantCulture, $"{path}[{index}]");
}
