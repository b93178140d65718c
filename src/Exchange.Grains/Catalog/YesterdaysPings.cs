using Exchange.Engine;
using Exchange.Engine.Catalog;
using Exchange.Engine.Fields;
using Exchange.Engine.Filters;
using Exchange.Engine.PingTrees;
using Exchange.Engine.Schedules;
using Exchange.Engine.Values;
using Exchange.Grains.Leads;
using Exchange.Storage;

namespace Exchange.Grains.Catalog;

/// <summary>
/// Tells of a planned catalog which campaigns none of yesterday's pings would have matched: usually a filter that says something else than was meant.
/// Yesterday is the day before in the exchange's zone. Of a busy day each hour's first pings are read, <see cref="Engine.Limits.PingsPerPlan"/> in all.
/// </summary>
public sealed class YesterdaysPings(IPingRecords pings, FieldParsers parsers)
{
    private const int Hours = 24;

    /// <param name="models">Gives the catalog that a ping was walked on.</param>
    public async Task WarnAsync(CatalogModel planned, DateTimeOffset now, CatalogModels models, ConfigErrors errors, CancellationToken cancel)
    {
        var matched = planned.Verticals.Keys.ToDictionary(id => id, id => new bool[planned.Verticals[id].Campaigns.Count], StringComparer.Ordinal);
        var seen = planned.Verticals.Keys.ToDictionary(id => id, _ => 0, StringComparer.Ordinal);
        var clock = ZoneClock.Of(planned.Zone);
        var today = clock.DateAt(now.ToUnixTimeSeconds());
        var (start, end) = (clock.FirstAtOrAfter(ZoneClock.MidnightOf(today - 1)), clock.FirstAtOrAfter(ZoneClock.MidnightOf(today)));
        for (var hour = 0; hour < Hours; hour++)
        {
            var (from, to) = (start + (end - start) * hour / Hours, start + (end - start) * (hour + 1) / Hours);
            foreach (var record in await pings.ReadAsync(First(from), First(to), Engine.Limits.PingsPerPlan / Hours, models, cancel))
            {
                if (record.Id.IsTest || !planned.Verticals.TryGetValue(record.Vertical, out var vertical)) continue;
                seen[record.Vertical]++;
                Match(vertical, Subject(await models(record.CatalogVersion, cancel), vertical, record, planned), matched[record.Vertical]);
            }
        }
        foreach (var (id, vertical) in planned.Verticals.OrderBy(entry => entry.Key, StringComparer.Ordinal))
        {
            if (seen[id] == 0) continue;
            foreach (var campaign in vertical.Campaigns)
                if (campaign.Status == EntryStatus.Active && campaign.Buyer.Status == EntryStatus.Active && !matched[id][campaign.Ordinal])
                    errors.Warn($"campaigns.{campaign.Id}", ConfigCodes.NoPings, seen[id] == 1
                        ? "The one ping of yesterday does not match its publishers and filter." : $"None of yesterday's {seen[id]} pings matches its publishers and filter.");
        }
    }

    private static void Match(VerticalModel vertical, Subject subject, bool[] matched)
    {
        var bits = new ulong[vertical.Index.Words];
        vertical.Index.Candidates(subject.Values, subject.Publisher, bits);
        foreach (var campaign in vertical.Campaigns)
        {
            var place = campaign.Ordinal;
            if (!matched[place] && (bits[place / 64] >> place % 64 & 1) != 0) matched[place] = vertical.Index.IsExact(place) || campaign.Filter.Holds(subject);
        }
    }

    /// <summary>The ping as the planned catalog reads its fields.</summary>
    private Subject Subject(CatalogModel atPing, VerticalModel vertical, PingRecord record, CatalogModel planned)
    {
        var now = DateTimeOffset.FromUnixTimeMilliseconds(record.AtMs);
        var values = record.Values;
        if (atPing.Verticals.TryGetValue(record.Vertical, out var then) && !ReferenceEquals(then.Fields, vertical.Fields))
        {
            var texts = then.Fields.All.Where(field => field.Ordinal < record.Values.Length && record.Values[field.Ordinal].IsGiven)
                .ToDictionary(field => field.Name, field => record.Values[field.Ordinal].Text!, StringComparer.Ordinal);
            values = PostRules.ValuesOf(vertical, new LeadPayload(texts, null), parsers, PostRules.Today(now, planned.Zone));
        }
        return new()
        {
            Vertical = record.Vertical, Publisher = record.Publisher, SubId = record.SubId, Channel = record.Channel, Values = values, Now = now,
        };
    }

    private static LeadId First(long unixSeconds) => LeadId.Create(unixSeconds * 1000, 0, false, 0);
}
