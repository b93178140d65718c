using Exchange.Simulation.World;

namespace Exchange.Simulation.PlantedBugs;

/// <summary>One deliberate mistake. The simulator has to find it.</summary>
/// <param name="Name">What is done wrong, as people would say it.</param>
/// <param name="Plant">A world's seams with the mistake in them.</param>
internal sealed record PlantedBug(string Name, Func<Seams> Plant)
{
    /// <summary>Worlds of the kind in which it shows; null: any. What few worlds have is looked for in those.</summary>
    public Func<Plan, Plan>? In { get; init; }

    public static IReadOnlyList<PlantedBug> All { get; } = [.. Commits.All, .. LimitBugs.All, .. Outcomes.All, .. DeliveryBugs.All, .. Identities.All, .. WaitBugs.All, .. LaterBugs.All];

    public override string ToString() => Name;
}
