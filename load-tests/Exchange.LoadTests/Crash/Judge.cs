using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace Exchange.LoadTests.Crash;

/// <summary>One thing that must not be, with the ids it is about.</summary>
internal sealed record Violation(string Kind, string What);

/// <summary>Joins what publishers were told, what buyers received and what the database holds.</summary>
internal static class Judge
{
    public const string Lost = "acknowledged sales lost", Twice = "sold twice", Caps = "caps broken", Answers = "answers differ", Deliveries = "deliveries lost",
        Unsettled = "not settled", Returns = "returns lost", Copies = "copies differ", Postbacks = "postbacks lost", Erasures = "erasures undone";
    /// <summary>A call that was under way when its lead was erased cannot be called back: so long it may take.</summary>
    private static readonly TimeSpan UnderWay = TimeSpan.FromSeconds(5);

    /// <summary>Every kind, in the order they are told.</summary>
    public static string[] Kinds { get; } = [Lost, Twice, Caps, Answers, Deliveries, Unsettled, Returns, Copies, Postbacks, Erasures];

    public static bool CountsAtTheCap(BookedCopy copy) =>
        copy.Campaign == CrashMarket.Capped && copy.State is BookedCopy.Held or BookedCopy.InDoubt or BookedCopy.Captured or BookedCopy.Reversed;

