using System.Globalization;
using Exchange.LoadTests.Admin;
using Spectre.Console;

namespace Exchange.LoadTests.Demo;

/// <summary>The closing tables.</summary>
internal static class DemoReport
{
    public static void Print(DemoOutcome outcome, IAnsiConsole console)
    {
        var totals = new Table().RoundedBorder().AddColumn("").AddColumn(new TableColumn("").RightAligned()).HideHeaders();
        totals.AddRow("Pings", Whole(outcome.Answered));
        totals.AddRow("Offered", $"{Whole(outcome.Offered)}{Share(outcome.Offered, outcome.Answered)}");
        totals.AddRow("Sold", $"{Whole(outcome.Sold)}{Share(outcome.Sold, outcome.Offered)}");
        if (outcome.Waiting > 0)
        {
            totals.AddRow("Pending or in doubt", Whole(outcome.Waiting));
        }

        totals.AddRow("Revenue", Money(outcome.Revenue, outcome));
        totals.AddRow("Payout", Money(outcome.Payout, outcome));
        totals.AddRow("Margin", Money(outcome.Revenue - outcome.Payout, outcome));
        console.Write(totals);

        var campaigns = new Table().RoundedBorder().AddColumn("Campaign");
        foreach (var column in new[] { "Copies", "Revenue", "Payout", "Margin" })
        {
            campaigns.AddColumn(new TableColumn(column).RightAligned());
        }

        foreach (var campaign in outcome.Campaigns)
        {
            campaigns.AddRow(Markup.Escape(campaign.Campaign), Whole(campaign.Copies), Amounts.Text(campaign.Revenue), Amounts.Text(campaign.Payout), Amounts.Text(campaign.Margin));
        }

        console.Write(campaigns);
        Counts(console, "Not offered or not sold", outcome.Reasons);
        Counts(console, "[red]Refused[/]", outcome.Refusals);
        if (outcome.BooksDiffer)
        {
            console.MarkupLine("[red]The ledger does not agree with the copies sold.[/]");
        }

        console.MarkupLine(string.Create(CultureInfo.InvariantCulture, $"{outcome.Sent:#,##0} consumers in {outcome.Took.TotalSeconds:0.0} s. Money as the exchange booked it."));
    }

    private static void Counts(IAnsiConsole console, string title, IReadOnlyList<(string Name, int Count)> counts)
    {
        if (counts.Count > 0)
        {
            console.MarkupLine($"{title}: {string.Join(", ", counts.Select(count => $"{Markup.Escape(count.Name)} {Whole(count.Count)}"))}");
        }
    }

    private static string Whole(int number) => number.ToString("#,##0", CultureInfo.InvariantCulture);

    private static string Share(int part, int whole) => whole == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $"  ({100.0 * part / whole:0.0} %)");

    private static string Money(decimal amount, DemoOutcome outcome) => $"{Amounts.Text(amount)} {Markup.Escape(outcome.Currency)}";
}
