namespace Exchange.Server.Access;

public static class AccessComposition
{
    /// <summary>Needs IAccessStore, IVault and TimeProvider. The composition awaits <see cref="ApiKeys.EnsureAdminAsync"/> before it listens.</summary>
    public static IServiceCollection AddAccess(this IServiceCollection services) => services.AddSingleton<ApiKeys>();
}
