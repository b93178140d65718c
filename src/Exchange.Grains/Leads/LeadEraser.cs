using Exchange.Engine.Values;
using Exchange.Grains.Intake;
using Exchange.Storage;

namespace Exchange.Grains.Leads;

/// <summary>What of a lead is erased, and by what its person is known afterwards.</summary>
public sealed class LeadEraser(LeadServices services)
{
    /// <summary>Somebody else moved the lead just then: it is read again. So often at once it is hardly ever.</summary>
    private const int MostTries = 20;

    public async Task EraseAsync(LeadId id, string who)
    {
        for (var tries = 0; tries < MostTries; tries++)
        {
            var row = await services.Store.Leads.FindAsync(id, CancellationToken.None);
            // Fields that a publisher adds meanwhile name the person too, and an outcome that is recorded meanwhile is not to be forgotten.
            var erasure = new LeadErasure(id, AnswerOf(row), await PersonOfAsync(row), who, services.Time.GetUtcNow().ToUnixTimeMilliseconds()) { Read = new(row?.Sealed ?? [], row?.Answer) };
            if (await services.Store.Erasures.EraseAsync(erasure, CancellationToken.None)) return;
        }
        throw new StorageBusyException("The lead changes all the time; nothing was erased");
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
