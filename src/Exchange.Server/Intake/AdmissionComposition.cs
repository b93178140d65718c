using Exchange.Grains.Intake;
using Exchange.Server.Grpc;
using Exchange.Server.Observability;
using Exchange.Server.Problems;
using Exchange.Storage;

namespace Exchange.Server.Intake;

/// <summary>Lets calls in, or turns them away in an overload: before the key is looked up and the body is read.</summary>
public static class AdmissionComposition
{
    public static IServiceCollection AddAdmission(this IServiceCollection services, TimeSpan patience) => services.AddSingleton(provider =>
    {
        var store = provider.GetRequiredService<IExchangeStore>();
        return new Admission(TimeProvider.System, patience, () => store.Journal.Waiting, () => store.Journal.Done.Items);
    });

    /// <summary>For endpoints with an <see cref="AdmittedAttribute"/>. Must come after routing.</summary>
    public static IApplicationBuilder UseAdmission(this IApplicationBuilder app)
    {
        var admission = app.ApplicationServices.GetRequiredService<Admission>();
        var metrics = app.ApplicationServices.GetRequiredService<ExchangeMetrics>();
        return app.Use((context, next) =>
        {
            if (context.GetEndpoint()?.Metadata.GetMetadata<AdmittedAttribute>() is not { } admitted) return next(context);
            var entering = admission.EnterAsync(admitted.Work);
            return entering.IsCompletedSuccessfully ? EnteredAsync(entering.Result, context, next) : WaitedAsync(entering, context, next);
        });

        async Task WaitedAsync(ValueTask<Problem?> entering, HttpContext context, RequestDelegate next) => await EnteredAsync(await entering, context, next);

        Task EnteredAsync(Problem? problem, HttpContext context, RequestDelegate next)
        {
            if (problem is null) return next(context);
            var isGrpc = context.Request.Protocol == HttpProtocol.Http2;
            metrics.Refused(isGrpc ? ExchangeMetrics.Grpc : ExchangeMetrics.Http, problem.Code);
            if (!isGrpc) return ProblemWriter.WriteAsync(context, problem);
            RichStatus.WriteOnly(context.Response, problem);
            return Task.CompletedTask;
        }
    }
}
