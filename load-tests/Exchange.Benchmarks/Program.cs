using BenchmarkDotNet.Running;

// dotnet run -c Release --project load-tests/Exchange.Benchmarks -- --filter '*' --job short
BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args);
