using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Exchange.Delivery;
using Exchange.Engine;
using Exchange.Engine.Catalog;
using Exchange.Engine.Filters;
using Exchange.Engine.Values;

namespace Exchange.System.Tests.Scenarios;

/// <summary>The words of one line, read from left to right.</summary>
internal sealed class Words(string file, Statement statement)
{
    private int at;

    public Statement Statement => statement;
    public bool HasMore => at < statement.Words.Count;

    public ScenarioException Wrong(string message) => new(file, statement.Line, message);

    public string Next(string what) => HasMore ? statement.Words[at++] : throw Wrong($"`{statement.Verb}` wants {what}");

    public string? Maybe() => HasMore ? statement.Words[at++] : null;

    /// <summary><c>first:</c> names a ping; null where the line names none.</summary>
    public string? Name() => HasMore && statement.Words[at] is [.., ':'] word && at++ >= 0 ? word[..^1] : null;

    public int Number(string what) => int.TryParse(Next(what), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : throw Wrong($"`{statement.Verb}` wants {what}, a number");

    public Money Money() => Money(Next("an amount"));

    public TimeSpan Duration()
    {
        var text = Next("a duration, as 5m");
        var unit = text.TrimStart("0123456789".ToCharArray());
        if (!long.TryParse(text.AsSpan(0, text.Length - unit.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var count)) throw Wrong("a duration is written 90s, 5m, 2h or 1d");
        return unit switch
        {
            "ms" => TimeSpan.FromMilliseconds(count),
            "s" => TimeSpan.FromSeconds(count),
            "m" => TimeSpan.FromMinutes(count),
            "h" => TimeSpan.FromHours(count),
            "d" => TimeSpan.FromDays(count),
            _ => throw Wrong("a duration is written 90s, 5m, 2h or 1d"),
        };
    }

    /// <summary>
    /// The rest of the line: <c>27.00</c>, <c>60 exclusive 27 shared</c>, <c>yes</c> (no price), <c>timeout</c> or another reason; <c>for 30s</c> and
    /// <c>in EUR</c> after a bid.
    /// </summary>
    public BidAnswer LiveAnswer()
    {
        var offers = new List<LiveOffer>();
        while (HasMore)
        {
            var word = Next("a bid");
            if (word == "for") offers[^1] = offers[^1] with { ExpiresIn = Duration() };
            else if (word == "in") offers[^1] = offers[^1] with { Currency = Next("a currency") };
            else if (word == "by") offers[^1] = offers[^1] with { Seller = Next("a seller") };
            else if (word is "exclusive" or "shared") offers[^1] = offers[^1] with { Sharing = word == "shared" ? Sharing.Shared : Sharing.Exclusive };
            else if (word == "yes") offers.Add(new(null, null));
            else if (Engine.Values.Money.TryParse(word, out var price)) offers.Add(new(price, null));
            else return BidAnswer.Declined(Reasons.All.First(reason => reason.Wire == word).Reason);
        }
        return new(offers, Reason.None);
    }

    /// <summary>The rest of the line: members of a ping by their names, every other name a field.</summary>
    public PingCall Ping(CatalogModel model)
    {
        var fields = new List<KeyValuePair<string, string>>();
        var call = new PingCall(model.Publishers.ContainsKey("search") ? "search" : model.Publishers.Keys.First(), "auto", fields);
        while (HasMore)
        {
            var (name, value) = Pair();
            switch (name)
            {
                case "publisher": call = call with { Publisher = value }; break;
                case "vertical": call = call with { Vertical = value }; break;
                case "sub_id": call = call with { SubId = value }; break;
                case "channel": call = call with { Channel = value }; break;
                case "seed": call = call with { Seed = (ulong)Whole(value) }; break;
                case "min_payout": call = call with { MinPayout = Money(value) }; break;
                case "max_copies": call = call with { MaxCopies = Whole(value) }; break;
                case "sold_elsewhere": call = call with { SoldElsewhere = Whole(value) }; break;
                case "sold_to": call = call with { SoldTo = value.Split(',') }; break;
                case "test": call = call with { Test = value == "true" }; break;
                // @ before a hash's value: the hash of what follows.
                default: fields.Add(new(name, value is ['@', ..] ? Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(value[1..]))) : value)); break;
            }
        }
        return call;
    }

    public PostCall Post()
    {
        var fields = new List<KeyValuePair<string, string>>();
        var call = new PostCall(fields);
        while (HasMore)
        {
            var (name, value) = Pair();
            switch (name)
            {
                case "offers": call = call with { OfferIds = value.Split(',') }; break;
                case "min_payout": call = call with { MinPayout = Money(value) }; break;
                case "sellers": call = call with { Sellers = value.Split(',', StringSplitOptions.RemoveEmptyEntries) }; break;
                default: fields.Add(new(name, value)); break;
            }
        }
        return call;
    }

    /// <summary>The rest of the line.</summary>
    public List<KeyValuePair<string, string>> Fields()
    {
        var fields = new List<KeyValuePair<string, string>>();
        while (HasMore)
        {
            var (name, value) = Pair();
            fields.Add(new(name, value));
        }
        return fields;
    }

    public void End()
    {
        if (HasMore) throw Wrong($"`{statement.Words[at]}` is one word too many");
    }

    private (string Name, string Value) Pair()
    {
        var word = Next("name=value");
        var equals = word.IndexOf('=', StringComparison.Ordinal);
        return equals > 0 ? (word[..equals], word[(equals + 1)..]) : throw Wrong($"`{word}` is not name=value");
    }

    private Money Money(string text) => Engine.Values.Money.TryParse(text, out var money) ? money : throw Wrong($"`{text}` is no amount of money");

    private int Whole(string text) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : throw Wrong($"`{text}` is no number");
}
