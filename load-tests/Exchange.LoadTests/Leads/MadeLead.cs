namespace Exchange.LoadTests.Leads;

/// <summary>One consumer's lead, split as a publisher sends it. Names and texts only; a field stands in one of the two.</summary>
internal sealed record MadeLead(
    string Vertical, IReadOnlyDictionary<string, string> PingFields, IReadOnlyDictionary<string, string> PostFields, string ClickId, string SubId, string Ip);
