namespace Exchange.LoadTests.Buyers.Shapes;

/// <summary>How a buyer behaves: shares of its calls in percent, in this order; what is left is answered well.</summary>
/// <param name="LatencyMs">Before every answer, and up to as much again.</param>
/// <param name="Refuse">It says no.</param>
/// <param name="Garbage">Its answer is not what it should be: cut off, another format, empty.</param>
/// <param name="Error">A 5xx, 429 or 408.</param>
/// <param name="Hang">It takes the request and never answers.</param>
/// <param name="Drop">It takes the request and closes the connection.</param>
/// <param name="Lie">At a ping a price that is none, at a post a no for a lead whose bid it made.</param>
internal sealed record BuyerProfile(string Name, int LatencyMs, int Refuse, int Garbage, int Error, int Hang, int Drop, int Lie)
{
    public static IReadOnlyList<BuyerProfile> All { get; } =
    [
        new("honest", 0, 0, 0, 0, 0, 0, 0),
        new("slow", 400, 0, 0, 0, 0, 0, 0),
        new("refusing", 0, 100, 0, 0, 0, 0, 0),
        new("garbage", 0, 0, 100, 0, 0, 0, 0),
        new("failing", 0, 0, 0, 100, 0, 0, 0),
        new("hanging", 0, 0, 0, 0, 100, 0, 0),
        new("dropping", 0, 0, 0, 0, 0, 100, 0),
        new("lying", 0, 0, 0, 0, 0, 0, 50),
        new("mixed", 5, 20, 10, 10, 3, 7, 10),
    ];

    public static BuyerProfile Find(string name) => All.First(profile => profile.Name == name);
}
