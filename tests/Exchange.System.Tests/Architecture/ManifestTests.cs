using Exchange.System.Tests.BlackBox;
using Shouldly;
using YamlDotNet.RepresentationModel;

namespace Exchange.System.Tests.Architecture;

/// <summary>The Kubernetes manifests: what they ask for, and that their parts fit each other.</summary>
public sealed class ManifestTests
{
    public static TheoryData<string> Bases => new("base", "embedded");

    [Theory]
    [MemberData(nameof(Bases))]
    public void StatefulSet_SatisfiesTheRestrictedProfile(string folder)
    {
        var pod = Read(folder, "statefulset").Single()["spec"]["template"]["spec"];
        pod["automountServiceAccountToken"].ToString().ShouldBe("false");
        (pod["securityContext"]["runAsNonRoot"].ToString(), pod["securityContext"]["seccompProfile"]["type"].ToString()).ShouldBe(("true", "RuntimeDefault"));
        var container = Container(folder)["securityContext"];
        (container["allowPrivilegeEscalation"].ToString(), container["readOnlyRootFilesystem"].ToString()).ShouldBe(("false", "true"));
        ((YamlSequenceNode)container["capabilities"]["drop"]).Select(node => node.ToString()).ShouldBe(["ALL"]);
        Read(folder, "namespace").Single()["metadata"]["labels"]["pod-security.kubernetes.io/enforce"].ToString().ShouldBe("restricted");
    }

    [Theory]
    [MemberData(nameof(Bases))]
    public void Kustomization_NamesEveryManifestOfItsFolder(string folder) =>
        ((YamlSequenceNode)Read(folder, "kustomization").Single()["resources"]).Select(node => node.ToString())
            .ShouldBe(Repository.Files("k8s/" + folder, "*.yaml").Select(file => Path.GetFileName(file)!).Where(name => name != "kustomization.yaml"), ignoreOrder: true);

    [Theory]
    [MemberData(nameof(Bases))]
    public void Probes_AskTheManagementPort_AndLivenessNothingBesides(string folder)
    {
        var container = Container(folder);
        foreach (var (probe, path) in (ReadOnlySpan<(string, string)>)[("startupProbe", "/health/ready"), ("readinessProbe", "/health/ready"), ("livenessProbe", "/health/live")])
            (container[probe]["httpGet"]["path"].ToString(), container[probe]["httpGet"]["port"].ToString()).ShouldBe((path, "management"));
        ((YamlMappingNode)container["resources"]["limits"]).Children.Keys.Select(key => key.ToString()).ShouldBe(["memory"]);
    }

    /// <summary>A migration that is ended before it is done is undone, and would be ended again.</summary>
    [Theory]
    [MemberData(nameof(Bases))]
    public void Start_MayTakeAnHour(string folder)
    {
        var probe = Container(folder)["startupProbe"];
        (Number(probe["periodSeconds"]) * Number(probe["failureThreshold"])).ShouldBeGreaterThanOrEqualTo(3600);

        static int Number(YamlNode node) => int.Parse(node.ToString(), global::System.Globalization.CultureInfo.InvariantCulture);
    }

    /// <summary>The tool writes the label into other manifests' selectors; a budget without one selects nothing.</summary>
    [Theory]
    [MemberData(nameof(Bases))]
    public void Budget_GuardsThePods(string folder)
    {
        var label = ((YamlMappingNode)Read(folder, "kustomization").Single()["labels"][0]["pairs"]).Single();
        var selector = ((YamlMappingNode)Read(folder, "poddisruptionbudget").Single()["spec"]["selector"]["matchLabels"]).Single();
        (selector.Key.ToString(), selector.Value.ToString()).ShouldBe((label.Key.ToString(), label.Value.ToString()));
    }

    [Fact]
    public void Cluster_IsThreePods_OfWhichOneAtATimeMayGo()
    {
        var set = Read("base", "statefulset").Single()["spec"];
        set["replicas"].ToString().ShouldBe("3");
        Read("base", "poddisruptionbudget").Single()["spec"]["maxUnavailable"].ToString().ShouldBe("1");
        // Nothing of it is on a pod's disk.
        ((YamlMappingNode)set).Children.ContainsKey("volumeClaimTemplates").ShouldBeFalse();
        // preStop, the drain, and half a minute for what was taken.
        var settings = Read("base", "configmap").Single()["data"];
        var grace = int.Parse(set["template"]["spec"]["terminationGracePeriodSeconds"].ToString(), global::System.Globalization.CultureInfo.InvariantCulture);
        var stop = int.Parse(Container("base")["lifecycle"]["preStop"]["sleep"]["seconds"].ToString(), global::System.Globalization.CultureInfo.InvariantCulture);
        var drain = int.Parse(settings["Exchange__Silo__DrainSeconds"].ToString(), global::System.Globalization.CultureInfo.InvariantCulture);
        grace.ShouldBeGreaterThanOrEqualTo(stop + drain + 35);
    }

    [Fact]
    public void Silos_ReachEachOtherOnTheirPort_AndNobodyElseDoes()
    {
        var port = Read("base", "configmap").Single()["data"]["Exchange__Silo__Port"].ToString();
        ((YamlSequenceNode)Container("base")["ports"]).Single(node => node["name"].ToString() == "silo")["containerPort"].ToString().ShouldBe(port);
        Read("base", "service").SelectMany(service => (YamlSequenceNode)service["spec"]["ports"]).ShouldAllBe(node => node["targetPort"].ToString() != "silo");
        var policy = Read("base", "networkpolicy").Single(document => document["metadata"]["name"].ToString() == "exchange")["spec"];
        var inward = ((YamlSequenceNode)policy["ingress"]).Single(rule => Ports(rule).Contains("silo"));
        inward["from"][0]["podSelector"]["matchLabels"]["app.kubernetes.io/name"].ToString().ShouldBe("exchange");
        ((YamlSequenceNode)inward["from"]).Children.Count.ShouldBe(1);
        ((YamlSequenceNode)policy["egress"]).ShouldContain(rule => Ports(rule).Contains(port));
    }

    [Fact]
    public void Pods_ComeBackUnderTheirNames_AtTheirAddress()
    {
        var variables = ((YamlSequenceNode)Container("base")["env"]).ToDictionary(node => node["name"].ToString());
        variables["Exchange__Silo__Address"]["valueFrom"]["fieldRef"]["fieldPath"].ToString().ShouldBe("status.podIP");
        variables["Exchange__Silo__Name"]["valueFrom"]["fieldRef"]["fieldPath"].ToString().ShouldBe("metadata.name");
    }

    private static IEnumerable<string> Ports(YamlNode rule) => ((YamlSequenceNode)rule["ports"]).Select(node => node["port"].ToString());

    private static YamlNode Container(string folder) => Read(folder, "statefulset").Single()["spec"]["template"]["spec"]["containers"][0];

    private static IEnumerable<YamlNode> Read(string folder, string name)
    {
        var yaml = new YamlStream();
        using var reader = File.OpenText(Repository.Path("k8s", folder, name + ".yaml"));
        yaml.Load(reader);
        return yaml.Documents.Select(document => document.RootNode);
    }
}
