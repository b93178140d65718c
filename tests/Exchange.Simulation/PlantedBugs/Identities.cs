using Exchange.Engine.Ledger;
using Exchange.Engine.Values;
using Exchange.Simulation.Store;
using Exchange.Simulation.World;

namespace Exchange.Simulation.PlantedBugs;

/// <summary>Mistakes about who asked, and whom it is about.</summary>
internal static class Identities
{
    public static IReadOnlyList<PlantedBug> All { get; } =
    [
        new("idempotency keys without their publisher", () => new Rows(static () => new KeyOfAnybody())),
        new("idempotency keys forgotten", () => new Rows(static () => new KeysForgotten())),
        new("another body under the same key answered as the first", () => new Rows(static () => new AnyBody())),
        new("a person's claim forgotten", () => new Rows(static () => new PersonsForgotten())),
        new("a person's claim freed with one refused copy", () => new Rows(static () => new PersonsFreed())),
        new("posted twice under two bodies", () => new Rows(static () => new PostedTwice())),
    ];

    private sealed class Rows(Func<SimDatabase> make) : Seams
    {
        public override SimDatabase NewDatabase() => make();
    }

    private sealed class KeyOfAnybody : SimDatabase
    {
        public override ClaimedRequest? FindRequest(string publisher, string key) => base.FindRequest("", key);
        protected override void Claim(RequestClaim request, LeadId lead) => base.Claim(request with { Publisher = "" }, lead);
    }

    private sealed class KeysForgotten : SimDatabase
    {
        protected override void Claim(RequestClaim request, LeadId lead) { }
    }

    private sealed class AnyBody : SimDatabase
    {
        public override ClaimedRequest? FindRequest(string publisher, string key) => base.FindRequest(publisher, key) is { } claimed && bodies.TryGetValue(key, out var last) ? claimed with { Hash = last } : null;

        private readonly Dictionary<string, byte[]> bodies = new(StringComparer.Ordinal);

        public override Verdict Apply(JournalItem item, string owner, News news)
        {
            foreach (var request in item.Requests) bodies[request.Key] = request.BodyHash;
            return base.Apply(item, owner, news);
        }
    }

    private sealed class PersonsForgotten : SimDatabase
    {
        public PersonsForgotten() => Persons.Keeps = static _ => false;
    }

    /// <summary>What the lead claimed is freed when one of its copies falls out.</summary>
    private sealed class PersonsFreed : SimDatabase
    {
        protected override void Write(ItemPlan plan, string owner, News news)
        {
            base.Write(plan, owner, news);
            if (plan.Ends.Exists(end => end.Closes)) Persons.FreeAll(plan.Item.Lead, news);
        }
    }

    /// <summary>A lead that is there already is taken for a new one.</summary>
    private sealed class PostedTwice : SimDatabase
    {
        public override Verdict Apply(JournalItem item, string owner, News news)
        {
            if (item.New is { } made && Find(item.Lead) is { } there && !there.PostHash.AsSpan().SequenceEqual(made.PostHash)) Lose(there);
            return base.Apply(item, owner, news);
        }
    }
}
