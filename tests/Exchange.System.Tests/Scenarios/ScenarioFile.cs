namespace Exchange.System.Tests.Scenarios;

/// <summary>Something in a scenario that cannot be read or run; the message begins with file and line.</summary>
internal sealed class ScenarioException(string file, int line, string message, Exception? inner = null) : Exception($"{file}:{line}: {message}", inner);

/// <summary>One line of a scenario: a verb, its words, what must come of it, and the indented lines under it.</summary>
/// <param name="Line">1 for the file's first.</param>
/// <param name="Expected">Null: whatever comes of it is right.</param>
/// <param name="Block">The lines under it as they stand, at their own line numbers (blank lines before), so that an error in them names the file's line.</param>
internal sealed record Statement(int Line, string Verb, IReadOnlyList<string> Words, string? Expected, string? Block, string Text);

/// <summary>A scenario as written: see README.md beside the files.</summary>
internal sealed record ScenarioFile(string Name, string Title, IReadOnlyList<Statement> Statements)
{
    private static readonly string[] WithBlock = ["catalog", "change"];

    public static ScenarioFile Read(string name, string text)
    {
        var lines = text.ReplaceLineEndings("\n").Split('\n');
        if (!lines[0].StartsWith("# ", StringComparison.Ordinal)) throw new ScenarioException(name, 1, "a scenario begins with its title: `# What is shown here.`");
        var statements = new List<Statement>();
        for (var i = 1; i < lines.Length; i++)
        {
            var line = lines[i].TrimEnd();
            if (line.Length == 0 || line[0] == '#') continue;
            if (line.Contains('\t', StringComparison.Ordinal)) throw new ScenarioException(name, i + 1, "a tab; write blanks");
            if (line[0] == ' ') throw new ScenarioException(name, i + 1, $"indented, but only {string.Join(" and ", WithBlock.Select(verb => $"`{verb}`"))} have lines under them");
            var statement = One(name, i + 1, line);
            if (WithBlock.Contains(statement.Verb))
            {
                var end = i + 1;
                while (end < lines.Length && (lines[end].Length == 0 || lines[end][0] is ' ' or '#')) end++;
                statement = statement with { Block = new string('\n', i + 1) + string.Join('\n', lines[(i + 1)..end]) + "\n" };
                i = end - 1;
            }
            statements.Add(statement);
        }
        if (statements.Count == 0 || statements[0].Verb != "catalog") throw new ScenarioException(name, statements.Count == 0 ? 1 : statements[0].Line, "the first word under the title is `catalog`");
        return new(name, lines[0][2..].Trim(), statements);
    }

    private static Statement One(string file, int number, string line)
    {
        var arrow = line.IndexOf(" ->", StringComparison.Ordinal);
        var expected = arrow < 0 ? null : line[(arrow + 3)..].Trim();
        if (expected?.Length == 0) throw new ScenarioException(file, number, "nothing after `->`; write what must come, or leave the arrow out");
        var words = Words(file, number, arrow < 0 ? line : line[..arrow]);
        return new(number, words[0], words[1..], expected, null, line);
    }

    /// <summary>Separated by blanks; between double quotes a blank is part of the word.</summary>
    private static List<string> Words(string file, int number, string text)
    {
        var words = new List<string>();
        for (var i = 0; i < text.Length;)
        {
            if (text[i] == ' ') { i++; continue; }
            var word = "";
            var quoted = false;
            for (; i < text.Length && (quoted || text[i] != ' '); i++)
            {
                if (text[i] == '"') quoted = !quoted; else word += text[i];
            }
            if (quoted) throw new ScenarioException(file, number, "a quotation mark that is not closed");
            words.Add(word);
        }
        return words;
    }
}
