using System.Text;
using Exchange.Engine.Values;
using Exchange.Server.Admin;
using Exchange.Storage;

namespace Exchange.Server.Buyers;

/// <summary>What became of a copy: the buyer's later word, which moves no money. Of each word the newest is kept.</summary>
internal static class DispositionRoutes
{
    private static readonly string[] Words = ["contacted", "quoted", "won", "lost", "unreachable"];

    public static void MapDispositionRoutes(this IEndpointRouteBuilder routes) =>
        routes.Map(HttpMethods.Post, "/v1/buyer/copies/{copy_id}/disposition",
            "Say what became of a copy: {\"disposition\": contacted, quoted, won, lost or unreachable, \"value\", \"note\"}. The same word again takes the place of the earlier one.",
            SayAsync, KeyRole.Buyer).ProducesProblem(404).ProducesProblem(422);

    private static async Task<Reply> SayAsync(ApiCall call)
    {
        var (members, bytes, problem) = await Members.ReadAsync(call, "disposition", "value", "note");
        if (problem is not null) return problem;
        var word = members.Required("disposition");
        if (word.Length > 0 && !Words.Contains(word, StringComparer.Ordinal)) members.Fail("/disposition", "invalid_field", $"A disposition is one of {string.Join(", ", Words)}.");
        var value = Value(members);
        var note = members.Optional("note", ReturnRoutes.NoteChars);
        if (members.Problem is { } invalid) return invalid;
        var name = call.Route("copy_id");
        return await call.Service<Operations>().RunAsync(call, bytes, async () =>
        {
            if (!CopyId.TryParse(name, out var copy)) return NoSuch();
            var noted = note is null ? null : call.Store.Vault.Seal(copy.Lead, Encoding.UTF8.GetBytes(note));
            if (!await call.Store.Returns.SayAsync(call.Caller.For, new(copy, word, value, noted, call.NowMs), CancellationToken.None)) return NoSuch();
            return Reply.Json(json =>
            {
                json.WriteString("copy_id", copy.ToString());
                json.WriteString("disposition", word);
                json.WriteString("value", value?.ToString());
            });
        });
    }

    /// <summary>Money; nothing is worth less than nothing.</summary>
    private static Money? Value(Members members)
    {
        if (members.Optional("value") is not { } text) return null;
        if (!Money.TryParse(text, out var value)) members.Fail("/value", "invalid_format", "A value is written like \"500.00\", with at most six decimals.");
        else if (value < Money.Zero) members.Fail("/value", "out_of_range", "A value is not below zero.");
        return value;
    }

    private static Grains.Intake.Problem NoSuch() => ApiCall.NotFound("There is no such copy.");
}
