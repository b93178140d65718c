using System.Globalization;
using System.Text.Json;
using Exchange.Engine.Values;

namespace Exchange.LoadTests.Crash;

/// <summary>One thing that must not be, with the ids it is about.</summary>
internal sealed record Violation(string Kind, string What);

/// <summary>Joins what publishers were told, what buyers received and what the database holds.</summary>
internal static class Judge
{
    public const string Lost = "acknowledged sales lost", Twice = "sold twice", Caps = "caps broken", Answers = "answers differ", Deliveries = "deliveries lost",
        Unsettled = "not settled", Returns = "returns lost", Copies = "copies differ", Postbacks = "postbacks lost", Erasures = "erasures undone",
        Offers = "offers lost", Again = "sent again after they arrived";
    /// <summary>
    /// Who has read a lead before it was erased begins its call within this time, if it has not begun yet, also where the machine stands for a moment; it may arrive later.
    /// What comes again comes 4.5 s after the call before it at the soonest.
    /// </summary>
    private const long BegunMs = 4_000;
    /// <summary>The sweep that ends the holds of offers that nobody posted comes each second, for those that are over for five; whose turn it was may have died.</summary>
    private const long SweptMs = 60_000;
    /// <summary>A killed server's offers of its last 100 ms may be lost; a machine that is busy otherwise may stand for seconds. How many were older than 100 ms the table tells.</summary>
    private const double LostOfferMs = 15_000;
    /// <summary>Clocks that are read one after the other. Nobody serves again as soon as that.</summary>
    private const long ClocksMs = 500;
    /// <summary>An attempt that begins so long after another has arrived was not under way beside it.</summary>
    private const long ClearlyAfterMs = 5_000;
    /// <summary>What a death cuts off comes again when its lease is over, and that may be known late.</summary>
    private const long DeathsMatterMs = 60_000;

    /// <summary>Every kind, in the order they are told.</summary>
    public static string[] Kinds { get; } = [Lost, Twice, Caps, Answers, Deliveries, Unsettled, Returns, Copies, Postbacks, Erasures, Offers, Again];

    public static bool CountsAtTheCap(BookedCopy copy) =>
        copy.Campaign == CrashMarket.Capped && copy.State is BookedCopy.Held or BookedCopy.InDoubt or BookedCopy.Captured or BookedCopy.Reversed;

    /// <summary>
    /// How old an offer was that nobody finds any more, when the server that made it was killed: from the moment in its id. Infinite: that server did not die after it.
    /// </summary>
    public static double LostMs(Post post, IReadOnlyList<Server> servers)
    {
        var madeMs = LeadId.TryParse(post.Ping, out var id) ? id.UnixMilliseconds : throw new FormatException($"{post.Ping} is no ping's id");
        return servers[post.Home].Deaths.Where(death => death.GoneMs >= madeMs - ClocksMs).Select(death => (double)Math.Max(0, death.KilledMs - madeMs)).DefaultIfEmpty(double.PositiveInfinity).First();
    }

