using Exchange.Grains.Intake;

namespace Exchange.Server.Intake;

/// <summary>An endpoint whose calls come in by the door, of either wire: they wait or are turned away in an overload.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class AdmittedAttribute(Work work) : Attribute
{
    public Work Work { get; } = work;
}
