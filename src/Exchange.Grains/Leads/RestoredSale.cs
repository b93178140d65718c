using System.Collections.Immutable;
using Exchange.Engine;
using Exchange.Engine.Catalog;
using Exchange.Engine.Fields;
using Exchange.Engine.Filters;
using Exchange.Engine.Leads;
using Exchange.Engine.Ledger;
using Exchange.Engine.PingTrees;
using Exchange.Engine.Values;
using Exchange.Storage;

namespace Exchange.Grains.Leads;

/// <summary>
/// A lead as the machine needs it, read back from its rows after a crash or a long wait. Its ping's ranks are those of the ping's record. Of later
/// walks (a reauction, the tree for what is unsold) the copies tell who has or had the lead, and what was promised; their further ranks are gone,
/// so that a lead that falls out again is walked anew.
/// </summary>
public static class RestoredSale
{
    public static async Task<(LeadSale Sale, SaleWorld World)> FromAsync(LeadServices services, LeadRow row, PingRecord record, CatalogModel atPing)
    {
        var vertical = atPing.Verticals[row.Vertical];
        var payload = LeadPayload.Of(services.Store.Vault, row);
        var values = PostRules.ValuesOf(vertical, payload, services.Parsers, PostRules.Today(services.Time.GetUtcNow(), atPing.Zone));
        var world = new SaleWorld(services, record, atPing, values, payload, DateTimeOffset.FromUnixTimeMilliseconds(row.AtMs));
        // A ping whose record was lost had this tree.
        if (row.Wait is { Wait.Trees: [var own, ..] } && record.Tree is null) record = record with { Tree = own };
        var isOver = row.Wait?.Wait.AtPing == true;
        var later = row.Copies.Where(copy => isOver || PlaceInRecord(record, copy) < 0).ToArray();
        var campaigns = await CampaignsAsync(services, later, row.CatalogVersion);
        var isSuppressed = await IsSuppressedAsync(services, row, world);
        var restored = From(row, record, world, later, campaigns, services.Catalog.Current) with
        {
            KeepPersonsWhenUnsold = vertical.Duplicate is { AmongReceived: true },
            IsSuppressed = isSuppressed,
            // Nobody else gets a lead of which nothing is left to give, or whose person is not sold.
            Tries = row.IsErased || isSuppressed ? Engine.Limits.CallsPerPost : row.Copies.Count,
            PersonHashes = PostRules.PersonHashes(services.Store.Vault, services.Catalog.Current, vertical, values),
            MinPayout = row.Wait?.Wait.MinPayout ?? payload.MinPayout,
        };
        return (LeadMachine.Restore(restored, world.Context(services.Time.GetUtcNow())), world);
    }

    /// <summary>Asked of every field that the lead has by now, with the lists of this moment; those that it came under where its vertical has left the catalog.</summary>
    private static async Task<bool> IsSuppressedAsync(LeadServices services, LeadRow row, SaleWorld world)
    {
        var context = world.Context(services.Time.GetUtcNow());
        var vertical = context.Current.Verticals.GetValueOrDefault(row.Vertical) ?? world.AtPing.Verticals[row.Vertical];
        var values = context.Subject.Values;
        return PostRules.Suppressed(vertical, values)
            || await services.Store.Suppressions.AnyAsync(SuppressionHash.Of(services.Store.Vault, vertical.Fields, field => values[field.Ordinal].Text), CancellationToken.None);
    }

    /// <param name="later">The copies that are not by the ping's own bids.</param>
    /// <param name="campaigns">Theirs, by id.</param>
    private static LeadSale From(
        LeadRow row, PingRecord record, SaleWorld world, CopyRow[] later, Dictionary<string, CampaignModel> campaigns, CatalogModel current)
    {
        var rounds = ImmutableArray.Create(new SaleRound { Model = world.AtPing, Record = record, Subject = world.Subject });
        if (later.Length > 0)
            rounds = rounds.Add(new SaleRound
            {
                Model = current, Subject = world.Context(DateTimeOffset.FromUnixTimeMilliseconds(row.AtMs)).Subject, First = record.Bids.Length,
                Record = record with
                {
                    Tree = later[^1].Trees is [var outermost, ..] ? outermost : null, Offers = [],
                    Bids = [.. later.Select(copy => new RankedBid(0, campaigns[copy.Campaign], SharingOf(copy), copy.Price, copy.Price, true))],
                },
            });
        ImmutableHashSet<int> ended = [.. row.Copies.Where(copy => copy.State is CopyState.Voided or CopyState.Expired).Select(PlaceOf)];
        return new LeadSale
        {
            Rounds = rounds,
            Slots = [.. row.Copies.GroupBy(copy => copy.OfferId, StringComparer.Ordinal).Select(group => SlotOf(group.MaxBy(copy => copy.Id.No)!))],
            // Whoever fell out is not asked again.
            Out = ended,
            Had = ended,
            UnsoldTrees =
            [
                .. (row.Wait?.Wait.Trees.Skip(1) ?? []).Concat(later.Where(copy => copy.Trees.Count > 0 && copy.Trees[0] != record.Tree).Select(copy => copy.Trees[0])).Distinct(),
            ],
            // A post that came in time may have been written a moment after its offer's end.
            Late = row.Promised is null && row.AtMs > record.ExpiresAtMs,
            Promised = row.Promised,
            Waits = row.Waits,
            Waited = row.Wait is { IsOver: true, Wait.AtPing: true },
            MaxCopies = row.MaxCopies,
            NextCopyNo = row.Copies.Count == 0 ? 1 : row.Copies.Max(copy => copy.Id.No) + 1,
            Reason = row.Reason,
        };

        int PlaceOf(CopyRow copy) => Array.IndexOf(later, copy) is >= 0 and var place ? record.Bids.Length + place : PlaceInRecord(record, copy);

        Slot SlotOf(CopyRow copy) => new(copy.OfferId, SharingOf(copy), copy.Payout, PlaceOf(copy), copy.Price, copy.Id.No, copy.State switch
        {
            CopyState.Held => SlotState.Held,
            CopyState.InDoubt => SlotState.InDoubt,
            CopyState.Captured or CopyState.Reversed => SlotState.Captured,
            _ => SlotState.Lost,
        }) { RedirectUrl = copy.RedirectUrl, LostBy = copy.Reason };
    }

