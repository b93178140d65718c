using System.Text;
using Exchange.Engine.Values;
using Exchange.Simulation.Checks;
using Exchange.Simulation.Scheduling;
using Exchange.Simulation.World;

namespace Exchange.Simulation.Buyers;

/// <summary>How a buyer behaves.</summary>
internal enum BuyerKind
{
    /// <summary>Decides once for a message id and says the same whenever it is asked.</summary>
    Honest,
    /// <summary>Says "duplicate" to what it took before.</summary>
    Deduping,
    /// <summary>Decides anew each time it is asked.</summary>
    Fickle,
}

/// <summary>What comes back for one message. Status 0: nothing ever.</summary>
internal readonly record struct BuyerReply(int Status, string Body, Word Said, long AfterMs);

/// <summary>One buyer: its mind about each copy, and what goes wrong on its side.</summary>
internal sealed class BuyerMind(SimWorld world, BuyerKind kind, int yesPerMille, int faultPerMille)
{
    private readonly Dictionary<CopyId, bool> decided = [];

    public static BuyerMind Draw(SimWorld world, SimRandom random, bool faulty) => new(
        world, faulty ? (BuyerKind)random.Next(3) : BuyerKind.Honest, random.Pick([200, 500, 800, 1000]), faulty ? random.Pick([0, 100, 300, 600]) : 0);

    public BuyerReply Answer(CopyId copy, bool isSold)
    {
        var random = world.Random;
        var thinks = random.Between(0, world.IsFaulty ? 700 : 50);
        var before = decided.TryGetValue(copy, out var yes);
        if (!before || kind == BuyerKind.Fickle) yes = isSold || random.Chance(yesPerMille);
        if (world.IsFaulty && random.Chance(faultPerMille))
        {
            switch (random.Next(7))
            {
                case 0: return world.Counted(Fault.BuyerRefused, new BuyerReply(random.Pick([429, 503]), "", Word.NotNow, thinks));
                case 1:
                    // What it was told by status it did not take.
                    if (isSold || before) break;
                    decided[copy] = false;
                    return world.Counted(Fault.BuyerRefused, new BuyerReply(random.Pick([400, 404, 410]), "", Word.No, thinks));
                case 2: decided[copy] = yes; return world.Counted(Fault.BuyerHung, new BuyerReply(0, "", Word.Unclear, 0));
                case 3: decided[copy] = yes; return world.Counted(Fault.BuyerHung, new BuyerReply(200, Text(yes), yes ? Word.Yes : Word.No, random.Between(900, 4_000)));
                case 4: decided[copy] = yes; return world.Counted(Fault.BuyerGarbage, new BuyerReply(200, random.Pick(["<html>", "{\"answer\":7}", "{\"answer\":\"yes", "[]"]), Word.Unclear, thinks));
                case 5: decided[copy] = yes; return world.Counted(Fault.BuyerGarbage, new BuyerReply(random.Pick([500, 502, 302]), "", Word.Unclear, thinks));
                default:
                    if (isSold) break;
                    return world.Counted(Fault.BuyerHung, new BuyerReply(200, """{"answer":"pending"}""", Word.Unclear, thinks));
            }
        }
        if (before && kind == BuyerKind.Fickle) world.Count(Fault.BuyerLied);
        decided[copy] = yes;
        if (before && yes && kind == BuyerKind.Deduping) return new(200, """{"answer":"duplicate"}""", Word.Yes, thinks);
        return new(200, Text(yes), yes ? Word.Yes : Word.No, thinks);
    }

    /// <summary>What it bids when it is asked: the prices that count, the answer, and how long it thinks.</summary>
    public (string[] Prices, string Body, long AfterMs) Bid()
    {
        var random = world.Random;
        var thinks = random.Between(0, 60);
        if (random.Chance(150)) return ([], """{"bids":[]}""", thinks);
        if (world.IsFaulty && random.Chance(faultPerMille))
        {
            switch (random.Next(3))
            {
                case 0: return ([], random.Pick(["<html>", "{\"bids\":7}", "{\"bids\":[{\"price\":\"-1.00\"}]}", "{\"bids\":[{\"price\":\"9.00\",\"currency\":\"EUR\"}]}"]), thinks);
                case 1: thinks = random.Between(250, 2_000); break;
                default: thinks = 4_000; break;
            }
        }
        // What it bids twice in one answer is its best.
        string[] prices = [.. Enumerable.Range(0, random.Chance(200) ? 2 : 1).Select(_ => random.Pick(Prices))];
        return (prices, $$"""{"bids":[{{string.Join(',', prices.Select(price => $$"""{"price":"{{price}}","ref":"r"{{(random.Chance(300) ? ",\"expires_in\":5" : "")}}}"""))}}]}""", thinks);
    }

    private static readonly string[] Prices = ["13.00", "12.50", "10.00", "8.00", "4.00", "2.00"];

    private static string Text(bool yes) => yes ? """{"answer":"accepted","ref":"r"}""" : """{"answer":"rejected","reason":"no"}""";

    public static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);
}
