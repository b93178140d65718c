using System.Globalization;

namespace Exchange.Engine.Values;

/// <summary>
/// One sale, or attempt at one, of a lead: the lead's id and the copy's number (1, 2, …, a new one for each buyer tried).
/// It is what a buyer quotes and the idempotency key of every call to it. As text: the lead's id, a hyphen, the number.
/// </summary>
public readonly record struct CopyId(LeadId Lead, int No)
{
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Lead}-{No}");

    public static bool TryParse(ReadOnlySpan<char> text, out CopyId id)
    {
        id = default;
        var hyphen = text.LastIndexOf('-');
        // One text per copy: it is an idempotency key, so -01 must not be another way to write -1, and there is no copy 0.
        if (hyphen < 0 || hyphen + 1 == text.Length || text[hyphen + 1] == '0' || !LeadId.TryParse(text[..hyphen], out var lead)
            || !int.TryParse(text[(hyphen + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out var no)) return false;
        id = new(lead, no);
        return true;
    }
}
