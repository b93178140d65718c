using Exchange.Engine;
using Exchange.Engine.Fields;
using Exchange.Engine.Filters;
using Exchange.Engine.Leads;
using Exchange.Engine.Ledger;
using Exchange.Engine.Values;
using Exchange.Grains.Intake;
using Exchange.Storage;

namespace Exchange.Grains.Leads;

/// <summary>
/// What one activation remembers of its lead. It is changed behind the gate only, and forgotten whenever the rows may say otherwise: they are the truth, this
/// spares reading them.
/// </summary>
internal sealed class LeadMemory(LeadServices services, LeadId id)
{
    private readonly SemaphoreSlim gate = new(1, 1);
    // By the copy's number: the moment of the item that held it.
    private readonly Dictionary<int, long> heldAt = [];
    private SaleWorld? world;
    private IReadOnlyList<InputError> warnings = [];
    // Of a lead that was read from its rows: the copies of its recorded answer, which names offers that have no row.
    private IReadOnlyList<CopyAnswer> recorded = [];
    // What is recorded with an outcome is what is answered a moment later: written once.
    private LeadSale? toldOf;
    private PostReply? told;

    public LeadId Id => id;

    /// <summary>Null, or with a first write that is not done: not known here, the rows tell it.</summary>
    public LeadSale? Sale { get; set; }

    public LeadRow? Row { get; set; }

    /// <summary>Of a lead that was read or begun: the rest of the world as it is now.</summary>
    public SaleContext Context => world!.Context(Now);

    public SaleWorld World => world!;

    public bool IsKnown => Sale is { First: null };

    /// <summary>How long its vertical lets a post take; null: not known yet.</summary>
    public TimeSpan? LongestPost => world is not null && Sale is not null ? world.AtPing.Verticals[Sale.Record.Vertical].PostDeadline : null;

    private DateTimeOffset Now => services.Time.GetUtcNow();

    /// <summary>What is known here was made by this publisher's body: the pump may have brought back a lead that another made.</summary>
    public bool IsKnownAs(PostCommand command) => IsKnown && Row!.Publisher == command.Publisher && Row.PostHash.AsSpan().SequenceEqual(command.BodyHash);

    /// <summary>One change at a time: whoever is in keeps the others out until it leaves.</summary>
    public async Task<Passage> EnterAsync()
    {
        await gate.WaitAsync();
        return new(gate);
    }

    /// <summary>A post that may be sold; nothing of it is durable yet.</summary>
    public void Begin(PreparedPost post)
    {
        (Sale, world, Row, warnings) = (post.Sale, post.World, post.Row, post.Warnings);
        recorded = [];
        heldAt.Clear();
    }

    /// <summary>The lead as its rows tell it. False: there is none.</summary>
    public async Task<bool> RestoreAsync()
    {
        Row = await services.Store.Leads.FindAsync(id, CancellationToken.None);
        heldAt.Clear();
        if (Row is null) return false;
        foreach (var copy in Row.Copies) heldAt[copy.Id.No] = copy.AtMs;
        var atPing = await services.Catalog.ModelAsync(Row.CatalogVersion, CancellationToken.None);
        var record = await services.Store.Pings.FindAsync(id, services.Catalog.ModelAsync, CancellationToken.None) ?? LostRecord.From(Row, atPing, [], LeadPayload.Of(services.Store.Vault, Row));
        (Sale, world) = await RestoredSale.FromAsync(services, Row, record, atPing);
        var answer = Row.Answer is { } written ? LeadAnswer.FromJson(written) : null;
        warnings = answer?.Warnings ?? [];
        recorded = answer?.Copies ?? [];
        return true;
    }

    /// <summary>It is read anew, without what it held.</summary>
    public void Forget()
    {
        (Sale, Row, world, toldOf, told) = (null, null, null, null, null);
        heldAt.Clear();
    }

    /// <summary>This item is durable.</summary>
    public void Done(JournalItem item)
    {
        // The row as it is stored: whoever sends this lead again says the same of it.
        if (item.New is not null || item.Post is not null) Row = Row! with { AtMs = item.AtMs };
        foreach (var copy in item.Starts) heldAt[copy.No] = item.AtMs;
    }

    /// <summary>False of a copy that was held at its ping, until the lead is read from its rows.</summary>
    public bool KnowsWhenHeld(int copyNo) => heldAt.ContainsKey(copyNo);

    /// <summary>An open copy as its row would tell it.</summary>
    public CopyRow CopyOf(Slot slot)
    {
        var bid = Sale!.BidAt(slot.BidIndex);
        return new(new(id, slot.CopyNo), slot.OfferId, bid.Campaign, bid.Buyer, bid.Company, slot.Sharing == Sharing.Exclusive,
            slot.State == SlotState.InDoubt ? CopyState.InDoubt : CopyState.Held, slot.Price, slot.Payout, heldAt.GetValueOrDefault(slot.CopyNo, Row!.AtMs), Reason.None, null, null);
    }

    public bool IsOpen(int copyNo) => Sale?.SlotOfCopy(copyNo) is { State: SlotState.Held or SlotState.InDoubt };

    /// <summary>What its publisher is told of it in this state.</summary>
    public PostReply ReplyOf(LeadSale state)
    {
        if (ReferenceEquals(toldOf, state)) return told!;
        var answer = LeadAnswers.Of(state, services.Catalog.Current.Currency, warnings, recorded);
        (toldOf, told) = (state, new(answer.HttpStatus, answer.ToJson(), null) { Written = answer });
        return told;
    }

    /// <summary>What is recorded with the item that brings it to this state: how it ended, or what of an open lead nobody could tell by its rows. Null: the rows say all.</summary>
    public byte[]? RecordOf(LeadSale state) => state.State != LeadState.Pending || LeadAnswers.SaysMoreThanRows(state, warnings) ? ReplyOf(state).Answer : null;

    /// <summary>What its publisher is told of it now.</summary>
    public PostReply Reply() => ReplyOf(Sale!);
}

/// <summary>Lets the next one in when it is disposed of, once.</summary>
internal readonly struct Passage(SemaphoreSlim gate) : IDisposable
{
    public void Dispose() => gate.Release();
}
