using Exchange.Engine.Values;

namespace Exchange.Server.Access;

public static class AccessComposition
{
    /// <summary>Needs IAccessStore, IVault and TimeProvider. The composition awaits <see cref="ApiKeys.EnsureAdminAsync"/> before it listens.</summary>
    /// <param name="proxies">The operator's own, whose <c>X-Forwarded-For</c> counts.</param>
    /// <param name="allowed">From where each publisher may call.</param>
    public static IServiceCollection AddAccess(this IServiceCollection services, IpRanges proxies, Func<IServiceProvider, AllowedAddresses> allowed) => services
        .AddSingleton<ApiKeys>()
        .AddSingleton(provider => new Gate(provider.GetRequiredService<ApiKeys>(), allowed(provider), proxies));
}
