using Exchange.Grains.Intake;

namespace Exchange.Server.Intake;

/// <summary>An endpoint whose calls are turned away in an overload, of either wire.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class AdmittedAttribute(Work work) : Attribute
{
    public Work Work { get; } = work;
}
