using Exchange.Engine.Values;
using Exchange.Storage;

namespace Exchange.Server.Access;

/// <summary>Who is calling, as its key says. <see cref="For"/> is the publisher's or buyer's id, or an admin's label.</summary>
public sealed record Caller(string KeyId, KeyRole Role, string For, bool Test)
{
    /// <summary>As audit rows and catalog versions name it.</summary>
    public string Name { get; } = $"{Wire(Role)}:{For}";

    /// <summary>A test key sees and changes nothing that is live.</summary>
    public bool IsBeyond(LeadId lead) => Test && !lead.IsTest;

    public static string Wire(KeyRole role) => role switch
    {
        KeyRole.Publisher => "publisher",
        KeyRole.Buyer => "buyer",
        KeyRole.Admin => "admin",
        _ => "viewer",
    };

    public static bool TryParseRole(string? wire, out KeyRole role)
    {
        role = wire switch
        {
            "publisher" => KeyRole.Publisher,
            "buyer" => KeyRole.Buyer,
            "admin" => KeyRole.Admin,
            "viewer" => KeyRole.Viewer,
            _ => 0,
        };
        return role != 0;
    }
}
