using Exchange.Engine;
using Exchange.Engine.Ledger;
using Exchange.Engine.Values;
using Exchange.Grains.Leads;
using Exchange.Simulation.Store;
using Exchange.Simulation.World;
using Exchange.Storage;

namespace Exchange.Simulation.Checks;

/// <summary>What people did to leads after their post, and what it came to.</summary>
internal static class LaterOn
{
    public static void Check(SimWorld world)
    {
        Returns(world);
        Quotas(world);
        foreach (var (copy, accepted) in world.Witness.Done)
            if (StateOf(world, copy) is var state && (accepted ? state is not (CopyState.Captured or CopyState.Reversed) : state != CopyState.Voided))
                world.Violates("I5", $"{copy} was told {(accepted ? "accepted" : "rejected")} and is {state}");
        foreach (var (id, field) in world.Witness.Added)
            if (world.Database.Find(id) is { ErasedMs: null } lead && Recount.FieldOf(lead, field) is null) world.Violates("I3", $"{id} was told to have got {field} and has not");
        Erasures(world);
        Duplicates(world);
    }

    /// <summary>Nobody is called a duplicate of nobody, whatever marks said.</summary>
    private static void Duplicates(SimWorld world)
    {
        foreach (var same in world.Database.Leads.Where(lead => lead.OfferUntilMs == 0).GroupBy(lead => Recount.FieldOf(lead, "phone")))
            if (same.All(lead => lead is { State: LeadState.Unsold, Reason: Reason.Duplicate })) world.Violates("I5", $"{same.First().Id} is a duplicate of nobody");
    }

    /// <summary>What is accepted is back, once and all of it; what is not is sold as before.</summary>
    private static void Returns(SimWorld world)
    {
        foreach (var row in world.Database.Returns)
        {
            var isBack = StateOf(world, row.Copy) == CopyState.Reversed;
            if (isBack != (row.Status == ReturnStatus.Accepted)) world.Violates("I15", $"{row.Copy} is {StateOf(world, row.Copy)}, its return is {row.Status}");
            if (isBack && KeptBy(world, row.Copy) != (world.Database.Find(row.Copy.Lead)!.Publisher == "q")) world.Violates("I15", $"{row.Copy} came back and its payout is not where its publisher's terms say");
        }
        foreach (var lead in world.Database.Leads)
            foreach (var copy in lead.Copies)
                if (copy.State == CopyState.Reversed && !world.Database.Returns.Exists(row => row.Copy == new CopyId(lead.Id, copy.No))) world.Violates("I15", $"{lead.Id}.{copy.No} is back and nobody asked for it");
        foreach (var told in world.Witness.Returns.Where(told => told.Status == ReturnStatus.Accepted).GroupBy(told => told.Copy))
            if (told.Count() > 1) world.Violates("I15", $"{told.Key} was told returned {told.Count()} times");
        if (world.Database.Returns.GroupBy(row => row.Copy).FirstOrDefault(same => same.Count() > 1) is { } twice) world.Violates("I15", $"{twice.Key} was returned {twice.Count()} times");
    }

    /// <summary>The publisher's bookings of a copy that came back come to its payout.</summary>
    private static bool KeptBy(SimWorld world, CopyId copy)
    {
        var lead = world.Database.Find(copy.Lead)!;
        var payout = lead.Copies.Find(row => row.No == copy.No)!.Payout;
        var account = "publisher:" + lead.Publisher;
        long has = 0;
        foreach (var (no, transfer) in lead.Transfers)
        {
            if (no != copy.No) continue;
            if (transfer.Credit == account) has += transfer.Amount.Micros;
            if (transfer.Debit == account) has -= transfer.Amount.Micros;
        }
        return has == payout.Micros && payout > Money.Zero;
    }

    /// <summary>Buyer b may give back half of what it bought in the month, no world lasts longer.</summary>
    private static void Quotas(SimWorld world)
    {
        var sold = world.Database.Leads.SelectMany(lead => lead.Copies).Count(copy => copy is { Buyer: "b", State: CopyState.Captured or CopyState.Reversed });
        var back = world.Database.Returns.Count(row => row.Buyer == "b" && row.Status != ReturnStatus.Refused);
        if (back > sold / 2) world.Violates("I15", $"b gave back {back} of {sold}");
    }

    /// <summary>Erased is erased, and nobody whose person was erased before its post was sent is sold.</summary>
    private static void Erasures(SimWorld world)
    {
        foreach (var lead in world.Database.Leads)
            if (lead.ErasedMs is not null && lead.Sealed.Length > 0) world.Violates("I25", $"{lead.Id} was erased and has a payload");
        foreach (var (key, claimed) in world.Database.Requests)
        {
            if (world.Database.Find(claimed.Lead) is not { OfferUntilMs: 0 } lead || !world.Witness.Begun.TryGetValue(key, out var begunMs) || Recount.FieldOf(lead, "phone") is not { } phone) continue;
            var hmac = Convert.ToHexString(SimVault.Instance.PersonHash("suppressed:phone", phone));
            if (world.Database.Suppressed.TryGetValue(hmac, out var sinceMs) && sinceMs < begunMs && lead.Copies.Exists(copy => copy.IsOpen)) world.Violates("I25", $"{lead.Id} is of a person who had been erased, and is sold");
        }
    }

    private static CopyState? StateOf(SimWorld world, CopyId copy) => world.Database.Find(copy.Lead)?.Copies.Find(row => row.No == copy.No)?.State;
}
