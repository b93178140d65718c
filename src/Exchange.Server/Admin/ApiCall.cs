using System.Globalization;
using Exchange.Engine.Caps;
using Exchange.Engine.Fields;
using Exchange.Grains.Catalog;
using Exchange.Grains.Intake;
using Exchange.Server.Access;
using Exchange.Storage;

namespace Exchange.Server.Admin;

/// <summary>One request to the admin's or the buyer's API with what its handler works on.</summary>
internal readonly struct ApiCall(HttpContext http)
{
    public const int DefaultRows = 50;

    public HttpContext Http { get; } = http;
    public HttpRequest Request => Http.Request;
    public CancellationToken Cancel => Http.RequestAborted;
    public Caller Caller => Http.GetCaller();
    public IExchangeStore Store => Service<IExchangeStore>();
    public ICatalogHost Catalog => Service<ICatalogHost>();
    public ILiveView Live => Service<ILiveView>();
    public DateTimeOffset Now => Service<TimeProvider>().GetUtcNow();
    public long NowMs => Now.ToUnixTimeMilliseconds();

    public T Service<T>() where T : notnull => Http.RequestServices.GetRequiredService<T>();

    /// <summary>A part of the path by its name in the pattern.</summary>
    public string Route(string name) => (string)Request.RouteValues[name]!;

    /// <summary>Null if not given or empty; the first if given twice. What no database keeps, NUL, stands for a character that nothing here has.</summary>
    public string? Query(string name) => Request.Query[name] is [{ Length: > 0 } value, ..] ? value.Replace('\0', '\uFFFD') : null;

    public bool QueryFlag(string name) => Query(name) is "true" or "1";

    /// <summary>Rows per page: <see cref="DefaultRows"/> unless told, 1 to <see cref="Engine.Limits.PageRows"/>.</summary>
    public Problem? ReadLimit(out int limit)
    {
        limit = DefaultRows;
        if (Query("limit") is not { } text) return null;
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out limit) && limit is >= 1 and <= Engine.Limits.PageRows
            ? null
            : InvalidQuery("limit", "out_of_range", $"limit is a whole number from 1 to {Engine.Limits.PageRows}.");
    }

    public static Problem InvalidQuery(string name, string code, string message) => Problem.Invalid([new InputError("?" + name, code, message)]);

    public static Problem NotFound(string detail) => Problem.Of(404, "not_found", detail);
}
