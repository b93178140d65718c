extern alias server;

using System.Globalization;
using Exchange.Engine;
using Exchange.Delivery.Templates;
using Exchange.Engine.Catalog;
using Exchange.Engine.Leads;
using Exchange.Engine.Schedules;
using Exchange.Engine.Values;
using server::Exchange.Server.Catalog;
using server::Exchange.Server.Hosting;

namespace Exchange.System.Tests.Scenarios;

/// <summary>Runs a scenario line by line and gathers every line of which something else came than it says.</summary>
internal sealed class ScenarioRun
{
    private static readonly Dictionary<string, BuyerAnswer> AnswerWords = new(StringComparer.Ordinal)
    {
        ["accepted"] = BuyerAnswer.Accepted, ["rejected"] = BuyerAnswer.Refused, ["duplicate"] = BuyerAnswer.Duplicate, ["pending"] = BuyerAnswer.Later,
        ["nothing"] = BuyerAnswer.Unknown,
    };

    private readonly ScenarioFile file;
    private readonly ScenarioExchange exchange = new();
    private readonly Dictionary<string, Deal> named = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Func<Words, string?>> verbs;
    private ConfigNode catalog;
    private Deal? last;
    private TimeZoneInfo? zone;

    private ScenarioRun(ScenarioFile file, ConfigNode baseCatalog)
    {
        this.file = file;
        catalog = baseCatalog;
        verbs = new(StringComparer.Ordinal)
        {
            ["catalog"] = Change, ["change"] = Change, ["at"] = At, ["after"] = After, ["ping"] = Ping, ["post"] = Post, ["answers"] = Answers, ["later"] = Later, ["add"] = Add, ["bids"] = Bids, ["asked"] = words => LeadText.Asked(Deal(words)),
            ["lead"] = words => LeadText.Of(Deal(words)), ["calls"] = words => LeadText.Calls(Deal(words)), ["deliveries"] = words => exchange.Deliveries.Tell(Deal(words), Zone), ["explain"] = Explain, ["sell"] = words => string.Join(' ', Sell(words)),
            ["tally"] = words => string.Join(", ", Sell(words).GroupBy(who => who).OrderBy(group => group.Key, StringComparer.Ordinal).Select(group => $"{group.Key} {group.Count()}")),
            ["caps"] = Caps, ["return"] = words => exchange.Returns.Ask(Deal(words), Campaign(words), words.Next("a reason, as invalid_phone")),
            ["accept"] = words => exchange.Returns.Decide(Deal(words), Campaign(words), accept: true),
            ["refuse"] = words => exchange.Returns.Decide(Deal(words), Campaign(words), accept: false),
            ["money"] = words => exchange.Journal.BalanceOf(words.Next("an account, as buyer:acme")).ToString(), ["fund"] = Fund,
            ["alerts"] = _ => LimitText.Alerts(exchange), ["pace"] = words => LimitText.Pace(exchange, words, Zone), ["losses"] = Losses,
        };
    }

    /// <summary>Every line that came out otherwise, as "file:line: …"; empty: the scenario holds.</summary>
    public static IReadOnlyList<string> Play(ScenarioFile file, string baseYaml)
    {
        var errors = new ConfigErrors();
        var start = CatalogYaml.Read(baseYaml, errors);
        if (start is null || errors.Any) throw new ScenarioException("base.yaml", 1, string.Join("; ", errors.Errors.Select(error => $"{error.Pointer}: {error.Message}")));
        var run = new ScenarioRun(file, start);
        var missed = new List<string>();
        foreach (var statement in file.Statements)
        {
            var got = run.Do(statement);
            if (statement.Expected is { } expected && got != expected)
                missed.Add($"{file.Name}:{statement.Line}: {statement.Text.Split(" ->")[0].TrimEnd()}\n  expected -> {expected}\n  but came -> {got}");
        }
        return missed;
    }

