namespace Exchange.Server.Problems;

public static class ProblemsComposition
{
    /// <summary>Must be the first middleware.</summary>
    public static IApplicationBuilder UseProblems(this IApplicationBuilder app) => app.UseMiddleware<ProblemMiddleware>();
}
