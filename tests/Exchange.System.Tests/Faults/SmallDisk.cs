using System.Diagnostics;
using System.Globalization;

namespace Exchange.System.Tests.Faults;

/// <summary>
/// A file system of a few megabytes that can be filled: a tmpfs in a mount namespace of its own, which ends with this object. No image file, no loop device,
/// no mount that others see. Servers are started into it; this process reads it by way of the keeper's root. Without root it needs user namespaces.
/// </summary>
internal sealed class SmallDisk : IAsyncDisposable
{
    private readonly Process keeper;

    private SmallDisk(Process keeper, string place)
    {
        this.keeper = keeper;
        Place = place;
    }

    /// <summary>Where it is for those who were started into it.</summary>
    public string Place { get; }

    /// <summary>The same folder as this process sees it, for whoever follows no links.</summary>
    public string Folder => $"/proc/{keeper.Id.ToString(CultureInfo.InvariantCulture)}/root{Place}";

    /// <summary>What a command line begins with to be run in it.</summary>
    public string[] Into => ["nsenter", "--target", keeper.Id.ToString(CultureInfo.InvariantCulture), .. Environment.IsPrivilegedProcess ? (string[])[] : ["--user", "--preserve-credentials"], "--mount"];

    private string Ballast => Path.Combine(Folder, "ballast");

    /// <summary>Null where it can be made, else why not: some containers may not mount.</summary>
    public static string? WhyNot()
    {
        using var trial = Start("/tmp", 1, "true");
        trial.WaitForExit();
        return trial.ExitCode == 0 ? null : "No file system can be mounted here, not even in a namespace of one's own: " + trial.StandardError.ReadToEnd().Trim();
    }

    public static async Task<SmallDisk> MakeAsync(int megabytes)
    {
        var place = Directory.CreateTempSubdirectory("exchange-disk-").FullName;
        var keeper = Start(place, megabytes, "echo mounted && read -r end");
        if (await keeper.StandardOutput.ReadLineAsync() != "mounted") throw new InvalidOperationException("No small disk can be mounted here: " + await keeper.StandardError.ReadToEndAsync());
        return new(keeper, place);
    }

    private static Process Start(string place, int megabytes, string then)
    {
        var start = new ProcessStartInfo("unshare") { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        if (!Environment.IsPrivilegedProcess) start.ArgumentList.Add("--map-root-user");
        foreach (var argument in (string[])["--mount", "sh", "-c", $"mount -t tmpfs -o size={megabytes}m,mode=0700 tmpfs {place} && {then}"]) start.ArgumentList.Add(argument);
        return Process.Start(start)!;
    }

    /// <summary>Lets another user in, which only root can.</summary>
    public async Task GiveToAsync(string user)
    {
        using var process = Process.Start(Into[0], [.. Into[1..], "chown", user, Place]);
        await process.WaitForExitAsync();
        if (process.ExitCode != 0) throw new InvalidOperationException($"{Place} was not given to {user}");
    }

    /// <summary>Takes every byte that is left.</summary>
    public void Fill()
    {
        using var file = new FileStream(Ballast, FileMode.Append, FileAccess.Write, FileShare.None, bufferSize: 0);
        foreach (var piece in (int[])[1 << 20, 4096, 1])
        {
            var zeros = new byte[piece];
            try { while (true) file.Write(zeros); }
            catch (IOException) { }
        }
    }

    public void Free() => File.Delete(Ballast);

    public async ValueTask DisposeAsync()
    {
        keeper.StandardInput.Close();
        await keeper.WaitForExitAsync();
        keeper.Dispose();
        Directory.Delete(Place);
    }
}

/// <summary>A test that needs a <see cref="SmallDisk"/>.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class SmallDiskFactAttribute : FactAttribute
{
    private static readonly Lazy<string?> WhyNot = new(SmallDisk.WhyNot);

    public SmallDiskFactAttribute() => Skip = WhyNot.Value;

    /// <summary>It is given to another user.</summary>
    public bool NeedsRoot
    {
        get;
        set
        {
            field = value;
            if (value && !Environment.IsPrivilegedProcess) Skip = "Only root can give a disk to another user.";
        }
    }
}