    private string? Do(Statement statement)
    {
        if (!verbs.TryGetValue(statement.Verb, out var verb))
            throw Wrong(statement, $"there is no `{statement.Verb}`; a line begins with one of {string.Join(", ", verbs.Keys.Order(StringComparer.Ordinal))}");
        var words = new Words(file.Name, statement);
        string? came;
        try
        {
            came = verb(words);
        }
        catch (RefusedException refused)
        {
            came = "refused " + refused.Message;
        }
        catch (Exception fault) when (fault is not ScenarioException)
        {
            throw Wrong(statement, fault.Message, fault);
        }
        words.End();
        if (came is null && statement.Expected is not null) throw Wrong(statement, $"nothing comes of `{statement.Verb}`; take `->` away");
        if (came?.StartsWith("refused ", StringComparison.Ordinal) == true && statement.Expected is null) throw Wrong(statement, came);
        return came;
    }

    private string? Change(Words words)
    {
        var errors = new ConfigErrors();
        var block = words.Statement.Block is { } yaml && yaml.AsSpan().Trim().Length > 0 ? CatalogYaml.Read(yaml, errors) : null;
        Check(words, errors, block);
        var changed = block is null ? catalog : WithVertical(ConfigPatch.Merge(catalog, WithNulls(block)));
        var options = new CompileOptions { Parsers = Parsers.All, ParseTemplate = Liquid.Parse };
        var result = CatalogCompiler.Compile(changed, (exchange.Model?.Version ?? 0) + 1, options);
        if (result.Errors.Any && words.Statement.Expected is not null)
            return string.Join(", ", result.Errors.Errors.Select(error => $"{error.Code} {error.Pointer}"));
        Check(words, result.Errors, block);
        catalog = changed;
        if (exchange.Now == default) exchange.Now = Local(new DateTime(2026, 11, 23, 12, 0, 0, DateTimeKind.Unspecified), result.Model!.Zone);
        exchange.Apply(result.Model!);
        return words.Statement.Expected is null ? null : "ok";
    }

    private string? At(Words words)
    {
        var date = words.Next("a date, as 2026-11-23");
        var time = words.Next("a time, as 08:00");
        if (!DateTime.TryParseExact($"{date} {time}", ["yyyy-MM-dd HH:mm", "yyyy-MM-dd HH:mm:ss"], CultureInfo.InvariantCulture, DateTimeStyles.None, out var local))
            throw words.Wrong("a moment is written 2026-11-23 08:00");
        if (words.Maybe() is { } id) zone = Zones.TryFind(id, out var found) ? found : throw words.Wrong($"there is no zone {id}");
        exchange.Now = Local(local, Zone);
        return null;
    }

    private string? After(Words words)
    {
        exchange.Now += words.Duration();
        return null;
    }

    private string Ping(Words words)
    {
        var name = words.Name();
        last = exchange.Ping(words.Ping(exchange.Model));
        if (name is not null) named[name] = last;
        return LeadText.Of(last.Record);
    }

    private string Post(Words words)
    {
        var deal = Deal(words);
        exchange.Post(deal, words.Post());
        return LeadText.Of(deal);
    }

    private string? Bids(Words words)
    {
        var campaign = Campaign(words);
        exchange.Bids[campaign] = words.LiveAnswer();
        return null;
    }

    private string? Answers(Words words)
    {
        var campaign = Campaign(words);
        var said = new List<BuyerAnswer> { Answer(words) };
        while (words.HasMore) said.Add(Answer(words));
        exchange.Script(campaign, said);
        return null;
    }

    private string Later(Words words)
    {
        var deal = Deal(words);
        exchange.Later(deal, Campaign(words), Answer(words));
        return LeadText.Of(deal);
    }

    private string Add(Words words)
    {
        var deal = Deal(words);
        exchange.Add(deal, words.Fields());
        return LeadText.Of(deal);
    }

    private string Explain(Words words) => ExplanationText.Of(ScenarioExchange.Explain(Deal(words)), words.Maybe());

    /// <summary>So many pings, each posted at once: who bought each.</summary>
    private List<string> Sell(Words words)
    {
        var count = words.Number("how many leads");
        var call = words.Ping(exchange.Model);
        var bought = new List<string>();
        for (var i = 0; i < count; i++)
        {
            last = exchange.Ping(call);
            if (last.Record.Outcome == Reason.None) exchange.Post(last, new PostCall([]));
            bought.Add(LeadText.Buyers(last));
        }
        return bought;
    }

