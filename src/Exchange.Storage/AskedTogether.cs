using System.Threading;

namespace Exchange.Storage;

/// <summary>
/// Questions of many callers, put as one: whoever asks while others are being answered goes with the next. Each is put after it was asked, so its answer
/// knows all that was durable by then; nobody waits for company. One is put at a time, which makes them large and few; but one that has stood for longer
/// than the patience, as on a connection on which nothing comes back, holds up those that were put with it and nobody else.
/// </summary>
/// <param name="put">Answers all of them, in their order. What it throws is thrown at each who asked.</param>
/// <param name="most">Questions put as one.</param>
/// <param name="atOnce">So many are put beside each other when those before them stand; more wait.</param>
/// <param name="time">Of the patience.</param>
internal sealed class AskedTogether<TQuestion, TAnswer>(
    Func<IReadOnlyList<TQuestion>, Task<IReadOnlyList<TAnswer>>> put, int most, int atOnce, TimeSpan patience, TimeProvider time)
{
    private readonly Lock gate = new();
    private readonly Queue<(TQuestion Question, TaskCompletionSource<TAnswer> Answer)> waiting = new();
    private readonly SemaphoreSlim room = new(atOnce);
    private bool isPutting;

    public Task<TAnswer> AskAsync(TQuestion question)
    {
        var answer = new TaskCompletionSource<TAnswer>(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (gate)
        {
            waiting.Enqueue((question, answer));
            if (isPutting) return answer.Task;
            isPutting = true;
        }
        _ = PutAllAsync();
        return answer.Task;
    }

    private async Task PutAllAsync()
    {
        while (true)
        {
            await room.WaitAsync().ConfigureAwait(false);
            var asked = new List<(TQuestion Question, TaskCompletionSource<TAnswer> Answer)>();
            lock (gate)
            {
                while (asked.Count < most && waiting.TryDequeue(out var next)) asked.Add(next);
                isPutting = asked.Count > 0;
            }
            if (asked.Count == 0)
            {
                room.Release();
                return;
            }
            try
            {
                await PutAsync(asked).WaitAsync(patience, time).ConfigureAwait(false);
            }
            catch (TimeoutException)
            {
                // It stands. Whoever was put with it waits on; the others go beside it.
            }
        }
    }

    /// <summary>Never throws.</summary>
    private async Task PutAsync(List<(TQuestion Question, TaskCompletionSource<TAnswer> Answer)> asked)
    {
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
        room.Release();
    }
}