    /// <param name="cap">The highest that <see cref="CrashMarket.Capped"/> may have been given.</param>
    /// <param name="stillTold">What the exchange still tells of persons who were forgotten.</param>
    /// <param name="watch">What was seen of the books meanwhile.</param>
    public static IReadOnlyList<Violation> Run(
        IReadOnlyCollection<Post> posts, IReadOnlyDictionary<string, ReceivedCopy> received, IEnumerable<ReceivedPostback> told, InboxReader inbox, Books books, int cap, Office office, IEnumerable<string> stillTold,
        IReadOnlyList<Server> servers, Watch watch)
    {
        List<Violation> found = [.. watch.Found];
        var copiesOf = books.Copies.ToLookup(copy => copy.Lead);
        var copyOf = books.Copies.ToDictionary(static copy => copy.Id);
        foreach (var post in posts)
        {
            if (post.Broken is { } broken) found.Add(new(Answers, $"{post.Key} {post.Market}: {broken}"));
            if (post is { Refused: not null, IsPingGone: false }) found.Add(new(Answers, $"{post.Key} {post.Market}: refused {post.Refused}"));
            if (post.Refused is not null)
            {
                if (books.LeadOfKey.ContainsKey(post.Key)) found.Add(new(Lost, $"{post.Key}: refused, and its lead {books.LeadOfKey[post.Key]} is there"));
                if (post.IsAnswered) found.Add(new(Lost, $"{post.Key} {post.Market}: answered, and then refused {post.Refused}"));
                if (post.IsPingLost) OfferLost(post);
                continue;
            }
            if (post.Final is not { } final) found.Add(new(post.OwedMicros > 0 ? Lost : Unsettled, $"{post.Key} {post.Market}: never a final answer"));
            else Compare(final, post);
        }
        SoldTwice();

        foreach (var over in books.OverLimit) found.Add(new(Caps, $"{over} is above its limit"));
        if (books.Copies.Count(CountsAtTheCap) is var capped && capped > cap) found.Add(new(Caps, $"{CrashMarket.Capped} sold {capped} of {cap}"));
        if (Watch.OverLimit(books.Copies.Where(static copy => copy.Buyer == CrashMarket.Tight && copy.IsPaid).Sum(static copy => copy.Price), books.Funds) is { } tooMuch) found.Add(new(Caps, tooMuch));
        var paid = office.Payments * (long)(CrashMarket.TightPayment * 1_000_000m);
        if (books.Funds != paid) found.Add(new(Caps, $"{CrashMarket.Tight} paid in {paid}, booked are {books.Funds}"));

        Delivered();
        SentAgain();
        foreach (var (lead, booked) in books.Leads)
            if (booked.State is Books.InDoubtLead or Books.PendingLead || booked is { State: Books.OpenLead, OfferMs: 0 }) found.Add(new(Unsettled, $"lead {lead} is {(booked.State == Books.InDoubtLead ? "in doubt" : "pending")}"));
        Returned();
        Told();
        Forgotten();
        return found;

        // What was held at its ping is there whatever became of the server. Else the ping's record may have been on its way to disk.
        void OfferLost(Post post)
        {
            var afterMs = LostMs(post, servers);
            if (post.Market == CrashMarket.Firm) found.Add(new(Offers, $"{post.Key}: ping {post.Ping} was held and is not found"));
            else if (double.IsInfinity(afterMs)) found.Add(new(Offers, $"{post.Key} {post.Market}: ping {post.Ping} is not found, and server {post.Home} did not die after it"));
            else if (afterMs > LostOfferMs) found.Add(new(Offers, $"{post.Key} {post.Market}: ping {post.Ping} was {afterMs:0} ms old when server {post.Home} was killed"));
        }

        // Also those whose yes nobody heard.
        void Returned()
        {
            foreach (var copy in books.Returns.Union(inbox.Returned))
                if (copyOf.GetValueOrDefault(copy)?.State != BookedCopy.Reversed) found.Add(new(Returns, $"copy {copy}: its return was accepted"));
            foreach (var refused in inbox.Refused) found.Add(new(Returns, $"copy {refused}"));
            foreach (var copy in inbox.Unanswered) found.Add(new(Unsettled, $"copy {copy}: its return was never answered"));
        }

        // What is stored as delivered is not sent any more. What was heard to have arrived is stored, unless somebody died; once it may have been heard too late all the same.
        void SentAgain()
        {
            foreach (var (id, copy) in received)
            {
                var tries = copy.Tries;
                if (watch.Delivered.TryGetValue(id, out var byMs) && tries.FirstOrDefault(attempt => attempt.SentMs > byMs + ClearlyAfterMs) is { } late)
                    found.Add(new(Again, $"copy {id} was sent {late.SentMs - byMs} ms after it was stored as delivered"));
                else if (tries.Where(static attempt => attempt.IsHeard).ElementAtOrDefault(1) is { } heard && tries.Any(attempt => attempt.SentMs > heard.SentMs + ClearlyAfterMs && !DiedBetween(heard.SentMs, attempt.SentMs)))
                    found.Add(new(Again, $"copy {id} was sent {copy.Attempts} times, though its buyer said yes and nobody had died"));
            }
        }

        bool DiedBetween(long fromMs, long untilMs) => servers.SelectMany(static server => server.Deaths)
            .Any(death => death.GoneMs >= Math.Min(fromMs, untilMs - DeathsMatterMs) && death.KilledMs <= untilMs + ClocksMs + 1_000);

        void Forgotten()
        {
            foreach (var words in stillTold) found.Add(new(Erasures, words));
            foreach (var (lead, erased) in office.Erasures)
            {
                if (books.WithContact.Contains(lead)) found.Add(new(Erasures, $"lead {lead} was erased, and something of its person is stored"));
                foreach (var copy in copiesOf[lead])
                    if (received.GetValueOrDefault(copy.Id)?.Tries.FirstOrDefault(attempt => attempt.SentMs > erased.AtMs + BegunMs) is { } late)
                        found.Add(new(Erasures, $"copy {copy.Id} was sent to {copy.Buyer} {late.SentMs - erased.AtMs} ms after its person was forgotten"));
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
            foreach (var (lead, booked) in books.Leads)
            {
                var state = booked.State;
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
            foreach (var lead in toldOf) if (!books.Leads.ContainsKey(lead.Key)) found.Add(new(Postbacks, $"lead {lead.Key} was told of and is in no book"));
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
                if (copy.State is BookedCopy.Held or BookedCopy.InDoubt && !IsOffered(copy.Lead)) found.Add(new(Unsettled, $"copy {copy.Id} is held"));
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
            foreach (var (id, copy) in received) if (!copyOf.ContainsKey(id)) found.Add(new(Copies, $"copy {id} left for {copy.Buyer} and is in no book"));
        }

        // Held at its ping, not posted, and its offer is not over for long.
        bool IsOffered(string lead) => books.Leads.GetValueOrDefault(lead) is { State: Books.OpenLead, OfferMs: > 0 } offered && offered.OfferMs > books.ReadMs - SweptMs;
    }

    private static string Email(ReceivedCopy copy)
    {
        using var message = JsonDocument.Parse(copy.Body);
        return message.RootElement.GetProperty("fields").GetProperty("email").GetString()!;
    }
}
