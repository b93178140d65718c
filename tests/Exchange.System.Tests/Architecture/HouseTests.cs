using System.Reflection;
using System.Xml.Linq;
using Exchange.Engine;
using Exchange.Grains.Intake;
using Exchange.System.Tests.BlackBox;
using NetArchTest.Rules;
using Orleans;
using Orleans.Runtime;
using Shouldly;

namespace Exchange.System.Tests.Architecture;

/// <summary>The house as it is drawn: who may know whom, and what the engine may never touch.</summary>
public sealed class HouseTests
{
    private static readonly Assembly Engine = typeof(Reason).Assembly;
    private static readonly Assembly Grains = typeof(Problem).Assembly;

    [Theory]
    [InlineData("Exchange.Engine", "")]
    [InlineData("Exchange.Storage", "Exchange.Engine")]
    [InlineData("Exchange.Delivery", "Exchange.Engine")]
    [InlineData("Exchange.Grains", "Exchange.Delivery Exchange.Engine Exchange.Storage")]
    [InlineData("Exchange.Server", "Exchange.Delivery Exchange.Engine Exchange.Grains Exchange.Storage")]
    public void Project_OfTheHouse_ReferencesOnlyWhatIsDrawn(string project, string allowed) =>
        Including(ProjectFile("src", project), "ProjectReference").Select(path => Path.GetFileNameWithoutExtension(path)).Order(StringComparer.Ordinal)
            .ShouldBeSubsetOf(allowed.Split(' ', StringSplitOptions.RemoveEmptyEntries));

    [Fact]
    public void House_HasTheProjectsThatAreDrawnAndNoOther()
    {
        Names("src").ShouldBe(["Exchange.Delivery", "Exchange.Engine", "Exchange.Grains", "Exchange.Server", "Exchange.Storage"]);
        Names("tests").ShouldBe(["Exchange.Engine.Tests", "Exchange.Simulation", "Exchange.System.Tests"]);
        Names("load-tests").ShouldBe(["Exchange.Benchmarks", "Exchange.LoadTests"]);
        Including(ProjectFile("tests", "Exchange.Engine.Tests"), "ProjectReference").Select(Path.GetFileNameWithoutExtension).ShouldBe(["Exchange.Engine"]);

        static IEnumerable<string?> Names(string folder) => Repository.Files(folder, "*.csproj").Select(Path.GetFileNameWithoutExtension).Order(StringComparer.Ordinal);
    }

    [Fact]
    public void House_HasNoRoomForThingsWithoutAName()
    {
        string[] banned = ["Common", "Shared", "Core", "Utils", "Utilities", "Helpers", "Abstractions", "Misc"];
        foreach (var folder in (string[])["src", "tests", "load-tests"])
            Repository.Files(folder, "*.cs").SelectMany(file => Path.GetRelativePath(Repository.Root, file).Split(Path.DirectorySeparatorChar)).Intersect(banned).ShouldBeEmpty();
    }

    [Fact]
    public void Engine_HasNoPackagesOfItsOwn() => Including(ProjectFile("src", "Exchange.Engine"), "PackageReference").ShouldBeEmpty();

    [Fact]
    public void Engine_DependsOnNothingThatActsOrWaitsOrDraws()
    {
        var result = Types.InAssembly(Engine).That().ResideInNamespace("Exchange.Engine").ShouldNot().HaveDependencyOnAny(
            "System.IO.File", "System.IO.Stream", "System.IO.Directory", "System.Net.Http", "System.Net.Sockets", "System.Threading.Tasks.Task", "System.Random",
            "System.TimeProvider", "System.Diagnostics.Stopwatch", "System.Environment", "System.Console", "Microsoft.Data", "Microsoft.Extensions", "Microsoft.AspNetCore",
            "Orleans", "Google.Protobuf", "Grpc").GetResult();
        (result.FailingTypeNames ?? []).ShouldBeEmpty();
    }

    [Fact]
    public void Engine_KnowsNoFloatingPointAndNoDecimal()
    {
        Type[] banned = [typeof(float), typeof(double), typeof(decimal), typeof(Half)];
        const BindingFlags all = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.Instance | BindingFlags.DeclaredOnly;
        var found = new List<string>();
        foreach (var type in Engine.GetTypes().Where(type => type.Namespace?.StartsWith("Exchange.Engine", StringComparison.Ordinal) == true))
        {
            found.AddRange(type.GetFields(all).Where(field => Holds(field.FieldType)).Select(field => $"{type.FullName}.{field.Name}"));
            foreach (var method in type.GetMethods(all).Cast<MethodBase>().Concat(type.GetConstructors(all)))
            {
                if (method is MethodInfo { ReturnType: var returned } && Holds(returned)) found.Add($"{type.FullName}.{method.Name} returns");
                if (method.GetParameters().Any(parameter => Holds(parameter.ParameterType))) found.Add($"{type.FullName}.{method.Name} takes");
                if (method.GetMethodBody()?.LocalVariables.Any(local => Holds(local.LocalType)) == true) found.Add($"{type.FullName}.{method.Name} uses");
            }
        }
        found.ShouldBeEmpty();

        bool Holds(Type type) => type.HasElementType ? Holds(type.GetElementType()!)
            : banned.Contains(type) || (type.IsGenericType && type.GetGenericArguments().Any(Holds));
    }

