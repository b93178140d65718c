namespace Exchange.Server.Admin;

/// <summary>Sending again what was given up, of whatever kind: all that match, and the note that goes with it.</summary>
internal static class DeadLetterReplay
{
    /// <summary>Longest note for the audit trail.</summary>
    public const int NoteChars = 500;

    /// <summary>Rows of one transaction: none is long, and sales go on between two.</summary>
    private const int AtOnce = 500;

    /// <summary>
    /// What ended before this call and is dead still; what dies again meanwhile is not sent a second time. Done again, it finds nothing that it has replayed.
    /// </summary>
    /// <param name="replay">Makes at most so many due that ended before that moment (Unix milliseconds); how many it were.</param>
    /// <param name="nudge">Tells whoever sends them.</param>
    public static Task<Reply> AllAsync(ApiCall call, byte[] body, string action, string target, string? note, Func<int, long, Task<int>> replay, Action nudge) =>
        call.Service<Operations>().RunAsync(call, body, async () =>
        {
            var now = call.NowMs;
            // Before anything changes: no line in the audit, no replay.
            await call.Store.Access.AuditAsync(call.Caller.Name, action, target, note, now, CancellationToken.None);
            var (replayed, some) = (0, 0);
            do replayed += some = await replay(AtOnce, now);
            while (some == AtOnce);
            nudge();
            return Reply.Json(json => json.WriteNumber("replayed", replayed));
        });
}