    /// <param name="cap">The highest that <see cref="CrashMarket.Capped"/> may have been given.</param>
    /// <param name="stillTold">What the exchange still tells of persons who were forgotten.</param>
    public static IReadOnlyList<Violation> Run(IReadOnlyCollection<Post> posts, IReadOnlyDictionary<string, ReceivedCopy> received, IEnumerable<ReceivedPostback> told, InboxReader inbox, Books books, int cap, Office office, IEnumerable<string> stillTold)
    {
        var found = new List<Violation>();
        var copiesOf = books.Copies.ToLookup(copy => copy.Lead);
        foreach (var post in posts)
        {
            if (post.Broken is { } broken) found.Add(new(Answers, $"{post.Key} {post.Market}: {broken}"));
            if (post is { Refused: not null, IsPingGone: false }) found.Add(new(Answers, $"{post.Key} {post.Market}: refused {post.Refused}"));
            if (post.Refused is not null)
            {
                if (books.LeadOfKey.ContainsKey(post.Key)) found.Add(new(Lost, $"{post.Key}: refused, and its lead {books.LeadOfKey[post.Key]} is there"));
                continue;
            }
            if (post.Final is not { } final) found.Add(new(post.OwedMicros > 0 ? Lost : Unsettled, $"{post.Key} {post.Market}: never a final answer"));
            else Compare(final, post);
        }
        SoldTwice();

        foreach (var over in books.OverLimit) found.Add(new(Caps, $"{over} is above its limit"));
        if (books.Copies.Count(CountsAtTheCap) is var capped && capped > cap) found.Add(new(Caps, $"{CrashMarket.Capped} sold {capped} of {cap}"));

        Delivered();
        foreach (var (lead, state) in books.LeadStates)
            if (state is Books.InDoubtLead or Books.PendingLead) found.Add(new(Unsettled, $"lead {lead} is {(state == Books.PendingLead ? "pending" : "in doubt")}"));
        foreach (var copy in inbox.Returned)
            if (books.Copies.Single(booked => booked.Id == copy).State != BookedCopy.Reversed) found.Add(new(Returns, $"copy {copy}: its return was accepted"));
        Told();
        Forgotten();
        return found;

        void Forgotten()
        {
            foreach (var words in stillTold) found.Add(new(Erasures, words));
            foreach (var (lead, erased) in office.Erasures)
            {
                if (books.WithContact.Contains(lead)) found.Add(new(Erasures, $"lead {lead} was erased, and something of its person is stored"));
                foreach (var copy in copiesOf[lead])
                    if (received.GetValueOrDefault(copy.Id) is { } seen && Stopwatch.GetElapsedTime(erased.At, seen.LastAt) is var after && after > UnderWay)
                        found.Add(new(Erasures, $"copy {copy.Id} came to {copy.Buyer} {after.TotalSeconds:0.0} s after its person was forgotten"));
            }
            foreach (var post in posts.Where(static post => post.MustNotSell))
                if (post.Final is not { Status: "unsold" } || post.OverHttp?.Text.Contains("suppressed", StringComparison.Ordinal) != true)
                    found.Add(new(Erasures, $"{post.Key} {post.Market}: its person was forgotten, and it is {post.Final?.Status ?? post.Refused ?? "not answered"}"));
        }

        // What waited when its person was forgotten was cancelled.
        bool IsCancelled(BookedCopy copy, IEnumerable<BookedDelivery> deliveries) => office.Erasures.ContainsKey(copy.Lead) && deliveries.All(static row => row.Status == BookedDelivery.Cancelled);

        // Everything that happened to a posted lead, each thing once, and nothing else.
        void Told()
        {
            var toldOf = told.ToLookup(postback => postback.Lead);
            var posted = books.LeadOfKey.Values.ToHashSet();
            foreach (var postback in toldOf.SelectMany(lead => lead)) if (postback.Differs) found.Add(new(Postbacks, $"{postback.Id} was told in two ways"));
            foreach (var (lead, state) in books.LeadStates)
            {
                if (state is not (Books.SoldLead or Books.UnsoldLead) || !posted.Contains(lead)) continue;
                var sold = copiesOf[lead].Where(copy => copy.IsSold).ToList();
                var taken = toldOf[lead].Where(postback => postback.Taken).ToLookup(postback => postback.Status);
                var back = sold.Where(copy => copy.State == BookedCopy.Reversed).Select(copy => $"{copy.Lead}-returned-{copy.No}").Order(StringComparer.Ordinal).ToList();
                var change = taken["sold"].Sum(postback => (long)(decimal.Parse(postback.Change, CultureInfo.InvariantCulture) * 1_000_000m));
                if (office.Erasures.ContainsKey(lead))
                {
                    // What its publisher was still to be told was cancelled.
                    if (change > sold.Sum(copy => copy.Payout) || taken["unsold"].Any() && state != Books.UnsoldLead || taken["returned"].Any(postback => !back.Contains(postback.Id)))
                        found.Add(new(Postbacks, $"lead {lead}, whose person was forgotten, was told of what did not happen"));
                    continue;
                }
                if (change != sold.Sum(copy => copy.Payout)) found.Add(new(Postbacks, $"lead {lead} pays {sold.Sum(copy => copy.Payout)}, told were {change}"));
                if (taken["unsold"].Count() != (state == Books.UnsoldLead ? 1 : 0)) found.Add(new(Postbacks, $"lead {lead} is in state {state}, told unsold {taken["unsold"].Count()} times"));
                if (!back.SequenceEqual(taken["returned"].Select(postback => postback.Id).Order(StringComparer.Ordinal))) found.Add(new(Postbacks, $"lead {lead} has returns that were not told, or others"));
            }
            foreach (var lead in toldOf) if (!books.LeadStates.ContainsKey(lead.Key)) found.Add(new(Postbacks, $"lead {lead.Key} was told of and is in no book"));
        }

        // What was answered is what is stored.
        void Compare(PostReply final, Post post)
        {
            var sold = copiesOf[final.Lead].Where(copy => copy.IsSold).ToList();
            if (books.LeadOfKey.GetValueOrDefault(post.Key) != final.Lead || final.Lead != post.Ping) found.Add(new(Lost, $"{post.Key}: its key names another lead than {final.Lead}"));
            if (final.Status == "unsold" && sold.Count > 0) found.Add(new(Twice, $"{post.Key}: unsold, but copy {sold[0].Id} is sold"));
            if (final.Status != "sold") return;
            if (sold.Count == 0 || sold.Sum(copy => copy.Payout) != final.PayoutMicros)
                found.Add(new(Lost, $"{post.Key}: sold for {final.PayoutMicros}, stored are {sold.Count} copies for {sold.Sum(copy => copy.Payout)}"));
        }

        void SoldTwice()
        {
            foreach (var person in posts.Where(post => post.Final?.Status == "sold").GroupBy(post => post.Email).Where(person => person.Count() > 1))
                found.Add(new(Twice, $"{person.Key} was sold as {string.Join(" and ", person.Select(post => post.Ping))}"));
            var exclusive = posts.Where(post => post.Market != "shared").Select(post => post.Ping).ToHashSet();
            foreach (var lead in books.Copies.Where(copy => copy.IsSold).GroupBy(copy => copy.Lead))
                if (lead.Count() > (exclusive.Contains(lead.Key) ? 1 : 2)) found.Add(new(Twice, $"lead {lead.Key} has {lead.Count()} sold copies"));
            // What buyers have, whatever the books say.
            foreach (var lead in received.Where(copy => copy.Value.Taken).GroupBy(copy => copy.Key[..copy.Key.LastIndexOf('-')]))
                if (exclusive.Contains(lead.Key) && lead.Count() > 1) found.Add(new(Twice, $"exclusive lead {lead.Key} was taken by {string.Join(" and ", lead.Select(copy => copy.Value.Buyer))}"));
            foreach (var person in received.Where(copy => copy.Value.Taken).GroupBy(copy => Email(copy.Value)).Where(person => person.Select(copy => copy.Key[..copy.Key.LastIndexOf('-')]).Distinct().Count() > 1))
                found.Add(new(Twice, $"{person.Key} was taken as {string.Join(" and ", person.Select(copy => copy.Key))}"));
        }

        void Delivered()
        {
            var delivery = books.Deliveries.ToLookup(row => row.Copy);
            foreach (var copy in books.Copies)
            {
                var seen = received.GetValueOrDefault(copy.Id);
                if (seen is { Differs: true }) found.Add(new(Copies, $"copy {copy.Id} came with other bytes or to another buyer"));
                if (seen is not null && seen.Buyer != copy.Buyer) found.Add(new(Copies, $"copy {copy.Id} of {copy.Buyer} went to {seen.Buyer}"));
                if (copy.State is BookedCopy.Held or BookedCopy.InDoubt && books.LeadStates[copy.Lead] != Books.OpenLead) found.Add(new(Unsettled, $"copy {copy.Id} is held"));
                if (CrashMarket.Sinks.TryGetValue(copy.Buyer, out var asked))
                {
                    if (copy.IsSold && seen is not { Taken: true } && (asked || !IsCancelled(copy, delivery[copy.Id]))) found.Add(new(Deliveries, $"copy {copy.Id} is sold and its buyer has it not"));
                    if (asked && !copy.IsSold && seen is { Taken: true }) found.Add(new(Lost, $"copy {copy.Id} was taken by its buyer and is not sold"));
                    if (copy.IsSold && delivery[copy.Id].FirstOrDefault(row => row.Status != BookedDelivery.Delivered) is { } late && !IsCancelled(copy, delivery[copy.Id]))
                        found.Add(new(Unsettled, $"copy {copy.Id} is not delivered: status {late.Status} after {late.Attempts} attempts, {late.Error ?? "no error"}, due at {DateTimeOffset.FromUnixTimeMilliseconds(late.DueMs):u}"));
                }
                else if (copy.IsSold && !inbox.Seen.Contains(copy.Id) && !IsCancelled(copy, delivery[copy.Id])) found.Add(new(Deliveries, $"copy {copy.Id} never came to its inbox"));
                if (copy.IsSold && !delivery[copy.Id].Any()) found.Add(new(Deliveries, $"copy {copy.Id} has no delivery"));
            }
            var booked = books.Copies.Select(copy => copy.Id).ToHashSet();
            foreach (var (id, copy) in received) if (!booked.Contains(id)) found.Add(new(Copies, $"copy {id} left for {copy.Buyer} and is in no book"));
        }
    }

    private static string Email(ReceivedCopy copy)
    {
        using var message = JsonDocument.Parse(copy.Body);
        return message.RootElement.GetProperty("fields").GetProperty("email").GetString()!;
    }
}
