using System.Text.Json;

namespace Exchange.LoadTests.Crash;

/// <summary>
/// Everything that is known of each post, a line each: what its publisher was told and when, what is stored, what buyers' servers got. Whoever doubts the
/// judge reads one lead's line, or judges all of them again.
/// </summary>
internal static class History
{
    private static readonly JsonSerializerOptions Format = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    public static async Task WriteAsync(string file, IEnumerable<Post> posts, IReadOnlyDictionary<string, ReceivedCopy> received, InboxReader inbox, Books books, CancellationToken cancel)
    {
        var copies = books.Copies.ToLookup(static copy => copy.Lead);
        await using var lines = new StreamWriter(file);
        foreach (var post in posts)
        {
            var line = JsonSerializer.Serialize(new
            {
                post.Key, post.Market, post.Ping, post.Sent, post.Unknown, post.Refused, Lead = books.LeadOfKey.GetValueOrDefault(post.Key),
                Told = post.Told.Where(static told => told.Reply.Ended != Ended.Unknown).Select(static told => new
                {
                    told.AfterMs, over = told.Grpc ? "grpc" : "http", told.Reply.Code, told.Reply.Status, told.Reply.PayoutMicros, told.Reply.PendingMicros, told.Reply.IsFinal,
                }),
                Stored = copies[post.Ping].OrderBy(static copy => copy.No).Select(copy => new
                {
                    copy.No, copy.Campaign, copy.State, copy.Payout, Attempts = received.GetValueOrDefault(copy.Id)?.Attempts ?? 0, Taken = received.GetValueOrDefault(copy.Id)?.Taken ?? false,
                    SentMs = received.GetValueOrDefault(copy.Id)?.Tries.Select(static attempt => attempt.SentMs), Read = inbox.Seen.Contains(copy.Id), Returned = inbox.Returned.Contains(copy.Id),
                }),
            }, Format);
            await lines.WriteLineAsync(line.AsMemory(), cancel);
        }
    }
}
