using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Running;

// dotnet run -c Release --project load-tests/Exchange.Benchmarks -- --filter '*' --job short
// Each job is built anew with all it references: on a small, busy machine that takes longer than the two minutes that are usual.
var config = ManualConfig.Create(DefaultConfig.Instance).WithBuildTimeout(TimeSpan.FromMinutes(10));
BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args, config);
