using System.Buffers;
using System.Collections.Frozen;
using System.Globalization;
using System.Text;
using Exchange.Delivery.Postbacks;
using Exchange.Engine;
using Exchange.Engine.Catalog;
using Exchange.Engine.Connectors;
using Exchange.Engine.Filters;
using Exchange.Engine.Postbacks;
using Exchange.Engine.Values;
using Fluid;
using Fluid.Values;

namespace Exchange.Delivery.Templates;

/// <summary>What the templates of one request read. Used by one request at a time.</summary>
internal sealed class TemplateScope
{
    public static IReadOnlyList<string> Roots { get; } = ["lead", "with", "ping", "sale", "source", "consent", "loss", "test", "now", "deadline_ms"];

    private static readonly SearchValues<char> Digits = SearchValues.Create("0123456789.-");

    private static readonly Dictionary<string, ValueMap> NoMaps = [];

    private readonly IReadOnlyDictionary<string, ValueMap> maps;
    private readonly Dictionary<string, FluidValue> values = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> with = new(StringComparer.Ordinal);
    private readonly TemplateBudget budget = new();
    private readonly Dictionary<TemplateUse, TemplateContext> contexts = [];

    /// <summary>The endpoint's own words.</summary>
    public IEnumerable<string> With => with.Values;

    private TemplateScope(EndpointModel endpoint, EndpointSecrets secrets, bool test, DateTimeOffset now, int deadlineMs)
    {
        maps = endpoint.Shape?.Maps ?? FrozenDictionary<string, ValueMap>.Empty;
        foreach (var (name, value) in endpoint.With)
        {
            // What names a secret never goes out without it.
            with[name] = value.Text ?? (secrets.Find(value.SecretName) is { } secret ? Encoding.UTF8.GetString(secret) : throw new TemplateFaultException("secret_missing"));
        }
        values["test"] = BooleanValue.Create(test);
        values["now"] = Moment(now);
        values["deadline_ms"] = NumberValue.Create(deadlineMs);
    }

    private TemplateScope(PostbackMessage message)
    {
        maps = NoMaps;
        values["test"] = BooleanValue.Create(message.Test);
        values["postback_id"] = StringValue.Create(message.Id.ToString());
        values["lead_id"] = StringValue.Create(message.Id.Lead.ToString());
        values["status"] = StringValue.Create(message.Id.Event.Wire());
        values["payout"] = Amount(message.Payout);
        values["change"] = Amount(message.Change);
        values["currency"] = StringValue.Create(message.Currency);
        values["reason"] = StringValue.Create(message.Reason ?? "");
        values["sub_id"] = StringValue.Create(message.SubId ?? "");
        values["tags"] = Map(message.Tags.Select(tag => (tag.Key, (FluidValue?)StringValue.Create(tag.Value))));
    }

    /// <summary>Of a postback: what the publisher knows, and nothing else.</summary>
    public static TemplateScope Of(PostbackMessage message) => new(message);

    /// <exception cref="TemplateFaultException"><c>secret_missing</c>.</exception>
    public static TemplateScope Of(EndpointModel endpoint, EndpointSecrets secrets, CopyMessage message, DateTimeOffset now)
    {
        var scope = new TemplateScope(endpoint, secrets, message.Test, now, (int)endpoint.PostTimeout.TotalMilliseconds);
        scope.Lead(message.Fields, message.Source, message.SubSource, message.Consent);
        scope.values["ping"] = Map(message.Carried.Select(pair => (pair.Key, (FluidValue?)StringValue.Create(pair.Value))));
        scope.values["sale"] = Map(
        [
            ("id", StringValue.Create(message.Copy.ToString())), ("price", NumberOf(message.Price.ToString())), ("bid", NumberOf(message.Bid.ToString())),
            ("sharing", StringValue.Create(message.Exclusive ? "exclusive" : "shared")),
        ]);
        return scope;
    }

