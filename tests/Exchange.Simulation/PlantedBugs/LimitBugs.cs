using Exchange.Engine.Ledger;
using Exchange.Simulation.Store;
using Exchange.Simulation.World;

namespace Exchange.Simulation.PlantedBugs;

/// <summary>Mistakes about caps, balances and the money in them.</summary>
internal static class LimitBugs
{
    public static IReadOnlyList<PlantedBug> All { get; } =
    [
        new("a cap read, then written (check and act apart)", () => new ReadThenWrite()),
        new("a cap that lets one too many through", () => new Rows(() => new OneTooMany())),
        new("holds not counted against the cap", () => new Rows(() => new HoldsFree())),
        new("the balance not held", () => new NotTaken("bal:")),
        new("a campaign's gate not taken: paused and sold", () => new Rows(() => new OpenGates())),
        new("a publisher's cap not taken", () => new NotTaken("c:", "p:")),
        new("void without giving back", () => new Rows(() => new VoidKeeps())),
        new("given back twice when a void is repeated", () => new Rows(() => new VoidTwice())),
        new("capture leaves the hold standing", () => new Rows(() => new CaptureKeeps())),
        new("caps begin anew when a silo restarts", () => new Reset()),
        new("UTC day for local day", () => new UtcDay()),
        new("margin not booked", () => new Booked(transfers => [.. transfers.Where(transfer => transfer.Kind != "margin")])),
        new("booked twice", () => new Booked(transfers => [.. transfers, .. transfers])),
        new("payout a cent below the promise", () => new Cheaper()),
        new("the publisher's payout sent to the house", () => new Booked(transfers => [.. transfers.Select(transfer => transfer with { Credit = "house" })])),
    ];

    private sealed class Rows(Func<SimDatabase> make) : Seams
    {
        public override SimDatabase NewDatabase() => make();
    }

    /// <summary>Takes what is not looked at: moves the counters whatever they say.</summary>
    private abstract class Unfenced : SimDatabase
    {
        protected abstract bool Fits(Counter counter, long amount);

        protected override Verdict Pass(ItemPlan plan)
        {
            foreach (var (index, start) in plan.Starts)
                for (var t = 0; t < start.Takes.Length; t++)
                    if (Counters.Find(start.Takes[t]) is not { } counter || !Fits(counter, start.Takes[t].Amount)) return new(VerdictCode.Refused, index, t);
            foreach (var end in plan.Ends)
                if (end.MovesCounters)
                    foreach (var (counter, amount) in ((CopyEntry)end.Copy).Takes) counter.Row.Move(end.End.Move == CopyMove.Capture ? amount : 0, -amount);
            foreach (var (_, start) in plan.Starts)
                foreach (var take in start.Takes)
                    Counters.Find(take)!.Move(start.Move == CopyMove.Sell ? take.Amount : 0, start.Move == CopyMove.Hold ? take.Amount : 0);
            return new(VerdictCode.Done);
        }
    }

    private sealed class OneTooMany : Unfenced
    {
        protected override bool Fits(Counter counter, long amount) => counter.Limit >= 0 && (amount == 0 || counter.Used + counter.Held <= counter.Limit);
    }

    private sealed class HoldsFree : Unfenced
    {
        protected override bool Fits(Counter counter, long amount) => counter.Used + amount <= counter.Limit;
    }

    private sealed class OpenGates : Unfenced
    {
        protected override bool Fits(Counter counter, long amount) => amount == 0 || counter.Fits(amount);
    }

    /// <summary>What fitted when it was submitted fits.</summary>
    private sealed class ReadThenWrite : Seams
    {
        private readonly HashSet<JournalItem> fitted = new(ReferenceEqualityComparer.Instance);
        private SimDatabase? database;

        public override SimDatabase NewDatabase() => database = new Late(fitted);

        public override JournalItem Submitted(JournalItem item)
        {
            if (item.Starts.All(start => start.Takes.All(take => database!.Counters.Find(take)?.Fits(take.Amount) == true))) fitted.Add(item);
            return item;
        }

        private sealed class Late(HashSet<JournalItem> fitted) : Unfenced
        {
            private bool known;

            protected override Verdict Pass(ItemPlan plan)
            {
                known = fitted.Contains(plan.Item);
                return base.Pass(plan);
            }

            protected override bool Fits(Counter counter, long amount) => known || counter.Fits(amount);
        }
    }

    private sealed class NotTaken(params string[] limits) : Seams
    {
        private static bool Is(string limit, string[] limits) => limits.Length == 1 ? limit.StartsWith(limits[0], StringComparison.Ordinal)
            : limit.StartsWith(limits[1], StringComparison.Ordinal);

        public override JournalItem Submitted(JournalItem item) =>
            item with { Starts = [.. item.Starts.Select(start => start with { Takes = [.. start.Takes.Where(take => !Is(take.LimitId, limits))] })] };
    }

    private sealed class VoidKeeps : SimDatabase
    {
        protected override Verdict Pass(ItemPlan plan)
        {
            var verdict = base.Pass(plan);
            if (verdict.Code == VerdictCode.Done)
                foreach (var end in plan.Ends)
                    if (end.End.Move == CopyMove.Void) foreach (var (counter, amount) in ((CopyEntry)end.Copy).Takes) counter.Row.Move(0, amount);
            return verdict;
        }
    }

    private sealed class VoidTwice : SimDatabase
    {
        public override Verdict Apply(JournalItem item, string owner, News news)
        {
            var verdict = base.Apply(item, owner, news);
            if (verdict.Code == VerdictCode.AlreadyThere)
                foreach (var end in item.Ends)
                    if (end.Move == CopyMove.Void) foreach (var (counter, amount) in Find(item.Lead)!.Copies.Find(copy => copy.No == end.No)!.Takes) counter.Row.Move(0, -amount);
            return verdict;
        }
    }

    private sealed class CaptureKeeps : SimDatabase
    {
        protected override Verdict Pass(ItemPlan plan)
        {
            var verdict = base.Pass(plan);
            if (verdict.Code == VerdictCode.Done)
                foreach (var end in plan.Ends)
                    if (end.End.Move == CopyMove.Capture) foreach (var (counter, amount) in ((CopyEntry)end.Copy).Takes) counter.Row.Move(0, amount);
            return verdict;
        }
    }

    private sealed class Reset : Seams
    {
        public override void Crashed(SimWorld world)
        {
            foreach (var row in world.Database.Counters.All) row.Row.Move(-row.Row.Used, -row.Row.Held);
        }
    }

    /// <summary>The window of a day's cap begins at UTC midnight.</summary>
    private sealed class UtcDay : Seams
    {
        public override JournalItem Submitted(JournalItem item) => item with
        {
            Starts = [.. item.Starts.Select(start => start with { Takes = [.. start.Takes.Select(take => take.LimitId.Contains(":day:", StringComparison.Ordinal)
                ? take with { Key = take.Key[..(take.Key.LastIndexOf(':') + 1)] + (item.AtMs / 86_400_000 * 86_400) } : take)] })],
        };
    }

    private sealed class Booked(Func<Transfer[], Transfer[]> change) : Seams
    {
        public override JournalItem Submitted(JournalItem item) => item with
        {
            Starts = [.. item.Starts.Select(start => start with { Transfers = change(start.Transfers) })],
            Ends = [.. item.Ends.Select(end => end with { Transfers = change(end.Transfers) })],
        };
    }

    private sealed class Cheaper : Seams
    {
        public override JournalItem Submitted(JournalItem item) => item with
        {
            Starts = [.. item.Starts.Select(start => start with { Payout = new(start.Payout.Micros - 10_000) })],
        };
    }
}
