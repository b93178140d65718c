using Exchange.Engine.Catalog;
using Exchange.Grains.Catalog;
using Exchange.Grains.Intake;

namespace Exchange.Server.Admin;

/// <summary>Applies changed catalogs and tells what came of it; shared by everything that changes one.</summary>
internal static class CatalogChanges
{
    /// <summary>A change that lost a race against another is made again on the newer catalog, this often.</summary>
    private const int Tries = 5;

    public static Reply Answer(ApplyOutcome outcome, bool dryRun)
    {
        if (outcome.Conflict) return Precondition.Conflict(outcome.Version);
        if (outcome.Errors.Count > 0) return Problem.Invalid(outcome.Errors);
        return Reply.Json(json =>
        {
            json.WriteNumber("version", outcome.Version);
            json.WriteBoolean("dry_run", dryRun);
            json.WriteObjects("changes", outcome.Changes, change =>
            {
                json.WriteString("kind", Kind(change.Kind));
                json.WriteString("path", change.Path);
                json.WriteString("old", change.Old);
                json.WriteString("new", change.New);
            });
            json.WriteErrors("warnings", outcome.Warnings);
        }) with { Version = outcome.Version };
    }

    private static string Kind(ChangeKind kind) => kind switch
    {
        ChangeKind.Added => "added",
        ChangeKind.Removed => "removed",
        _ => "changed",
    };

    /// <summary>
    /// Changes the newest catalog by <paramref name="change"/>, which gives the new tree or the problem why not. Under a precondition of
    /// any version it is made on whatever is newest; under a version, on that or not at all.
    /// </summary>
    public static async Task<Reply> ApplyAsync(ApiCall call, Precondition precondition, Func<ConfigMap, (ConfigNode? Root, Problem? Problem)> change)
    {
        for (var tries = 1; ; tries++)
        {
            var (version, root) = await call.Catalog.NewestAsync(call.Cancel);
            if (!precondition.Holds(version)) return Precondition.Conflict(version);
            var (changed, problem) = change(root);
            if (problem is not null) return problem;
            var outcome = await call.Catalog.ApplyAsync(changed!, version, call.Caller.Name, false, call.Cancel);
            if (!outcome.Conflict || precondition.Expected is not null || tries == Tries) return Answer(outcome, false);
        }
    }
}
