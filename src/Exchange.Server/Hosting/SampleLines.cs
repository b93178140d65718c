namespace Exchange.Server.Hosting;

/// <summary>
/// The two lines a newcomer pastes: they fit the sample catalog, which is open at any hour. Each run makes another person, since the same one
/// is sold only once in the vertical's duplicate window.
/// </summary>
public static class SampleLines
{
    /// <summary>The sample publisher whose key the lines carry.</summary>
    public const string Publisher = "rate-finder";

    /// <summary>Pings, shows the answer and keeps its id in <c>$ping_id</c>.</summary>
    public static string Ping(int port, string key) =>
        $$$"""ping_id=$(curl -s http://localhost:{{{port}}}/v1/pings -H 'Authorization: Bearer {{{key}}}' -H 'Content-Type: application/json' -d '{"vertical":"car-insurance","sub_id":"kw-17","fields":{"zip":"90210","state":"CA","age":35,"currently_insured":true,"homeowner":true}}' | tee /dev/stderr | sed 's/.*"ping_id":"\([^"]*\)".*/\1/'); echo""";

    /// <summary>Posts the whole lead of one more made-up person against that ping.</summary>
    public static string Post(int port, string key) =>
        $$$"""curl -s http://localhost:{{{port}}}/v1/posts -H 'Authorization: Bearer {{{key}}}' -H 'Content-Type: application/json' -d '{"ping_id":"'$ping_id'","fields":{"first_name":"Sample","last_name":"Driver","email":"driver-'$RANDOM$RANDOM'@example.com","phone":"+1310'$((2000000 + RANDOM * 200 + RANDOM % 200))'"}}'; echo""";
}
