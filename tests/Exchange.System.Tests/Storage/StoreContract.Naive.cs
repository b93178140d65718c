using CsCheck;
using Exchange.Engine;
using Exchange.Engine.Caps;
using Exchange.Engine.Ledger;
using Exchange.Engine.Values;
using Exchange.Storage;
using Shouldly;
using static Exchange.System.Tests.Storage.Sample;

namespace Exchange.System.Tests.Storage;

public abstract partial class StoreContract
{
    private sealed record Happening(int Kind, int Lead, int No, bool OfB, int Person, int Window, int Body);

    [Fact]
    public async Task Items_Random_VerdictsAndRowsAreTheNaiveTwins()
    {
        var happening = Gen.Select(Gen.Int[0, 15], Gen.Int[0, 3], Gen.Int[1, 3], Gen.Bool, Gen.Int[0, 3], Gen.Int[0, 2], Gen.Int[0, 1],
            (kind, lead, no, ofB, person, window, body) => new Happening(kind, lead, no, ofB, person, window, body));
        var run = 0;
        var told = new Dictionary<string, int>(StringComparer.Ordinal);
        await happening.Array[1, 80].SampleAsync(async happenings =>
        {
            var n = Interlocked.Increment(ref run);
            var limits = TwinLimits(n);
            await Store.ApplyAsync(limits);
            var naive = new NaiveStore(id => limits.First(limit => limit.Id == id).Limit);
            var items = happenings.Select((happening, i) => ItemOf(happening, n, i, limits)).ToArray();

            // All at once: the store makes what batches it likes.
            var verdicts = await Task.WhenAll(items.Select(item => Outcome(Store.SubmitAsync(item))).ToArray());

            var expected = items.Select(item => Naive(naive, item)).ToArray();
            verdicts.Select(WithoutExisting).ShouldBe(expected);
            foreach (var verdict in expected) told[verdict.Split(' ')[0]] = told.GetValueOrDefault(verdict.Split(' ')[0]) + 1;
            if (naive.Leads.Values.Any(lead => lead.Copies.Exists(copy => copy.State == CopyState.Reversed))) told["returned"] = 1;
            await SameRows(naive, n, limits);
        }, iter: 300, threads: 1);
        // The runs came everywhere: a twin that is only ever asked the easy things proves nothing.
        foreach (var code in new[] { "Done", "Refused", "AlreadyThere", "PersonSeen", "EndedOtherwise", "AlreadyPosted", "NoFreeCopy", "broken", "returned" })
            told.ShouldContainKey(code);
    }

    private static LimitModel[] TwinLimits(int run) =>
    [
        Gate($"open:a1:t{run}", CapScope.Campaign, "a1"), Gate($"open:b1:t{run}", CapScope.Campaign, "b1"),
        DayCap($"c:a1:t{run}", CapScope.Campaign, "a1", 2), DayCap($"p:p:t{run}", CapScope.Publisher, "p", 3), DayCap($"c:b1:t{run}", CapScope.Campaign, "b1", 2, kept: true),
    ];

