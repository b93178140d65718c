using System.Text.RegularExpressions;
using Shouldly;

namespace Exchange.System.Tests.BlackBox;

/// <summary>What docs/backup.md tells an operator to run, word for word: tests change nothing but folders.</summary>
internal static partial class BackupSteps
{
    /// <summary>The block of commands below this heading in which this stands.</summary>
    public static string Block(string heading, string command)
    {
        var text = File.ReadAllText(Repository.Path("docs", "backup.md"));
        var section = text[text.IndexOf($"## {heading}\n", StringComparison.Ordinal)..];
        if (section.IndexOf("\n## ", StringComparison.Ordinal) is > 0 and var end) section = section[..end];
        return Blocks().Matches(section).Select(static match => match.Groups[1].Value).Where(block => block.Contains(command, StringComparison.Ordinal)).ShouldHaveSingleItem();
    }

    [GeneratedRegex("```sh\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex Blocks();
}
