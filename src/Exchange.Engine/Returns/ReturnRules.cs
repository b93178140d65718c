using Exchange.Engine.Catalog;
using Exchange.Engine.Schedules;
using Exchange.Engine.Values;

namespace Exchange.Engine.Returns;

/// <summary>
/// May this copy come back? Pure: times are Unix milliseconds, days and months those of the exchange's zone. What several rules forbid is told in the
/// order of the reasons: the window, returned before, the quota.
/// </summary>
public static class ReturnRules
{
    /// <summary>The terms of a sale on a catalog; null where it cannot come back.</summary>
    public static ReturnTerms? TermsOf(CatalogModel model, string campaign) =>
        model.Campaigns.TryGetValue(campaign, out var sold) && sold.Returns is { IsEver: true } terms ? terms : null;

    /// <summary>
    /// The first moment that is too late. Days are calendar days: a lead sold at any time of a Monday comes back <c>within: 1d</c> until Tuesday's
    /// midnight. Hours and less are counted from the sale.
    /// </summary>
    public static long ClosesAtMs(ReturnTerms terms, long soldAtMs, TimeZoneInfo zone)
    {
        if (terms.Days == 0) return checked(soldAtMs + (long)terms.Span.TotalMilliseconds);
        var clock = ZoneClock.Of(zone);
        var lastDay = clock.DateAt(Seconds(soldAtMs)) + terms.Days;
        return clock.FirstAtOrAfter(ZoneClock.MidnightOf(lastDay + 1)) * 1000;
    }

    /// <summary>The calendar month of a sale: start included, end not.</summary>
    public static (long FromMs, long UntilMs) MonthOf(long soldAtMs, TimeZoneInfo zone)
    {
        var clock = ZoneClock.Of(zone);
        var date = DateOnly.FromDayNumber(clock.DateAt(Seconds(soldAtMs)));
        var first = new DateOnly(date.Year, date.Month, 1);
        return (Begin(first), Begin(first.AddMonths(1)));

        long Begin(DateOnly day) => clock.FirstAtOrAfter(ZoneClock.MidnightOf(day.DayNumber)) * 1000;
    }

    /// <summary>
    /// How many of so many leads sold in a month may come back, rounded down. Sales of a month that still runs count as far as they were made, so a
    /// return that is one too many today may be in its place tomorrow.
    /// </summary>
    public static long MostOf(ReturnTerms terms, long sold) =>
        terms.AtMost is { } share ? (long)((Int128)sold * share.Millionths / Percent.One) : long.MaxValue;

    /// <param name="returned">This copy came back, or its return is asked for or was refused.</param>
    public static Reason Judge(ReturnTerms? terms, long soldAtMs, long nowMs, TimeZoneInfo zone, bool returned)
    {
        if (terms is null || nowMs >= ClosesAtMs(terms, soldAtMs, zone)) return Reason.ReturnWindowClosed;
        return returned ? Reason.AlreadyReturned : Reason.None;
    }

    private static long Seconds(long ms) => ms / 1000;
}
