extern alias server;

using System.Globalization;
using System.Text;
using Exchange.Delivery.Templates;
using Exchange.Engine.Catalog;
using Exchange.Engine.Fields;
using Exchange.Grains.Catalog;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using server::Exchange.Server.Admin;
using Shouldly;

namespace Exchange.System.Tests.Admin;

/// <summary>Whose days a report is about.</summary>
public sealed class ReportPartsTests
{
    [Theory]
    // query | zone | beginning of the first day, at noon of November 22 in UTC
    [InlineData("", "America/New_York", "2026-11-22T05:00:00Z")]
    [InlineData("?publisher=west", "America/Los_Angeles", "2026-11-22T08:00:00Z")]
    [InlineData("?publisher=west&from=2026-07-01", "America/Los_Angeles", "2026-07-01T07:00:00Z")]
    [InlineData("?publisher=west&time_zone=UTC", "UTC", "2026-11-22T00:00:00Z")]
    [InlineData("?publisher=east", "America/New_York", "2026-11-22T05:00:00Z")]
    // One that left the catalog is asked about still.
    [InlineData("?publisher=gone", "America/New_York", "2026-11-22T05:00:00Z")]
    public void Span_OfOnePublisher_IsOfItsDays(string query, string zone, string from)
    {
        using var services = Services();
        var http = new DefaultHttpContext { RequestServices = services };
        http.Request.QueryString = new(query);
        ReportParts.ReadSpan(new(http), out var begins, out _, out var days).ShouldBeNull();
        (days.Id, begins.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture)).ShouldBe((zone, from));
    }

    private static ServiceProvider Services()
    {
        var errors = new ConfigErrors();
        var model = CatalogCompiler.Compile(ConfigJson.Parse(Encoding.UTF8.GetBytes("""
            {
              "exchange": { "currency": "USD", "time_zone": "America/New_York" },
              "verticals": { "auto": { "payout": { "share": "50%" }, "fields": { "state": { "type": "us_state", "ping": "optional" } } } },
              "publishers": { "east": { "verticals": ["auto"] }, "west": { "verticals": ["auto"], "time_zone": "America/Los_Angeles" } }
            }
            """), errors).ShouldNotBeNull(), 1, new() { Parsers = new FieldParsers((text, _) => text, text => text), ParseTemplate = Liquid.Parse }, errors).Model.ShouldNotBeNull();
        return new ServiceCollection().AddSingleton<TimeProvider>(new FakeTimeProvider(new DateTimeOffset(2026, 11, 22, 12, 0, 0, TimeSpan.Zero)))
            .AddSingleton(Stub.Of<ICatalogHost>((name, _) => name == "get_" + nameof(ICatalogHost.Current) ? model : throw new NotSupportedException(name))).BuildServiceProvider();
    }
}