    private string Losses(Words words)
    {
        var deal = Deal(words);
        var told = Engine.Explanations.Losses.Of(deal.Model, deal.Record, words.Next("a buyer")).Where(loss => loss.Campaign.TellLosses).ToList();
        return told.Count == 0 ? "nothing" : string.Join("; ", told.Select(loss => $"{loss.Campaign.Id} minimum {loss.MinimumToWin?.ToString() ?? "none"}"));
    }

    private string Caps(Words words) => LimitText.Of(exchange, words.Next("whose, as acme-west, buyer:acme, publisher:search or tree:main"), words);

    private string? Fund(Words words)
    {
        exchange.Fund(words.Next("a buyer"), words.Money());
        return null;
    }

    private Deal Deal(Words words)
    {
        if (words.Name() is not { } name) return last ?? throw words.Wrong("there was no ping yet");
        return named.TryGetValue(name, out var deal) ? deal : throw words.Wrong($"no ping was named {name}");
    }

    private string Campaign(Words words)
    {
        var id = words.Next("a campaign");
        return exchange.Model.Campaigns.ContainsKey(id) ? id : throw words.Wrong($"there is no campaign {id}");
    }

    private static BuyerAnswer Answer(Words words)
    {
        var said = words.Next("an answer").TrimEnd(',');
        return AnswerWords.TryGetValue(said, out var answer) ? answer : throw words.Wrong($"`{said}` is no answer: {string.Join(", ", AnswerWords.Keys)}");
    }

    private TimeZoneInfo Zone => zone ?? exchange.Model?.Zone ?? TimeZoneInfo.Utc;

    private static DateTimeOffset Local(DateTime local, TimeZoneInfo zone) => new(local, zone.GetUtcOffset(local));

    private void Check(Words words, ConfigErrors errors, ConfigNode? block)
    {
        if (!errors.Any) return;
        var first = errors.Errors[0];
        var line = block is null ? 0 : LineOf(block, first.Pointer);
        throw new ScenarioException(file.Name, line > 0 ? line : words.Statement.Line,
            "the catalog is refused:" + string.Concat(errors.Errors.Select(error => $"\n  {error.Pointer}: {error.Code}: {error.Message}")));
    }

    /// <summary>The line of the block on which this path stands, or what it stands in; 0: not in the block.</summary>
    private static int LineOf(ConfigNode node, string path)
    {
        if (node.Path.Length > 0 && !path.StartsWith(node.Path, StringComparison.Ordinal)) return 0;
        var inner = node switch
        {
            ConfigMap map => map.Entries.Max(entry => (int?)LineOf(entry.Value, path)),
            ConfigList list => list.Items.Max(item => (int?)LineOf(item, path)),
            _ => 0,
        };
        return inner > 0 ? inner.Value : node.Path.Length == 0 ? 0 : node.Line;
    }

    /// <summary>Campaigns and trees that do not name a vertical are of <c>auto</c>.</summary>
    private static ConfigNode WithVertical(ConfigNode root)
    {
        foreach (var section in (string[])["campaigns", "ping_trees"])
        {
            if (ConfigPatch.Find(root, section) is not ConfigMap map) continue;
            foreach (var (id, entry) in map.Entries)
                if (entry is ConfigMap fields && fields.Find("vertical") is null) root = ConfigPatch.Set(root, [section, id, "vertical"], new ConfigText("", entry.Line, "auto"));
        }
        return root;
    }

    /// <summary><c>~</c> takes a key away.</summary>
    private static ConfigNode WithNulls(ConfigNode node) => node switch
    {
        ConfigText { Text: "~" } => new ConfigNull(node.Path, node.Line),
        ConfigMap map => new ConfigMap(map.Path, map.Line, [.. map.Entries.Select(entry => KeyValuePair.Create(entry.Key, WithNulls(entry.Value)))]),
        _ => node,
    };

    private ScenarioException Wrong(Statement statement, string message, Exception? inner = null) => new(file.Name, statement.Line, message, inner);
}
