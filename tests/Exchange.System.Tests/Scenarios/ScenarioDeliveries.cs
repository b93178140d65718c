using System.Globalization;
using Exchange.Engine;
using Exchange.Engine.Deliveries;
using Exchange.Engine.Filters;
using Exchange.Engine.Leads;
using Exchange.Engine.Ledger;

namespace Exchange.System.Tests.Scenarios;

/// <summary>Deliveries of a scenario's leads: rows in memory that wait, and what the engine's plan makes of them when the clock or a field says so.</summary>
internal sealed class ScenarioDeliveries(ScenarioExchange exchange)
{
    private readonly List<Row> rows = [];

    /// <summary>When the next one is due; null: none waits for a moment.</summary>
    public DateTimeOffset? NextDue => rows.Where(row => row.Waits && row.DueAtMs < NewDelivery.NeverDue).Select(row => (long?)row.DueAtMs).Min() is { } next
        ? DateTimeOffset.FromUnixTimeMilliseconds(next) : null;

    /// <summary>Those that an item makes with its copies.</summary>
    public void Add(Deal deal, JournalItem item)
    {
        foreach (var start in item.Starts) Add(deal, start.No, start.Campaign, start.Deliveries, rows.Count);
        foreach (var end in item.Ends.Where(end => end.Deliveries.Length > 0)) Add(deal, end.No, deal.Sale!.BidAt(deal.Sale.SlotOfCopy(end.No)!.BidIndex).Campaign, end.Deliveries, rows.Count);
    }

    /// <summary>Takes up whatever is due at this moment, until nothing is.</summary>
    public void Run()
    {
        while (rows.Find(IsDue) is { } row) Turn(row);
    }

    /// <summary>Fields were added to the lead: what waits for fields is asked again.</summary>
    public void AskAgain(Deal deal)
    {
        foreach (var row in rows.FindAll(row => row.Deal == deal && row is { Waits: true, Wait: DeliveryWait.Fields })) Turn(row);
        Run();
    }

    /// <summary><c>acme-west crm at 2026-11-23 12:00</c>, <c>acme-west waits until …</c>; in the order of copies.</summary>
    public string Tell(Deal deal, TimeZoneInfo zone)
    {
        var told = rows.Where(row => row.Deal == deal).OrderBy(row => row.CopyNo).Select(row => row.Tell(zone)).ToList();
        return told.Count == 0 ? "none" : string.Join("; ", told);
    }

    private bool IsDue(Row row) => row.Waits && row.Copy switch
    {
        SlotState.Captured => row.Wait == DeliveryWait.Sale || row.DueAtMs <= exchange.NowMs,
        SlotState.Held => row.Wait != DeliveryWait.Sale && row.DueAtMs <= exchange.NowMs,
        SlotState.Lost => true,
        _ => false,
    };

    private void Turn(Row row)
    {
        if (row.Copy == SlotState.Lost)
        {
            row.Ended = "cancelled";
            return;
        }
        if (row.Wait == DeliveryWait.None)
        {
            Hand(row);
            return;
        }
        var asks = row.Copy == SlotState.Held;
        var subject = new Subject
        {
            Vertical = row.Deal.Record.Vertical, Publisher = row.Deal.Record.Publisher, SubId = row.Deal.Record.SubId, Channel = row.Deal.Record.Channel,
            Values = row.Deal.Subject!.Values, Now = exchange.Now,
        };
        var turn = DeliveryPlan.Due(exchange.Model.Campaigns[row.Campaign].Delivery, new(row.Endpoint, row.Wait, row.DueAtMs, asks), subject, exchange.NowMs);
        if (turn.Dropped is not null)
        {
            row.Ended = "dropped";
            if (asks) exchange.Drive(row.Deal, new LeadEvent.Answered(row.CopyNo, BuyerAnswer.Refused, Reason.Cancelled, null, null));
            return;
        }
        var place = rows.IndexOf(row);
        rows.RemoveAt(place);
        // One at the most asks; the others follow its yes.
        if (Add(row.Deal, row.CopyNo, row.Campaign, turn.Become, place).Exists(made => !made.Waits) && asks) exchange.Call(row.Deal, row.CopyNo);
    }

    private List<Row> Add(Deal deal, int copyNo, string campaign, NewDelivery[] deliveries, int place)
    {
        var added = new List<Row>();
        foreach (var delivery in deliveries)
        {
            if (rows.Exists(row => row.Deal == deal && row.CopyNo == copyNo && row.Endpoint == delivery.Endpoint)) continue;
            var row = new Row
            {
                Deal = deal, CopyNo = copyNo, Campaign = campaign, Endpoint = delivery.Endpoint, DueAtMs = delivery.DueAtMs, Wait = delivery.Wait,
            };
            if (delivery.Wait == DeliveryWait.None && (delivery.IsLeased || delivery.DueAtMs == NewDelivery.NeverDue)) Hand(row);
            added.Add(row);
        }
        rows.InsertRange(place, added);
        return added;
    }

    private void Hand(Row row) => row.HandedAt = exchange.Now;

    private sealed class Row
    {
        public required Deal Deal { get; init; }
        public required int CopyNo { get; init; }
        public required string Campaign { get; init; }
        public required string Endpoint { get; init; }
        public required long DueAtMs { get; init; }
        public required DeliveryWait Wait { get; init; }
        public DateTimeOffset? HandedAt { get; set; }
        public string? Ended { get; set; }

        public bool Waits => HandedAt is null && Ended is null;
        /// <summary>Lost too where another bid has its slot by now.</summary>
        public SlotState Copy => Deal.Sale!.SlotOfCopy(CopyNo)?.State ?? SlotState.Lost;

        public string Tell(TimeZoneInfo zone)
        {
            var who = Endpoint == DeliveryPlan.Undecided ? Campaign : $"{Campaign} {Endpoint}";
            if (Ended is not null) return $"{who} {Ended}";
            if (HandedAt is { } at) return $"{who} at {Text(at, zone)}";
            if (Wait == DeliveryWait.Sale) return $"{who} waits for the sale";
            return $"{who} waits{(Wait == DeliveryWait.Fields ? " for fields" : "")} until {Text(DateTimeOffset.FromUnixTimeMilliseconds(DueAtMs), zone)}";
        }

        private static string Text(DateTimeOffset moment, TimeZoneInfo zone) => TimeZoneInfo.ConvertTime(moment, zone).ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture);
    }
}
