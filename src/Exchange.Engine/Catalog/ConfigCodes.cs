namespace Exchange.Engine.Catalog;

/// <summary>The codes of catalog errors and warnings. Stable: programs that edit catalogs branch on them.</summary>
public static class ConfigCodes
{
    /// <summary>A key that the format does not have at this place.</summary>
    public const string UnknownKey = "unknown_key";
    public const string DuplicateKey = "duplicate_key";
    public const string MissingKey = "missing_key";
    /// <summary>A key that means something only beside another one, as pricing in an auction.</summary>
    public const string MisplacedKey = "misplaced_key";
    /// <summary>A map where a list must be, and the like.</summary>
    public const string WrongType = "wrong_type";
    /// <summary>A text that cannot be read as what its place asks for.</summary>
    public const string InvalidFormat = "invalid_format";
    public const string OutOfRange = "out_of_range";
    /// <summary>Not one of the words that this place allows.</summary>
    public const string UnknownValue = "unknown_value";
    /// <summary>A reference to an entry that is not in the catalog.</summary>
    public const string UnknownId = "unknown_id";
    public const string UnknownField = "unknown_field";
    public const string UnknownList = "unknown_list";
    public const string UnknownZone = "unknown_zone";
    public const string UnknownEndpoint = "unknown_endpoint";
    public const string UnknownSecret = "unknown_secret";
    /// <summary>A secret written into the file instead of its name.</summary>
    public const string SecretInFile = "secret_in_file";
    /// <summary>A field name that means something else in conditions and requests.</summary>
    public const string ReservedName = "reserved_name";
    /// <summary>The same thing listed twice.</summary>
    public const string Repeated = "repeated";
    /// <summary>A list or map that needs at least one entry.</summary>
    public const string Empty = "empty";
    /// <summary>Two rules that cannot both hold, as two trees for one ping.</summary>
    public const string Conflict = "conflict";
    /// <summary>A tree that contains itself, or whose unsold leads come back to it.</summary>
    public const string Cycle = "cycle";
    public const string PiiInPing = "pii_in_ping";
    public const string InvalidUrl = "invalid_url";
    /// <summary>A text of a connector that is no template: its syntax, a tag or a filter that there is not.</summary>
    public const string InvalidTemplate = "invalid_template";
    /// <summary>A template reads what there never is.</summary>
    public const string UnknownName = "unknown_name";
    /// <summary>A template or a reading translates by a map that its connector does not have.</summary>
    public const string UnknownMap = "unknown_map";
    /// <summary>An id that came back as something else.</summary>
    public const string IdentityChanged = "identity_changed";

    /// <summary>Warning: it can never have an effect.</summary>
    public const string NeverUsed = "never_used";
    /// <summary>Warning: second price without a floor, so that a lone bid pays itself.</summary>
    public const string NoFloor = "no_floor";
    /// <summary>Warning: a prepaid buyer buys nothing before its first payment.</summary>
    public const string NoCredit = "no_credit";
    /// <summary>Warning: an SSH server that nobody said how to recognize.</summary>
    public const string NoHostKey = "no_host_key";
    /// <summary>Warning: a mail address, and no server to send mails through.</summary>
    public const string NoMailServer = "no_mail_server";
    /// <summary>Warning: a publisher leaves whose keys may be used from its own addresses only.</summary>
    public const string IpsEnd = "ips_end";
    /// <summary>Warning: none of yesterday's pings would have come to this campaign.</summary>
    public const string NoPings = "no_pings";
    /// <summary>Warning: a price that its floor never lets through.</summary>
    public const string BelowFloor = "below_floor";
}
