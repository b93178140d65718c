using System.CommandLine;

namespace Exchange.LoadTests;

/// <summary>Ranges of numbers on the command line; outside them is a usage error.</summary>
internal static class OptionRanges
{
    public static Option<int> AtLeast(this Option<int> option, int least)
    {
        option.Validators.Add(result =>
        {
            if (result.Errors.Any() || result.GetValueOrDefault<int>() < least)
            {
                result.AddError($"{option.Name} is a whole number from {least} on.");
            }
        });
        return option;
    }
}
