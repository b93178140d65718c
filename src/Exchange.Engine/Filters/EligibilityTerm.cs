namespace Exchange.Engine.Filters;

/// <summary>
/// What a filter asks of one field, told exactly: whether it takes a value nobody named, at which values that turns, and whether it takes a field
/// that was not given. Immutable; terms that say the same are equal, so that filters which ask the same share their bits.
/// </summary>
internal abstract class EligibilityTerm : IEquatable<EligibilityTerm>
{
    /// <summary>Two terms longer than this together are not worked into one: what they say is asked of each.</summary>
    private const int LongestPair = 4_096;

    private readonly int hash;

    protected EligibilityTerm(bool ifAbsent, bool ifOther, int hash)
    {
        IfAbsent = ifAbsent;
        IfOther = ifOther;
        this.hash = HashCode.Combine(ifAbsent, ifOther, hash);
    }

    public bool IfAbsent { get; }

    /// <summary>Texts: whether a text that is not listed is taken. Numbers: whether those below every turning point are.</summary>
    public bool IfOther { get; }

    /// <summary>How many texts are listed, or at how many numbers it turns.</summary>
    public abstract int Length { get; }

    public bool IsNever => Length == 0 && !IfAbsent && !IfOther;
    public bool IsAlways => Length == 0 && IfAbsent && IfOther;

    /// <summary>The same values turned where <paramref name="flipped"/>, with another answer for a field that was not given.</summary>
    public abstract EligibilityTerm With(bool flipped, bool ifAbsent);

    public EligibilityTerm Not() => With(flipped: true, !IfAbsent);

    /// <summary>Null: too long to be worked into one.</summary>
    public EligibilityTerm? And(EligibilityTerm other) => Join(other, any: false);

    /// <summary>Null: too long to be worked into one.</summary>
    public EligibilityTerm? Or(EligibilityTerm other) => Join(other, any: true);

    private EligibilityTerm? Join(EligibilityTerm other, bool any) =>
        Length + other.Length > LongestPair ? null : Joined(other, any, any ? IfAbsent | other.IfAbsent : IfAbsent & other.IfAbsent);

    protected abstract EligibilityTerm Joined(EligibilityTerm other, bool any, bool ifAbsent);

    protected abstract bool SameValues(EligibilityTerm other);

    public bool Equals(EligibilityTerm? other) =>
        ReferenceEquals(this, other) || other is not null && hash == other.hash && IfAbsent == other.IfAbsent && IfOther == other.IfOther && SameValues(other);

    public override bool Equals(object? obj) => Equals(obj as EligibilityTerm);
    public override int GetHashCode() => hash;
}

/// <summary><see cref="Turns"/>: ascending; from each of them on the answer is the other one.</summary>
internal sealed class NumberTerm : EligibilityTerm
{
    private NumberTerm(bool ifAbsent, bool ifOther, long[] turns, int turnsHash) : base(ifAbsent, ifOther, turnsHash)
    {
        Turns = turns;
        this.turnsHash = turnsHash;
    }

    private readonly int turnsHash;

    public static NumberTerm Given { get; } = new(false, true, [], 0);

    public long[] Turns { get; }
    public override int Length => Turns.Length;

    public static NumberTerm Of(NumberRange range)
    {
        if (range.Low > range.High) return new(false, false, [], 0);
        var turns = new List<long>(2);
        if (range.Low > long.MinValue) turns.Add(range.Low);
        if (range.High < long.MaxValue) turns.Add(range.High + 1);
        return Of(range.Low == long.MinValue, [.. turns]);
    }

    public static NumberTerm Of(IReadOnlyCollection<long> numbers)
    {
        var sorted = numbers.Distinct().Order().ToArray();
        var turns = new List<long>(sorted.Length * 2);
        foreach (var number in sorted)
        {
            if (turns.Count > 0 && turns[^1] == number) turns.RemoveAt(turns.Count - 1);
            else if (number > long.MinValue) turns.Add(number);
            if (number < long.MaxValue) turns.Add(number + 1);
        }
        return Of(sorted.Length > 0 && sorted[0] == long.MinValue, [.. turns]);
    }

