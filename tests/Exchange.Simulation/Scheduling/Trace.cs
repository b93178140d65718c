using System.Globalization;

namespace Exchange.Simulation.Scheduling;

/// <summary>What happened, as a hash of all of it and the words of the last. Two runs of one seed have the same hash.</summary>
internal sealed class Trace
{
    private const int Kept = 400;
    private const ulong Prime = 0x100000001B3UL;

    private readonly (long AtMs, string Who, string What, string? Whom, long Number)[] last = new (long, string, string, string?, long)[Kept];
    private long count;

    public ulong Hash { get; private set; } = 0xCBF29CE484222325UL;

    public void Note(long atMs, string who, string what, string? whom = null, long number = 0)
    {
        last[count++ % Kept] = (atMs, who, what, whom, number);
        Mix(unchecked((ulong)atMs));
        Mix(who);
        Mix(what);
        if (whom is not null) Mix(whom);
        Mix(unchecked((ulong)number));
    }

    public void Mix(ulong number) => Hash = unchecked((Hash ^ number) * Prime);

    private void Mix(string text)
    {
        var hash = Hash;
        foreach (var c in text) hash = unchecked((hash ^ c) * Prime);
        Hash = hash;
    }

    /// <summary>The last events, oldest first.</summary>
    public IEnumerable<string> Last(int atMost)
    {
        for (var i = Math.Max(0, count - Math.Min(atMost, Kept)); i < count; i++)
        {
            var (atMs, who, what, whom, number) = last[i % Kept];
            yield return string.Create(CultureInfo.InvariantCulture, $"{(atMs - SimLoop.StartMs) / 1000.0,9:0.000} s  {who,-9} {what} {whom} {(number == 0 ? "" : number)}");
        }
    }
}
