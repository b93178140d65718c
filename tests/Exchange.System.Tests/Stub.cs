using System.Reflection;

namespace Exchange.System.Tests;

/// <summary>An interface of which a test uses a few members.</summary>
public class Stub : DispatchProxy
{
    private Func<string, object?[], object?> answer = null!;

    /// <param name="answer">By the member's name (a property's is <c>get_…</c>) and its arguments.</param>
    public static T Of<T>(Func<string, object?[], object?> answer) where T : class
    {
        var stub = Create<T, Stub>();
        ((Stub)(object)stub).answer = answer;
        return stub;
    }

    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args) => answer(targetMethod!.Name, args ?? []);
}
