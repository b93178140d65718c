using System.Globalization;

namespace Exchange.Grains.Cluster;

/// <summary>Who this silo is among the others.</summary>
/// <param name="Number">Stands in the id of every ping it makes. Given by the store at each start and never again; 0 in the embedded exchange.</param>
/// <param name="Name">Of the place it runs at: the same again after a restart, so that it finds its memory.</param>
public sealed record SiloIdentity(ushort Number, string Name)
{
    /// <summary>As the cluster's membership lists it, so that whoever reads an id finds its silo without another directory.</summary>
    public string MemberName => string.Create(CultureInfo.InvariantCulture, $"{Number}.{Name}");

    /// <summary>False: not a name made by <see cref="MemberName"/>.</summary>
    public static bool TryNumberOf(string memberName, out ushort number)
    {
        number = 0;
        var dot = memberName.IndexOf('.', StringComparison.Ordinal);
        return dot > 0 && ushort.TryParse(memberName.AsSpan(0, dot), NumberStyles.None, CultureInfo.InvariantCulture, out number);
    }
}
