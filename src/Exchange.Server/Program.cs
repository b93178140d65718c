using Exchange.Server.Cli;
using Exchange.Server.Hosting;

return await CliRoot.RunAsync(CliRoot.Build(ExchangeHost.ServeAsync, ExchangeHost.MigrateAsync), args);
