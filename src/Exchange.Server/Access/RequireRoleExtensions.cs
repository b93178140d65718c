using Exchange.Engine;
using Exchange.Server.Problems;
using Exchange.Storage;

namespace Exchange.Server.Access;

/// <summary>Which roles an endpoint lets in; kept as metadata so that a test can walk the route table.</summary>
public sealed record RequiredRoles(IReadOnlyList<KeyRole> Roles);

public static class RequireRoleExtensions
{
    /// <summary>
    /// Only callers with one of these roles get to the endpoint's handler, which asks <see cref="GetCaller"/> who it is.
    /// Works on single endpoints and on groups, for handlers of any shape. There is no order among roles: name each one that may.
    /// </summary>
    public static TBuilder RequireRole<TBuilder>(this TBuilder builder, params KeyRole[] roles) where TBuilder : IEndpointConventionBuilder
    {
        Invariant.Require(roles.Length > 0);
        builder.Add(endpoint =>
        {
            endpoint.Metadata.Add(new RequiredRoles(roles));
            var gate = endpoint.ApplicationServices.GetRequiredService<Gate>();
            var next = endpoint.RequestDelegate;
            Invariant.Require(next is not null);
            endpoint.RequestDelegate = context =>
            {
                if (gate.Check(context, roles, out var caller) is { } problem) return ProblemWriter.WriteAsync(context, problem);
                context.Features.Set(caller);
                return next(context);
            };
        });
        return builder;
    }

    /// <summary>The caller that <see cref="RequireRole"/> let in.</summary>
    public static Caller GetCaller(this HttpContext context)
    {
        var caller = context.Features.Get<Caller>();
        Invariant.Require(caller is not null);
        return caller;
    }
}
