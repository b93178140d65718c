using Exchange.Engine.Ledger;
using Exchange.Simulation.Store;
using Exchange.Simulation.World;

namespace Exchange.Simulation.PlantedBugs;

/// <summary>Mistakes about what is durable.</summary>
internal static class Commits
{
    public static IReadOnlyList<PlantedBug> All { get; } =
    [
        new("acknowledged before the commit", () => new Early()),
        new("a commit that never arrived taken for done", () => new Lost()),
        new("verdicts of a batch handed to the wrong callers", () => new Crossed()),
        new("commits of the last moment gone with the crash (no fsync)", () => new Unsynced()),
        new("a torn item: the lead without its copies", () => new Torn()),
        new("the recorded answer not written", () => new Unanswered()),
    ];

    private sealed class Early : Seams
    {
        public override Verdict? ToldAtOnce(JournalItem item) => new(VerdictCode.Done);
    }

    private sealed class Lost : Seams
    {
        public override bool LostIsDone => true;
    }

    private sealed class Crossed : Seams
    {
        public override int VerdictOf(int index, int count) => (index + 1) % count;
    }

    private sealed class Unsynced : Seams
    {
        public override void Crashed(SimWorld world)
        {
            foreach (var lead in world.Database.Leads.Where(lead => lead.AtMs > world.Loop.NowMs - 200).ToArray()) world.Database.Lose(lead);
        }
    }

    private sealed class Torn : Seams
    {
        public override SimDatabase NewDatabase() => new Rows();

        private sealed class Rows : SimDatabase
        {
            private int starts;

            protected override void WriteStart(LeadEntry lead, ItemPlan plan, NewCopy start, string owner, News news)
            {
                if (++starts % 4 != 0) base.WriteStart(lead, plan, start, owner, news);
            }
        }
    }

    private sealed class Unanswered : Seams
    {
        public override JournalItem Submitted(JournalItem item) => item with { Answer = null };
    }
}