    private static JournalItem ItemOf(Happening what, int run, int step, LimitModel[] limits)
    {
        // A day and leads of its own for each run; a minute between steps, so that some windows reach back and others do not.
        var at = Now + (1000 + run) * Day * 1000 + step * 60_000;
        var lead = Lead(1_000_000 + run * 10 + what.Lead);
        PersonClaim Claim(string scope) => new(scope, Hash($"t{run}-{what.Person}"), at - what.Window * 5 * 60_000);
        PersonClaim[] mine = what.Person < 2 ? [Claim("auto")] : [];
        NewCopy Start(int no, CopyMove move, bool ofB) => Copy(no, limits, move, ofB ? "b" : "a", exclusive: what is { Person: 3, Body: 1 }, atMs: at) with
        {
            Persons = what.Person is 1 or 2 ? [Claim(ofB ? "b:b" : "b:a")] : [],
        };
        CopyEnd Ended(CopyEnd end) => end with { Persons = what.Person is 1 or 2 ? [Claim(what.OfB ? "b:b" : "b:a")] : [] };
        var body = what.Body == 0 ? "x" : "y";
        var item = what.Kind switch
        {
            0 or 1 => Offer(lead, what.No == 1 ? [Start(1, CopyMove.Hold, what.OfB)] : [Start(1, CopyMove.Hold, what.OfB), Start(2, CopyMove.Hold, !what.OfB)], 2),
            2 => Post(lead, [Start(1, CopyMove.Sell, what.OfB)], body: body, persons: mine, maxCopies: 2),
            3 => Post(lead, [Start(1, CopyMove.Hold, what.OfB)], body: body, persons: mine, maxCopies: 2),
            4 => PostOf(lead, [Ended(Capture(1))], body: body, persons: mine, maxCopies: 2),
            5 => PostOf(lead, [Ended(Capture(what.No == 1 ? 1 : 2)), Expire(what.No == 1 ? 2 : 1)], body: body, persons: mine, maxCopies: 2),
            6 => PostOf(lead, [Ended(Call(1)), Expire(2)], body: body, persons: mine, maxCopies: 2, state: LeadState.Open),
            7 => PostOf(lead, [Expire(1), Expire(2)], body: body, maxCopies: 2, state: LeadState.Unsold) with { ReleasePersons = true },
            8 => PostOf(lead, [Expire(1)], body: body, persons: mine, maxCopies: 2, starts: [Start(3, CopyMove.Sell, what.OfB)]),
            9 => Swept(lead, what.No == 1 ? [1] : [1, 2]),
            10 => End(lead, CopyMove.Void, what.No, starts: [Start(what.No + 1, CopyMove.Hold, what.OfB)]),
            11 => End(lead, what.OfB ? CopyMove.Capture : CopyMove.Doubt, what.No),
            12 => End(lead, CopyMove.Void, what.No, what.OfB ? LeadState.Open : LeadState.Unsold, release: !what.OfB),
            13 => new JournalItem { Lead = lead, AtMs = at, Ends = [Ended(Call(what.No))], State = LeadState.Open },
            _ => Return(lead, what.No, what.OfB ? "b" : "a"),
        };
        return item with { AtMs = at };
    }

    private static string Naive(NaiveStore naive, JournalItem item)
    {
        try
        {
            var verdict = naive.Apply(item);
            return $"{verdict.Code} {verdict.CopyIndex} {verdict.TakeIndex}";
        }
        catch (InvariantException) { return "broken"; }
    }

    private static string WithoutExisting(string outcome) => string.Join(' ', outcome.Split(' ').Take(3));

    private async Task SameRows(NaiveStore naive, int run, LimitModel[] limits)
    {
        foreach (var (id, lead) in naive.Leads)
        {
            var row = (await Store.Leads.FindAsync(id, default)).ShouldNotBeNull();
            (row.State, row.Reason, row.IsPosted, row.MaxCopies, Convert.ToHexString(row.PostHash)).ShouldBe((lead.State, lead.Reason, lead.Post is not null, lead.MaxCopies, lead.Post ?? ""));
            row.Copies.Select(copy => (copy.Id.No, copy.State, copy.Called))
                .ShouldBe(lead.Copies.OrderBy(copy => copy.Made.No).Select(copy => (copy.Made.No, copy.State, copy.Called)));
        }
        for (var i = 0; i < 4; i++)
            if (!naive.Leads.ContainsKey(Lead(1_000_000 + run * 10 + i))) (await Store.Leads.FindAsync(Lead(1_000_000 + run * 10 + i), default)).ShouldBeNull();
        var at = Now / 1000 + (1000 + run) * Day;
        var counters = (await Store.Catalog.ReadCountersAsync(at * 1000, default)).ToDictionary(counter => counter.Key);
        foreach (var limit in limits.Where(limit => limit.Kind == LimitKind.Cap))
        {
            var key = limit.KeyAt(at, out _);
            var counter = counters.GetValueOrDefault(key);
            (counter.Used, counter.Held).ShouldBe(naive.Counters.GetValueOrDefault(key), key);
        }
        var persons = await Store.Counts.RecentPersonsAsync(1_000_000, default);
        persons.Where(person => person.AtMs >= at * 1000).Select(person => (Who: NaiveStore.Who(person.Scope, person.Hmac), person.AtMs)).OrderBy(person => person.Who)
            .ShouldBe(naive.Persons.OrderBy(person => person.Who));
    }
}