    /// <exception cref="TemplateFaultException"><c>secret_missing</c>.</exception>
    public static TemplateScope Of(EndpointModel endpoint, EndpointSecrets secrets, BidCall call, DateTimeOffset now)
    {
        var scope = new TemplateScope(endpoint, secrets, call.Test, now, call.DeadlineMs);
        scope.Lead(call.Fields, call.Source, call.SubSource, call.Consent is { } consent ? consent with { Ip = null } : null);
        return scope;
    }

    /// <exception cref="TemplateFaultException"><c>secret_missing</c>.</exception>
    public static TemplateScope Of(EndpointModel endpoint, EndpointSecrets secrets, LossCall call, DateTimeOffset now)
    {
        var scope = new TemplateScope(endpoint, secrets, call.Test, now, (int)endpoint.PostTimeout.TotalMilliseconds);
        scope.Lead(call.Fields, call.Source, call.SubSource, null);
        scope.values["ping"] = Map(call.Carried.Select(pair => (pair.Key, (FluidValue?)StringValue.Create(pair.Value))));
        scope.values["loss"] = Map([("reason", StringValue.Create(Reasons.Wire(call.Reason))), ("minimum_to_win", call.MinimumToWin is { } least ? NumberOf(least.ToString()) : null)]);
        return scope;
    }

    /// <summary>One for all templates that set no variables; the others get their own.</summary>
    public TemplateContext Context(TemplateUse use, bool own)
    {
        if (!own && contexts.TryGetValue(use, out var known)) return known;
        var context = new TemplateContext(Liquid.Options);
        context.AmbientValues[TemplateFilters.MapsKey] = maps;
        context.AmbientValues[TemplateFilters.BudgetKey] = budget;
        foreach (var (name, value) in values) context.SetValue(name, value);
        // The endpoint's own words may be a whole address; everybody else's are one part of it.
        context.SetValue("with", Map(with.Select(pair => (pair.Key, (FluidValue?)new StringValue(pair.Value, encode: use != TemplateUse.Url)))));
        if (!own) contexts[use] = context;
        return context;
    }

    /// <summary>A plain decimal number as it is written; null: it is none, or longer than can be kept exactly.</summary>
    public static FluidValue? NumberOf(string text) => text.Length is > 0 and <= 25 && !text.AsSpan().ContainsAnyExcept(Digits)
        && decimal.TryParse(text, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number)
        && number.ToString(CultureInfo.InvariantCulture) == text ? NumberValue.Create(number) : null;

    private static FluidValue Amount(Money amount) => NumberOf(amount.ToString()) ?? StringValue.Create(amount.ToString());

    private void Lead(IReadOnlyList<OutField> fields, string source, string? subSource, OutConsent? consent)
    {
        values["lead"] = Map(fields.Select(field => (field.Name, (FluidValue?)Of(field))));
        values["source"] = Map([("id", StringValue.Create(source)), ("sub_id", Text(subSource))]);
        values["consent"] = consent is null ? NilValue.Instance : Map(
        [
            ("text", Text(consent.Text)), ("at", consent.At is { } at ? Moment(at) : null), ("page", Text(consent.Page)), ("ip", Text(consent.Ip)), ("user_agent", Text(consent.UserAgent)),
            ("sellers", consent.Sellers.Count == 0 ? null : new ArrayValue([.. consent.Sellers.Select(StringValue.Create)])),
        ]);
    }

    private static FluidValue Of(OutField field) => field.Kind switch
    {
        OutKind.Number => NumberOf(field.Text) ?? StringValue.Create(field.Text),
        OutKind.Boolean when field.Text is "true" or "false" => BooleanValue.Create(field.Text == "true"),
        _ => StringValue.Create(field.Text),
    };

    private static StringValue? Text(string? text) => text is null ? null : StringValue.Create(text);

    private static StringValue Moment(DateTimeOffset at) => StringValue.Create(at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.FFF'Z'", CultureInfo.InvariantCulture));

    private static DictionaryValue Map(IEnumerable<(string Name, FluidValue? Value)> members)
    {
        var map = new Dictionary<string, FluidValue>(StringComparer.Ordinal);
        foreach (var (name, value) in members) if (value is not null) map[name] = value;
        return new(new FluidValueDictionaryFluidIndexable(map));
    }
}
