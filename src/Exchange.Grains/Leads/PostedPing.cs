using Exchange.Engine.PingTrees;
using Exchange.Engine.Values;
using Exchange.Grains.Intake;

namespace Exchange.Grains.Leads;

/// <summary>Finds the ping of a post, wherever it is kept: in this silo's book, in another's, in the records, or in the rows of what was held at it.</summary>
internal sealed class PostedPing(LeadServices services, LeadId id, RecordedPosts recorded)
{
    /// <summary>Exactly one of the two is not null: its record, or what the post is told instead.</summary>
    public async Task<(PostReply? Reply, PingRecord? Record)> FindAsync(PostCommand command)
    {
        var (record, isUnsure) = await services.Homes.LookAsync(id);
        if (record is null)
        {
            record = await services.Store.Pings.FindAsync(id, services.Catalog.ModelAsync, CancellationToken.None);
            // Held at its ping: the offer stands whatever became of its record.
            record ??= await FirmRecordAsync();
            // In no book: after a restart, or late. It may have been posted before; a crash or time may have taken the ping's record, never the lead's rows.
            if ((!command.TestKey || id.IsTest) && await recorded.FindAsync(command) is { } known) return (known, null);
        }
        // Unknown is not no: its silo may yet write it or say it.
        if (record is null && isUnsure) return (PostReply.Refused(Problem.Of(503, "storage_unavailable", "The server that made the offer does not answer yet; come again.", 1)), null);
        if (record is null) services.Homes.NotFound(id);
        if (record is null || record.Publisher != command.Publisher || command.TestKey && !id.IsTest)
            return (RecordedPosts.NoSuchPing, null);
        return (null, record);
    }

    /// <summary>An offer whose copies were held at the ping, as its rows tell it. Null: there is none that waits for its post.</summary>
    private async Task<PingRecord?> FirmRecordAsync()
    {
        if (await services.Store.Leads.FindAsync(id, CancellationToken.None) is not { IsPosted: false } held) return null;
        var atPing = await services.Catalog.ModelAsync(held.CatalogVersion, CancellationToken.None);
        var payload = LeadPayload.Of(services.Store.Vault, held);
        var today = PostRules.Today(DateTimeOffset.FromUnixTimeMilliseconds(held.AtMs), atPing.Zone);
        return LostRecord.From(held, atPing, PostRules.ValuesOf(atPing.Verticals[held.Vertical], payload, services.Parsers, today), payload);
    }
}
