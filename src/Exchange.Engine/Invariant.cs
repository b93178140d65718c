using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Exchange.Engine;

/// <summary>What must hold at all times, checked in release builds too. A failure is a bug: the request fails closed.</summary>
public static class Invariant
{
    public static void Require([DoesNotReturnIf(false)] bool condition, [CallerArgumentExpression(nameof(condition))] string? what = null)
    {
        if (!condition) throw new InvariantException(what ?? "invariant");
    }
}

/// <summary>A bug in the exchange itself (9xx). Never caused by input. Its message names code only, never data.</summary>
public sealed class InvariantException(string what) : Exception($"Invariant broken: {what}");