    /// <summary>The place of a copy's bid among the ping's own; -1: a later walk made it.</summary>
    public static int PlaceInRecord(PingRecord record, CopyRow copy)
    {
        if (!Array.Exists(record.Offers, offer => offer.OfferId == copy.OfferId)) return -1;
        return Array.FindIndex(record.Bids, bid => bid.Campaign == copy.Campaign && bid.Sharing == SharingOf(copy) && bid.Bid >= copy.Price);
    }

    private static Sharing SharingOf(CopyRow copy) => copy.Exclusive ? Sharing.Exclusive : Sharing.Shared;

    /// <summary>Campaigns of later walks, of the catalog of this moment or, archived since, of the last one that had them.</summary>
    private static async Task<Dictionary<string, CampaignModel>> CampaignsAsync(LeadServices services, CopyRow[] copies, long oldest)
    {
        var found = new Dictionary<string, CampaignModel>(StringComparer.Ordinal);
        var model = services.Catalog.Current;
        // A silo may be behind the catalog that the lead was made on.
        for (var version = Math.Max(model.Version, oldest); version >= oldest && copies.Any(copy => !found.ContainsKey(copy.Campaign)); version--)
        {
            model = await services.Catalog.ModelAsync(version, CancellationToken.None);
            foreach (var copy in copies) if (model.Campaigns.TryGetValue(copy.Campaign, out var campaign)) found.TryAdd(copy.Campaign, campaign);
        }
        return found;
    }
}

/// <summary>
/// A crash may lose the ping records of the last moments, and a lead may wait longer than they are kept; its rows are there. What its copies say and what is
/// sealed with it is enough to bring it to its end; only the ranks after them are gone.
/// </summary>
public static class LostRecord
{
    /// <param name="model">Of the lead's catalog version: every campaign with a copy of the ping's own bids is in it.</param>
    /// <param name="values">What was pinged, by that version; empty where the lead was posted and its own values count.</param>
    /// <param name="payload">What is sealed with the lead.</param>
    public static PingRecord From(LeadRow row, CatalogModel model, FieldValue[] values, LeadPayload payload)
    {
        var copies = row.Copies.Where(copy => model.Campaigns.ContainsKey(copy.Campaign)).ToArray();
        var tree = copies is [{ Trees: [var outermost, ..] }, ..] && model.Trees.TryGetValue(outermost, out var found) ? found : null;
        var bids = copies.Select(copy => new RankedBid(
            TierOf(tree, copy), model.Campaigns[copy.Campaign], copy.Exclusive ? Sharing.Exclusive : Sharing.Shared, copy.Price, copy.Price, true)).ToArray();
        return new PingRecord
        {
            Id = row.Id, AtMs = row.AtMs, Publisher = row.Publisher, Vertical = row.Vertical, Tree = tree?.Id, SubId = row.SubId, Channel = row.Channel,
            CatalogVersion = row.CatalogVersion, Seed = 0, MinPayout = Money.Zero, MaxCopies = row.MaxCopies, Values = values, Bids = bids,
            Tags = payload.Tags, SoldElsewhereCopies = payload.SoldElsewhereCopies, SoldElsewhereSellers = payload.SoldElsewhereSellers,
            Offers = [.. copies.Select((copy, i) => (copy, i)).GroupBy(pair => pair.copy.OfferId).Select(group => group.MaxBy(pair => pair.copy.Id.No))
                .Select(pair => new Offer(pair.copy.OfferId, pair.i, bids[pair.i].Sharing, pair.copy.Price, pair.copy.Payout, bids[pair.i].Seller, true))],
            Notes = [], Turns = [], ExpiresAtMs = row.IsPosted ? row.AtMs : row.OfferUntilMs, Outcome = Reason.None,
        };
    }

    private static int TierOf(TreeModel? tree, CopyRow copy)
    {
        for (var i = 0; i < tree?.Tiers.Count; i++) if (tree.Tiers[i].RotationKey == copy.Tier) return i;
        return 0;
    }
}
