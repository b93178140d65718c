using System.Threading;

namespace Exchange.Storage;

/// <summary>
/// Questions of many callers, put as one: whoever asks while others are being answered goes with the next. Each is put after it was asked, so its answer
/// knows all that was durable by then; nobody waits for company. A lane that gets no answer holds up those that it was asked by, and nobody else.
/// </summary>
/// <param name="put">Answers all of them, in their order. What it throws is thrown at each who asked.</param>
/// <param name="most">Questions put as one.</param>
/// <param name="lanes">So many are put at a time.</param>
internal sealed class AskedTogether<TQuestion, TAnswer>(Func<IReadOnlyList<TQuestion>, Task<IReadOnlyList<TAnswer>>> put, int most, int lanes)
{
    private readonly Lock gate = new();
    private readonly Queue<(TQuestion Question, TaskCompletionSource<TAnswer> Answer)> waiting = new();
    private int busy;

    public Task<TAnswer> AskAsync(TQuestion question)
    {
        var answer = new TaskCompletionSource<TAnswer>(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (gate)
        {
            waiting.Enqueue((question, answer));
            if (busy == lanes) return answer.Task;
            busy++;
        }
        _ = PutAllAsync();
        return answer.Task;
    }

    private async Task PutAllAsync()
    {
        var asked = new List<(TQuestion Question, TaskCompletionSource<TAnswer> Answer)>();
        while (true)
        {
            asked.Clear();
            lock (gate)
            {
                while (asked.Count < most && waiting.TryDequeue(out var next)) asked.Add(next);
                if (asked.Count == 0)
                {
                    busy--;
                    return;
                }
            }
            try
            {
                var answers = await put(asked.ConvertAll(static one => one.Question)).ConfigureAwait(false);
                for (var i = 0; i < asked.Count; i++) asked[i].Answer.SetResult(answers[i]);
            }
#pragma warning disable CA1031 // It is not lost: each who asked gets it.
            catch (Exception fault)
#pragma warning restore CA1031
            {
                foreach (var (_, answer) in asked) answer.TrySetException(fault);
            }
        }
    }
}
