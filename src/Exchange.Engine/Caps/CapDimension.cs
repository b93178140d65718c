using Exchange.Engine.Filters;

namespace Exchange.Engine.Caps;

/// <summary>What a cap counts apart (<c>each</c>): a ping field that is neither contact data nor sensitive, the publisher, or the sub id.</summary>
/// <param name="Name">As in the catalog.</param>
/// <param name="Ordinals">Fields: the ordinal by vertical; a vertical without the field counts as not given.</param>
public sealed record CapDimension(string Name, IReadOnlyDictionary<string, int> Ordinals)
{
    public const string Publisher = "publisher", SubId = "sub_id";

    /// <summary>Empty where it was not given: such leads have a count of their own together. Texts are compared without case.</summary>
    public string ValueOf(Subject subject) => Name switch
    {
        Publisher => subject.Publisher,
        SubId => subject.SubId ?? "",
        _ => Ordinals.TryGetValue(subject.Vertical, out var ordinal) && ordinal < subject.Values.Length ? subject.Values[ordinal].Text ?? "" : "",
    };
}
