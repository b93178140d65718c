using System.Text;
using System.Text.Json;
using Exchange.Engine.Values;
using Exchange.Grains.Catalog;
using Exchange.Grains.Returns;
using Exchange.Storage;

namespace Exchange.Server.Admin;

/// <summary>What buyers said of copies after they bought them, as it is shown beside each copy.</summary>
internal sealed class ReturnJson
{
    private readonly Dictionary<CopyId, ReturnRow> returns;
    private readonly ILookup<CopyId, DispositionRow> said;
    private readonly HashSet<LeadId> keeping;
    private readonly IVault? vault;

    private ReturnJson(IEnumerable<ReturnRow> returns, IEnumerable<DispositionRow> said, HashSet<LeadId> keeping, IVault? vault) =>
        (this.returns, this.said, this.keeping, this.vault) = (returns.ToDictionary(row => row.Copy), said.ToLookup(row => row.Copy), keeping, vault);

    public static ReturnJson None { get; } = new([], [], [], null);

    /// <summary>Of all copies of these leads.</summary>
    public static async Task<ReturnJson> ReadAsync(ApiCall call, IReadOnlyCollection<LeadRow> leads)
    {
        CopyId[] copies = [.. leads.SelectMany(lead => lead.Copies).Select(copy => copy.Id)];
        var keeping = new HashSet<LeadId>();
        foreach (var lead in leads) if (await SaleTerms.KeepsPayoutAsync(call.Catalog, lead, call.Cancel)) keeping.Add(lead.Id);
        return new(await call.Store.Returns.FindAllAsync(copies, call.Cancel), await call.Store.Returns.SaidAsync(copies, call.Cancel), keeping, call.Store.Vault);
    }

    public static string Wire(ReturnStatus status) => status switch
    {
        ReturnStatus.Requested => "requested",
        ReturnStatus.Accepted => "accepted",
        _ => "refused",
    };

    /// <summary>The publisher keeps what it earned with copies of this lead that came back.</summary>
    public bool KeepsPayout(LeadId lead) => keeping.Contains(lead);

    /// <summary><c>return</c>: null or how it stands; <c>disposition</c>: the newest word or null; <c>dispositions</c>: all of them, oldest first.</summary>
    /// <param name="reveal">For admins: with the <c>note</c> beside each word, which may name a person, masked or shown. Null: without, as its buyer is told.</param>
    public void WriteMembers(Utf8JsonWriter json, CopyId copy, bool? reveal = null)
    {
        if (returns.TryGetValue(copy, out var row))
        {
            json.WriteStartObject("return");
            json.WriteString("status", Wire(row.Status));
            json.WriteString("reason", row.Reason);
            json.WriteTime("at", row.AtMs);
            json.WriteEndObject();
        }
        else json.WriteNull("return");
        json.WriteString("disposition", said[copy].LastOrDefault()?.Word);
        json.WriteObjects("dispositions", said[copy], word =>
        {
            json.WriteString("disposition", word.Word);
            json.WriteString("value", word.Value?.ToString());
            json.WriteTime("at", word.AtMs);
            if (reveal is { } shown) json.WriteString("note", Note(word, shown));
        });
    }

    /// <summary>Null: there is none, or none any more.</summary>
    private string? Note(DispositionRow word, bool reveal) =>
        word.Sealed is not { Length: > 0 } note ? null : reveal ? Encoding.UTF8.GetString(vault!.Open(word.Copy.Lead, note)) : Mask.Whole();
}
