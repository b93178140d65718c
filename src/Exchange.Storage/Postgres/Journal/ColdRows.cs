using Exchange.Engine.Ledger;
using Exchange.Engine.Values;

namespace Exchange.Storage.Postgres.Journal;

/// <summary>A person in a scope; equal by their bytes.</summary>
internal readonly struct PersonKey(string scope, byte[] hmac) : IEquatable<PersonKey>
{
    public string Scope => scope;
    public byte[] Hmac => hmac;

    public bool Equals(PersonKey other) => scope == other.Scope && hmac.AsSpan().SequenceEqual(other.Hmac);
    public override bool Equals(object? obj) => obj is PersonKey other && Equals(other);
    public override int GetHashCode() => HashCode.Combine(scope, hmac.Length >= 4 ? BitConverter.ToInt32(hmac) : 0);
}

/// <summary>A copy with what it took, as its row has it.</summary>
internal sealed record HeldCopy(
    int No, string OfferId, string Campaign, string Company, bool Exclusive, CopyState State, bool IsCalled, string Tier, long AtMs, string Buyer, string[] Takes, long[] Amounts)
    : JudgedCopy(No, OfferId, Campaign, Company, Exclusive, State, IsCalled, Tier, AtMs);

/// <summary>
/// What a batch's items are judged against: the rows that only they touch, locked and read by the first flush, without those that it made itself.
/// </summary>
internal sealed class ColdRows : IJudgedRows
{
    private readonly Dictionary<LeadId, JudgedLead> leads = [];
    private readonly Dictionary<LeadId, List<JudgedCopy>> copies = [];
    private readonly Dictionary<(string, string), (ClaimedRequest Request, JudgedLead? Lead)> requests = [];
    private readonly Dictionary<LeadId, JudgedLead> others = [];
    private readonly Dictionary<PersonKey, PersonRow> persons = [];
    private readonly Dictionary<LeadId, List<PersonKey>> owned = [];

    /// <summary>When copies were read, by the limits' epoch.</summary>
    public long Epoch { get; set; }
    /// <summary>The database's time when the transaction had begun, Unix milliseconds.</summary>
    public long NowMs { get; set; }
    /// <summary>Made by the first flush: they were not there.</summary>
    public HashSet<LeadId> NewLeads { get; } = [];
    public HashSet<(string Publisher, string Key)> NewRequests { get; } = [];
    public HashSet<PersonKey> NewPersons { get; } = [];

    public void Add(JudgedLead lead) => leads[lead.Id] = lead;

    /// <summary>Of a lead that was added before.</summary>
    public void AddWait(LeadId lead, long fence) => leads[lead] = leads[lead] with { WaitFence = fence };

    public void Add(LeadId lead, HeldCopy copy)
    {
        if (!copies.TryGetValue(lead, out var list)) copies.Add(lead, list = []);
        list.Add(copy);
    }

    public void Add(string publisher, string key, ClaimedRequest request, JudgedLead? lead)
    {
        requests[(publisher, key)] = (request, lead);
        if (lead is not null) others[lead.Id] = lead;
    }

    public void Add(PersonKey key, PersonRow row)
    {
        persons[key] = row;
        Owns(row.Holder.Lead, key);
        if (row.Was is { } was && was.Lead != row.Holder.Lead) Owns(was.Lead, key);
    }

    public JudgedLead? FindLead(LeadId id) => leads.GetValueOrDefault(id) ?? others.GetValueOrDefault(id);

    public IReadOnlyList<JudgedCopy> CopiesOf(LeadId id) => copies.TryGetValue(id, out var list) ? list : [];

    public ClaimedRequest? FindRequest(RequestClaim request) =>
        requests.TryGetValue((request.Publisher, request.Key), out var found) ? found.Request : null;

    public PersonRow? FindPerson(PersonClaim claim) => Find(new(claim.Scope, claim.Hmac));

    public PersonRow? Find(PersonKey key) => persons.GetValueOrDefault(key);

    public bool IsNew(RequestClaim request) => NewRequests.Contains((request.Publisher, request.Key));

    public bool Has(RequestClaim request) => IsNew(request) || requests.ContainsKey((request.Publisher, request.Key));

    /// <summary>Persons that were this lead's, or whose place somebody took from it.</summary>
    public IReadOnlyList<PersonKey> PersonsOf(LeadId lead) => owned.TryGetValue(lead, out var keys) ? keys : [];

    /// <summary>As an item of the batch leaves it, for those behind it.</summary>
    public void Put(PersonKey key, PersonRow? row)
    {
        if (row is null) persons.Remove(key);
        else persons[key] = row;
    }

    private void Owns(LeadId lead, PersonKey key)
    {
        if (!owned.TryGetValue(lead, out var keys)) owned.Add(lead, keys = []);
        keys.Add(key);
    }
}
