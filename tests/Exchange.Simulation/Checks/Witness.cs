using Exchange.Engine.Values;
using Exchange.Storage;

namespace Exchange.Simulation.Checks;

/// <summary>What a publisher was told once: the answer's bytes or the problem's code.</summary>
/// <param name="Request">Publisher, key and which body: equal for equal requests.</param>
internal sealed record ToldEvent(long AtMs, string Publisher, string? Key, string Request, byte[] BodyHash, int Status, byte[]? Answer, string? Problem);

/// <summary>What a buyer said to one message.</summary>
internal enum Word
{
    /// <summary>Nothing yet.</summary>
    None,
    /// <summary>It has the lead.</summary>
    Yes,
    /// <summary>A definite no, in its own words or by status.</summary>
    No,
    /// <summary>Surely not taken; come again.</summary>
    NotNow,
    /// <summary>Silence, a fault or an answer that nobody can read: it may have the lead.</summary>
    Unclear,
}

/// <summary>One message that arrived at a buyer, byte for byte.</summary>
/// <param name="isLeft">Whoever sent it waits no more for what it says.</param>
/// <param name="isStopped">Whoever sent it stands still.</param>
internal sealed class ReceivedEvent(long atMs, string buyer, string path, CopyId copy, byte[] body, Func<bool> isLeft, Func<bool> isStopped)
{
    public long AtMs => atMs;
    public string Buyer => buyer;
    /// <summary><c>/leads</c>: the answer makes the sale. <c>/hook</c>: it was sold before.</summary>
    public string Path => path;
    public CopyId Copy => copy;
    public byte[] Body => body;
    public bool IsLeft => isLeft();
    public bool IsStopped => isStopped();
    /// <summary>Of the answer, whether or not it was heard; 0: none ever.</summary>
    public int Status { get; set; }
    public bool IsTaken => Status is >= 200 and < 300;
    /// <summary>What is said to nobody is not said.</summary>
    public Word Said { get => field != Word.None ? field : isLeft() ? Word.Unclear : Word.None; set; }
}

/// <summary>What was told to publishers and what buyers received, in order: the log that is joined with the rows afterwards, in a simulation or over real processes.</summary>
internal sealed class Witness
{
    public List<ToldEvent> Told { get; } = [];
    public List<ReceivedEvent> Received { get; } = [];
    /// <summary>What buyers were told of their returns, without refusals.</summary>
    public List<(CopyId Copy, ReturnStatus Status)> Returns { get; } = [];
    /// <summary>Bids that came in time, by the request that they answer.</summary>
    public List<(string Request, string[] Prices)> Bids { get; } = [];
    /// <summary>What an operator said of a doubt, heard or not.</summary>
    public List<(CopyId Copy, bool Accepted)> Resolved { get; } = [];
    /// <summary>Of these the ones that an operator was told to be done.</summary>
    public List<(CopyId Copy, bool Accepted)> Done { get; } = [];
    /// <summary>Fields that publishers know to be added.</summary>
    public List<(LeadId Lead, string Field)> Added { get; } = [];
    /// <summary>When each request (publisher and key) was first sent, in true time.</summary>
    public Dictionary<(string Publisher, string Key), long> Begun { get; } = [];

    /// <summary>An operator answers for it that its buyer does not have the copy.</summary>
    public bool IsRejected(CopyId copy) => Resolved.Contains((copy, false));

    /// <summary>Whether a buyer may have the lead as far as it let anybody know: it is thinking, or its last word was not a no.</summary>
    public bool MayHave(string buyer, LeadId lead)
    {
        var last = Word.No;
        foreach (var message in Received)
        {
            if (message.Buyer != buyer || message.Copy.Lead != lead) continue;
            if (message.Said == Word.None) return true;
            if (IsRejected(message.Copy)) continue;
            last = message.Said;
        }
        return last is Word.Yes or Word.Unclear;
    }
}
