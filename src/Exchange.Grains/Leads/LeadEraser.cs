using Exchange.Engine.Values;
using Exchange.Grains.Intake;
using Exchange.Storage;

namespace Exchange.Grains.Leads;

/// <summary>What of a lead is erased, and by what its person is known afterwards.</summary>
public sealed class LeadEraser(LeadServices services)
{
    public async Task EraseAsync(LeadId id, string who)
    {
        var row = await services.Store.Leads.FindAsync(id, CancellationToken.None);
        await services.Store.Erasures.EraseAsync(
            new(id, AnswerOf(row), await PersonOfAsync(row), who, services.Time.GetUtcNow().ToUnixTimeMilliseconds()), CancellationToken.None);
    }

    /// <summary>What was answered stands: outcome and money. Redirects and tags may tell who it was.</summary>
    private static byte[]? AnswerOf(LeadRow? row)
    {
        if (row?.Answer is not { } recorded) return null;
        var answer = LeadAnswer.FromJson(recorded);
        return (answer with { RedirectUrl = null, Tags = [], Copies = [.. answer.Copies.Select(copy => copy with { RedirectUrl = null })] }).ToJson();
    }

    /// <summary>Nothing of one that was erased before: it is suppressed already.</summary>
    private async Task<IReadOnlyList<byte[]>> PersonOfAsync(LeadRow? row)
    {
        if (row is null || row.IsErased || row.Test) return [];
        var model = await services.Catalog.ModelAsync(row.CatalogVersion, CancellationToken.None);
        var payload = LeadPayload.Of(services.Store.Vault, row);
        return SuppressionHash.Of(services.Store.Vault, model.Verticals[row.Vertical].Fields, field => payload.Fields.GetValueOrDefault(field.Name));
    }
}
