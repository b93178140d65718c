using Spectre.Console;

namespace Exchange.Server.Cli;

/// <summary>
/// Where commands write: results to one side, complaints to the other, so that <c>--json</c> can be piped. Tables go through
/// Spectre, which drops colours where nobody would see them.
/// </summary>
internal sealed class CliConsole
{
    /// <summary>Redirected output has no width of its own; a table there must not be folded at 80.</summary>
    private const int RedirectedColumns = 240;

    private readonly IAnsiConsole pretty;
    private readonly bool redirected;

    public CliConsole(TextWriter output, TextWriter error)
    {
        Output = output;
        Error = error;
        pretty = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output) });
        redirected = !ReferenceEquals(output, Console.Out) || Console.IsOutputRedirected;
        if (redirected) pretty.Profile.Width = RedirectedColumns;
    }

    public TextWriter Output { get; }
    public TextWriter Error { get; }

    public void Show(Table table) => pretty.Write(table);

    /// <summary>A line of which <paramref name="style"/> colours the whole; the text is never read as markup.</summary>
    public void Line(string text, string style = "default")
    {
        // A file or a pipe gets one line as one line; only a terminal is folded, where words end.
        if (redirected) Output.WriteLine(text);
        else pretty.MarkupLine($"[{style}]{Markup.Escape(text)}[/]");
    }

    public static Table TableOf(params ReadOnlySpan<string> columns)
    {
        var table = new Table { Border = TableBorder.Rounded };
        foreach (var column in columns) table.AddColumn(new TableColumn(Markup.Escape(column)));
        return table;
    }

    /// <summary>One row of plain texts.</summary>
    public static void Row(Table table, params ReadOnlySpan<string?> cells)
    {
        var texts = new Text[cells.Length];
        for (var i = 0; i < cells.Length; i++) texts[i] = new Text(cells[i] ?? "");
        table.AddRow(texts);
    }
}