    [Fact]
    public void Reasons_HaveStableNumbersInTheirRangesAndNamesOfTheirOwn()
    {
        var numbers = Enum.GetValues<Reason>().Where(reason => reason != Reason.None).ToList();
        Enum.GetNames<Reason>().Length.ShouldBe(Enum.GetValues<Reason>().Distinct().Count());
        Reasons.All.Select(info => info.Reason).ShouldBe(numbers);
        Reasons.All.Select(info => info.Wire).ShouldBeUnique();
        Reasons.All.Select(info => info.Wire).ShouldBe(Reasons.All.Select(info => Snake(info.Reason.ToString())));
        numbers.ShouldAllBe(reason => (int)reason >= 100 && (int)reason < 900);
        // The number says the stage: these are where each stage begins and ends.
        ((int)Reason.InvalidField, (int)Reason.CampaignPaused, (int)Reason.NoBid, (int)Reason.BelowFloor).ShouldBe((100, 200, 300, 400));
        ((int)Reason.BuyerRejected, (int)Reason.InDoubt, (int)Reason.ReturnWindowClosed, (int)Reason.NoEligibleCampaign).ShouldBe((500, 600, 700, 800));

        static string Snake(string name) => string.Concat(name.Select((c, i) => char.IsUpper(c) ? (i == 0 ? "" : "_") + char.ToLowerInvariant(c) : c.ToString()));
    }

    [Fact]
    public void Grains_KeepMemoryUnderNamesOfTheirOwnAndNeverByInheritance()
    {
        var grains = Grains.GetTypes().Where(type => typeof(Grain).IsAssignableFrom(type)).ToList();
        grains.ShouldNotBeEmpty();
        grains.Where(Stateful).ShouldBeEmpty();
        var states = grains.SelectMany(grain => grain.GetConstructors()).SelectMany(constructor => constructor.GetParameters())
            .Select(parameter => parameter.GetCustomAttribute<PersistentStateAttribute>()).OfType<PersistentStateAttribute>().ToList();
        states.ShouldNotBeEmpty();
        states.Select(state => state.StateName).ShouldBeUnique();
        states.Select(state => state.StorageName).Distinct().ShouldHaveSingleItem().ShouldNotBeNullOrEmpty();

        static bool Stateful(Type type)
        {
            for (var up = type.BaseType; up is not null; up = up.BaseType)
                if (up.IsGenericType && up.GetGenericTypeDefinition() == typeof(Grain<>)) return true;
            return false;
        }
    }

    [Fact]
    public void GrainMessages_HaveAliasesOfTheirOwn()
    {
        var messages = Grains.GetTypes().Where(type => type.GetCustomAttribute<GenerateSerializerAttribute>() is not null).ToList();
        messages.ShouldNotBeEmpty();
        var aliases = messages.Select(type => (Type: type.FullName, type.GetCustomAttribute<AliasAttribute>()?.Alias)).ToList();
        aliases.Where(message => string.IsNullOrEmpty(message.Alias)).ShouldBeEmpty();
        aliases.Select(message => message.Alias).ShouldBeUnique();
    }

    [Fact]
    public void Sockets_AreOpenedInDeliveryAndTheCommandLineOnly()
    {
        string[] words = ["new HttpClient", "new(new SocketsHttpHandler", "new SocketsHttpHandler", "new HttpClientHandler", "new TcpClient", "new Socket(", "SocketsHttpHandler Sockets()", "new SftpClient(", ": SmtpClient"];
        var found = Repository.Files("src", "*.cs").Where(file => File.ReadAllText(file) is var text && words.Any(word => text.Contains(word, StringComparison.Ordinal)))
            .Select(file => Path.GetRelativePath(Repository.Root, file).Replace('\\', '/')).Order(StringComparer.Ordinal);
        found.ShouldBe(
        [
            "src/Exchange.Delivery/Connectors/Sftp.cs", "src/Exchange.Delivery/Connectors/SmtpConnection.cs", "src/Exchange.Delivery/OutboundHttp.cs", "src/Exchange.Delivery/PublicHosts.cs",
            "src/Exchange.Server/Cli/ExchangeClient.cs",
        ]);
    }

    [Fact]
    public void Sql_IsWrittenInStorageOnly() =>
        Repository.Files("src", "*.cs").Where(file => !file.Contains("Exchange.Storage", StringComparison.Ordinal))
            .Where(file => File.ReadAllText(file) is var text && (text.Contains("Microsoft.Data.Sqlite", StringComparison.Ordinal) || text.Contains("Npgsql", StringComparison.Ordinal) || text.Contains("using Dapper", StringComparison.Ordinal)))
            .Select(Path.GetFileName).ShouldBeEmpty();

    [Fact]
    public void LockFileOfTheForeignClient_NamesNoHost() =>
        File.ReadAllText(Repository.Path("tests", "foreign-client", "package-lock.json")).ShouldNotContain("\"resolved\"");

    private static XDocument ProjectFile(string folder, string project) => XDocument.Load(Repository.Path(folder, project, project + ".csproj"));

    private static IEnumerable<string> Including(XDocument project, string item) => project.Descendants(item).Select(element => element.Attribute("Include")!.Value);
}