    private static NumberTerm Of(bool ifOther, long[] turns) => new(false, ifOther, turns, Hash(turns));

    public override EligibilityTerm With(bool flipped, bool ifAbsent) => new NumberTerm(ifAbsent, IfOther != flipped, Turns, turnsHash);

    protected override EligibilityTerm Joined(EligibilityTerm other, bool any, bool ifAbsent)
    {
        var (a, b) = (Turns, ((NumberTerm)other).Turns);
        var (inA, inB) = (IfOther, other.IfOther);
        var start = any ? inA | inB : inA & inB;
        var inside = start;
        var turns = new List<long>(a.Length + b.Length);
        for (int i = 0, j = 0; i < a.Length || j < b.Length;)
        {
            var at = j == b.Length || i < a.Length && a[i] <= b[j] ? a[i] : b[j];
            if (i < a.Length && a[i] == at) { inA = !inA; i++; }
            if (j < b.Length && b[j] == at) { inB = !inB; j++; }
            if ((any ? inA | inB : inA & inB) == inside) continue;
            inside = !inside;
            turns.Add(at);
        }
        var joined = turns.ToArray();
        return new NumberTerm(ifAbsent, start, joined, Hash(joined));
    }

    protected override bool SameValues(EligibilityTerm other) =>
        other is NumberTerm numbers && (ReferenceEquals(Turns, numbers.Turns) || Turns.AsSpan().SequenceEqual(numbers.Turns));

    private static int Hash(long[] turns)
    {
        var hash = new HashCode();
        foreach (var turn in turns) hash.Add(turn);
        return hash.ToHashCode();
    }
}

/// <summary><see cref="Listed"/>: for these texts (compared without case, each once, in order) the answer is the other one.</summary>
internal sealed class TextTerm : EligibilityTerm
{
    private static readonly StringComparer Comparer = StringComparer.OrdinalIgnoreCase;

    private readonly int listedHash;

    private TextTerm(bool ifAbsent, bool ifOther, string[] listed, int listedHash) : base(ifAbsent, ifOther, listedHash)
    {
        Listed = listed;
        this.listedHash = listedHash;
    }

    public static TextTerm Given { get; } = new(false, true, [], 0);

    public string[] Listed { get; }
    public override int Length => Listed.Length;

    /// <param name="texts">Those that are taken.</param>
    public static TextTerm Of(IReadOnlyCollection<string> texts)
    {
        var listed = texts.Distinct(Comparer).Order(Comparer).ToArray();
        return new(false, false, listed, Hash(listed));
    }

    public override EligibilityTerm With(bool flipped, bool ifAbsent) => new TextTerm(ifAbsent, IfOther != flipped, Listed, listedHash);

    protected override EligibilityTerm Joined(EligibilityTerm other, bool any, bool ifAbsent)
    {
        var (a, b) = (Listed, ((TextTerm)other).Listed);
        var ifOther = any ? IfOther | other.IfOther : IfOther & other.IfOther;
        var listed = new List<string>(a.Length + b.Length);
        for (int i = 0, j = 0; i < a.Length || j < b.Length;)
        {
            var order = i == a.Length ? 1 : j == b.Length ? -1 : Comparer.Compare(a[i], b[j]);
            var text = order <= 0 ? a[i] : b[j];
            var (inA, inB) = (IfOther != order <= 0, other.IfOther != order >= 0);
            if (order <= 0) i++;
            if (order >= 0) j++;
            if ((any ? inA | inB : inA & inB) != ifOther) listed.Add(text);
        }
        var joined = listed.ToArray();
        return new TextTerm(ifAbsent, ifOther, joined, Hash(joined));
    }

    protected override bool SameValues(EligibilityTerm other) =>
        other is TextTerm texts && (ReferenceEquals(Listed, texts.Listed) || Listed.AsSpan().SequenceEqual(texts.Listed, Comparer));

    private static int Hash(string[] listed)
    {
        var hash = new HashCode();
        foreach (var text in listed) hash.Add(text, Comparer);
        return hash.ToHashCode();
    }
}
