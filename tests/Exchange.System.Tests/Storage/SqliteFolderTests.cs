using System.Globalization;
using System.Text;
using Exchange.Engine;
using Exchange.Engine.Ledger;
using Exchange.Engine.Values;
using Exchange.Storage;
using Exchange.Storage.Sqlite;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Time.Testing;
using Shouldly;
using static Exchange.System.Tests.Storage.Sample;

namespace Exchange.System.Tests.Storage;

/// <summary>What is SQLite's own: the folder, its lock, its key, its files after a crash.</summary>
public sealed class SqliteFolderTests : IDisposable
{
    private readonly string folder = Path.Combine(Path.GetTempPath(), "exchange-folder-" + Guid.NewGuid().ToString("N"));
    private readonly string crashed = Path.Combine(Path.GetTempPath(), "exchange-crashed-" + Guid.NewGuid().ToString("N"));

    private Task<SqliteStore> OpenAsync(string? of = null, byte[]? key = null) =>
        SqliteStore.OpenAsync(new SqliteStoreOptions { Folder = of ?? folder, MasterKey = key });

    public void Dispose()
    {
        foreach (var made in new[] { folder, crashed })
            if (Directory.Exists(made)) Directory.Delete(made, recursive: true);
    }

    /// <summary>What a killed process leaves: its files as the system has them, log and all.</summary>
    private void CopyAsIfKilled()
    {
        Directory.CreateDirectory(crashed);
        byte[] before;
        do
        {
            before = LogsBeginning();
            // Each file before its log.
            foreach (var file in Directory.GetFiles(folder).Where(file => Path.GetExtension(file) is not (".lock" or ".db-shm")).Order(StringComparer.Ordinal))
                File.Copy(file, Path.Combine(crashed, Path.GetFileName(file)), overwrite: true);
        }
        // A log that is begun anew meanwhile is not the one of the file that was copied: no crash leaves those two.
        while (!LogsBeginning().SequenceEqual(before));
    }

    private byte[] LogsBeginning()
    {
        var header = new byte[32];
        using var log = File.OpenRead(Path.Combine(folder, SqliteStore.FactsFile + "-wal"));
        log.ReadExactly(header);
        return header;
    }

    /// <summary>Nobody waits for the log to be moved into its file; for a commit somebody does.</summary>
    [Fact]
    public async Task ThreadThatMovesTheLog_GivesWayToTheOneThatCommits()
    {
        if (!OperatingSystem.IsLinux()) return;
        await using var store = await OpenAsync();
        SpinWait.SpinUntil(() => NiceOf("exchange facts ") == NiceOf("exchange journa") + 5 && NiceOf("exchange pings ") == NiceOf("exchange facts "), TimeSpan.FromSeconds(20)).ShouldBeTrue();

        // The kernel keeps 15 letters of a thread's name. Other tests' stores are in this process as well: theirs are alike.
        static int? NiceOf(string thread)
        {
            foreach (var task in Directory.GetDirectories("/proc/self/task"))
            {
                try
                {
                    var stat = File.ReadAllText(Path.Combine(task, "stat"));
                    var name = stat[(stat.IndexOf('(', StringComparison.Ordinal) + 1)..stat.LastIndexOf(')')];
                    if (name == thread) return int.Parse(stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[16], CultureInfo.InvariantCulture);
                }
                catch (IOException) { } // it has just ended
            }
            return null;
        }
    }

    [Fact]
    public async Task Open_FolderInUse_IsRefusedUntilItIsClosed()
    {
        var first = await OpenAsync();

        (await Should.ThrowAsync<StorageOpenException>(OpenAsync())).Message.ShouldContain("in use by another exchange process");
        await first.DisposeAsync();
        await (await OpenAsync()).DisposeAsync();
    }

    [Fact]
    public async Task Open_NewFolder_IsItsOwnersOnly()
    {
        await (await OpenAsync()).DisposeAsync();

        if (OperatingSystem.IsWindows()) return;
        File.GetUnixFileMode(folder).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        File.GetUnixFileMode(Path.Combine(folder, MasterKey.FileName)).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    [Fact]
    public async Task Open_KeyIsMissingOrAnother_IsRefused()
    {
        await (await OpenAsync()).DisposeAsync();
        var file = Path.Combine(folder, MasterKey.FileName);
        var key = MasterKey.Parse(await File.ReadAllTextAsync(file));
        File.Delete(file);

        (await Should.ThrowAsync<StorageOpenException>(OpenAsync())).Message.ShouldContain("has data but no exchange.key");
        (await Should.ThrowAsync<StorageOpenException>(OpenAsync(key: new byte[32]))).Message.ShouldContain("not the one");
        await (await OpenAsync(key: key)).DisposeAsync();
        File.Exists(file).ShouldBeFalse();
    }

    [Theory]
    [InlineData("")]
    [InlineData("c2hvcnQ=")]
    [InlineData("not base64 at all, but of some length")]
    public void MasterKey_NotThirtyTwoBytes_IsRefusedWithoutRepeatingIt(string text)
    {
        var message = Should.Throw<StorageOpenException>(() => MasterKey.Parse(text)).Message;
        message.ShouldBe("The installation's key must be 32 bytes in base64.");
    }

    [Fact]
    public async Task Open_SchemaOfANewerVersion_IsRefused()
    {
        await (await OpenAsync()).DisposeAsync();
        Run(SqliteStore.FactsFile, "INSERT INTO SchemaVersions (ScriptName, Applied) VALUES ('Exchange.Storage.Sqlite.Migrations.Facts.9999_future.sql', '2030-01-01')");

        (await Should.ThrowAsync<StorageOpenException>(OpenAsync())).Message.ShouldContain("newer exchange");
    }

    [Fact]
    public async Task Open_FolderOfBeforeIdentities_ReadsThemOffTheVersionsThereAre()
    {
        await using (var store = await OpenAsync())
        {
            foreach (var json in new[] { """{"campaigns":{"a":{"buyer":"acme","vertical":"auto"},"b":{"buyer":"best","vertical":"solar"}}}""", """{"campaigns":{"b":{"buyer":"best","vertical":"solar"}}}""", "{}" })
                await store.Catalog.ApplyAsync(new CatalogApply(Encoding.UTF8.GetBytes(json), "tests", null, []), Now, default);
        }
        Run(SqliteStore.FactsFile, "DROP TABLE campaign_identity; DELETE FROM SchemaVersions WHERE ScriptName LIKE '%0003_campaign_identity.sql'");

        await using var again = await OpenAsync();
        (await again.Catalog.IdentitiesAsync(["a", "b", "c"], default)).ShouldBe([new("a", "acme", "auto"), new("b", "best", "solar")], ignoreOrder: true);
    }

    [Fact]
    public async Task Reopen_AfterClose_EverythingIsThere()
    {
        await using (var store = await OpenAsync())
        {
            await store.ApplyAsync(Limits());
            await store.SubmitAsync(Post(Lead(1), [Copy(1, Limits())], "key"));
            store.Pings.TryAppend(Ping(Lead(2)), Fields, out _).ShouldBeTrue();
            await store.Access.PutSecretAsync("hook", "one"u8.ToArray(), Now, default);
        }

        await using var again = await OpenAsync();
        (await again.SubmitAsync(Post(Lead(1), [Copy(1, Limits())], "key"))).Code.ShouldBe(VerdictCode.AlreadyThere);
        (await again.Pings.FindAsync(Lead(2), Models, default)).ShouldNotBeNull();
        (await again.Access.FindSecretAsync("hook", default)).ShouldBe("one"u8.ToArray());
        // Closing moved the log into its file.
        (await again.Catalog.LatestAsync(default))!.Version.ShouldBe(1);
    }

    [Fact]
    public async Task Killed_UnderLoad_EveryAnsweredSaleIsThereAndNoneTwice()
    {
        await using var store = await OpenAsync();
        var limits = Limits(capOfA: 1_000_000);
        await store.ApplyAsync(limits);
        var next = 0;
        var answered = 0;
        using var stop = new CancellationTokenSource();
        List<LeadId> before = [];
        var sellers = Enumerable.Range(0, 16).Select(_ => Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                var lead = Lead(Interlocked.Increment(ref next));
                if (!(await store.SubmitAsync(Post(lead, [Copy(1, limits, price: Money.Parse("0.01"), deliveries: [new("hook", Now, Now + 60_000)])]))).IsSuccess) continue;
                lock (before) before.Add(lead);
                Interlocked.Increment(ref answered);
            }
        })).ToArray();
        while (Volatile.Read(ref answered) < 300) await Task.Yield();
        LeadId[] promised;
        lock (before) promised = [.. before];
        CopyAsIfKilled();
        await stop.CancelAsync();
        await Task.WhenAll(sellers);

        await using var after = await OpenAsync(crashed);
        foreach (var lead in promised) (await after.Leads.FindAsync(lead, default)).ShouldNotBeNull().Copies.ShouldHaveSingleItem();
        var cap = (await after.CounterAsync("c:a1:leads:day:UTC"))!.Value;
        cap.Used.ShouldBeGreaterThanOrEqualTo(promised.Length);
        (await after.Ledger.BalanceAsync("publisher:p", default)).ShouldBe(new Money(cap.Used * Money.Parse("0.01").Micros));
        // Whoever was not answered asks again and finds out; nothing is counted twice.
        for (var n = 1; n <= promised.Length + 16; n++)
            (await after.SubmitAsync(Post(Lead(n), [Copy(1, limits, price: Money.Parse("0.01"))]))).IsSuccess.ShouldBeTrue();
        (await after.Deliveries.AdoptAsync(Now, default)).ShouldBe((int)cap.Used);
        (await after.Deliveries.ClaimDueAsync(Now, Now + 1, 1, default)).ShouldHaveSingleItem().Fence.ShouldBe(2);
    }

    [Fact]
    public async Task Killed_WhileOffersArePosted_EachIsHeldOrPostedWhole()
    {
        await using var store = await OpenAsync();
        var limits = Limits(capOfA: 1_000_000);
        await store.ApplyAsync(limits);
        const int offers = 2_000;
        for (var n = 1; n <= offers; n += 200)
            await Task.WhenAll(Enumerable.Range(n, 200).Select(lead => store.SubmitAsync(Offer(Lead(lead),
                [Copy(1, limits, CopyMove.Hold, exclusive: false, price: Money.Parse("0.02")), Copy(2, limits, CopyMove.Hold, "b", exclusive: false, price: Money.Parse("0.01"))], 2))));
        JournalItem PostFor(int lead) => PostOf(Lead(lead),
            [new(1, CopyMove.Capture, Reason.None, Transfers("a", Money.Parse("0.02"))) { Deliveries = [new("hook", Now, Now + 60_000)] }, Expire(2)], maxCopies: 2);
        var answered = 0;
        var posts = Task.WhenAll(Enumerable.Range(0, 16).Select(seller => Task.Run(async () =>
        {
            for (var lead = seller + 1; lead <= offers; lead += 16)
                if ((await store.SubmitAsync(PostFor(lead))).IsSuccess) Interlocked.Increment(ref answered);
        })));
        while (Volatile.Read(ref answered) < 300) await Task.Yield();
        CopyAsIfKilled();
        await posts;

        await using var after = await OpenAsync(crashed);
        var posted = 0;
        for (var n = 1; n <= offers; n++)
        {
            var row = (await after.Leads.FindAsync(Lead(n), default))!;
            var states = row.Copies.Select(copy => (copy.State, copy.Called)).ToArray();
            if (row.IsPosted) states.ShouldBe([(CopyState.Captured, true), (CopyState.Expired, false)]);
            else states.ShouldBe([(CopyState.Held, false), (CopyState.Held, false)]);
            posted += row.IsPosted ? 1 : 0;
        }
        posted.ShouldBeInRange(300, offers);
        var cap = (await after.CounterAsync("c:a1:leads:day:UTC"))!.Value;
        (cap.Used, cap.Held).ShouldBe((posted, offers - posted));
        // Half of the rest is posted now, half runs out: nothing stays held.
        var left = await after.Leads.ExpiredOffersAsync(Now + 300_001, Engine.Limits.PageRows, default);
        foreach (var offer in left.Where((_, i) => i % 2 == 0)) (await after.SubmitAsync(PostFor((int)offer.Lead.Low))).Code.ShouldBe(VerdictCode.Done);
        while (await after.Leads.ExpiredOffersAsync(Now + 300_001, Engine.Limits.PageRows, default) is { Count: > 0 } over)
            foreach (var offer in over)
                (await after.SubmitAsync(new JournalItem { Lead = offer.Lead, AtMs = Now + 300_001, Ends = [.. offer.Held.Select(Expire)], State = LeadState.Unsold, Reason = Reason.Expired }))
                    .Code.ShouldBe(VerdictCode.Done);
        posted += left.Where((_, i) => i % 2 == 0).Count();
        cap = (await after.CounterAsync("c:a1:leads:day:UTC"))!.Value;
        (cap.Used, cap.Held).ShouldBe((posted, 0));
        (await after.CounterAsync("bal:b"))!.Value.Held.ShouldBe(0);
        (await after.Ledger.BalanceAsync("buyer:a", default)).ShouldBe(new Money(-posted * Money.Parse("0.02").Micros));
    }

    [Fact]
    public async Task GroupCommit_ManyAtOnce_ShareCommits()
    {
        await using var store = await OpenAsync();
        var limits = Limits(capOfA: 10_000);
        await store.ApplyAsync(limits);
        var (commits, items) = store.Journal.Done;

        await Task.WhenAll(Enumerable.Range(1, 2_000).Select(n => store.SubmitAsync(Post(Lead(n), [Copy(1, limits, price: Money.Parse("0.01"))]))));

        (store.Journal.Done.Items - items).ShouldBe(2_000);
        (store.Journal.Done.Commits - commits).ShouldBeLessThan(1_000);
    }

    [Fact]
    public async Task Transfer_ChangedOrDeleted_TheFileRefuses()
    {
        await using (var store = await OpenAsync())
        {
            await store.ApplyAsync(Limits());
            await store.SubmitAsync(Post(Lead(1), [Copy(1, Limits())]));
        }

        Should.Throw<SqliteException>(() => Run(SqliteStore.FactsFile, "UPDATE transfer SET amount = 1")).Message.ShouldContain("never changed");
        Should.Throw<SqliteException>(() => Run(SqliteStore.FactsFile, "DELETE FROM transfer")).Message.ShouldContain("never deleted");
        Should.Throw<SqliteException>(() => Run(SqliteStore.FactsFile, "INSERT INTO transfer (source, no, kind, part, at_ms, debit, credit, amount) VALUES (x'01', 1, 'x', 0, 0, 'a', 'b', 0)"));
        Should.Throw<SqliteException>(() => Run(SqliteStore.FactsFile, "UPDATE lead SET open_copies = 2"));
        Should.Throw<SqliteException>(() => Run(SqliteStore.FactsFile, "UPDATE counter SET used = -1"));
        Should.Throw<SqliteException>(() => Run(SqliteStore.FactsFile, """
            INSERT INTO copy (lead_id, no, offer_id, campaign, buyer, company, publisher, exclusive, state, price, payout, at_ms, changed_ms, reason, takes)
            SELECT lead_id, 2, offer_id, campaign, buyer, company, publisher, exclusive, state, price, payout, at_ms, changed_ms, reason, takes FROM copy
            """)).Message.ShouldContain("UNIQUE");
    }

    [Fact]
    public async Task Files_AfterSealedWrites_HoldNoMarker()
    {
        const string marker = "canary-7731";
        await using var store = await OpenAsync();
        await store.ApplyAsync(Limits());
        var bytes = store.Vault.Seal(Lead(1), Encoding.UTF8.GetBytes("{\"email\":\"" + marker + "\"}"));
        await store.SubmitAsync(Post(Lead(1), [Copy(1, Limits())], persons: [new("auto", store.Vault.PersonHash("email", marker), 0)]) with
        {
            New = NewLead(sealedBytes: bytes),
        });
        await store.Access.PutSecretAsync("hook", Encoding.UTF8.GetBytes(marker), Now, default);
        var ping = Ping(Lead(2)) with { Values = [new("90210", 90210), new(marker, 1), default] };
        store.Pings.TryAppend(ping, Fields, out _).ShouldBeTrue();
        await store.Pings.FlushAsync(default);

        foreach (var file in Directory.GetFiles(folder))
        {
            if (file.EndsWith(".lock", StringComparison.Ordinal)) continue;
            var content = await File.ReadAllBytesAsync(file);
            content.AsSpan().IndexOf(Encoding.UTF8.GetBytes(marker)).ShouldBe(-1, Path.GetFileName(file));
        }
        // What is not sensitive is there to be found, so the search works.
        (await File.ReadAllBytesAsync(Path.Combine(folder, "pings.db-wal"))).AsSpan().IndexOf("90210"u8).ShouldBeGreaterThan(0);
        (await store.Pings.FindAsync(Lead(2), Models, default))!.Values.ShouldBe(ping.Values);
        Encoding.UTF8.GetString(store.Vault.Open(Lead(1), (await store.Leads.FindAsync(Lead(1), default))!.Sealed)).ShouldContain(marker);
    }

    /// <summary>A checkpoint that waits for a backup's end would keep the writer's lock meanwhile: nobody could sell.</summary>
    [Fact]
    public async Task Erase_WhileABackupReads_GivesUpCuttingTheLog_AndKeepsNobodyFromSelling()
    {
        await using var store = await OpenAsync();
        await store.ApplyAsync(Limits());
        await store.SubmitAsync(Post(Lead(1), [Copy(1, Limits())]));
        await using var backup = new SqliteConnection($"Data Source={Path.Combine(folder, "facts.db")};Mode=ReadOnly;Pooling=False");
        await backup.OpenAsync();
        await using var reading = await backup.BeginTransactionAsync();
        await using (var look = backup.CreateCommand())
        {
            look.CommandText = "SELECT count(*) FROM lead";
            await look.ExecuteScalarAsync();
        }
        await store.SubmitAsync(Post(Lead(2), [Copy(1, Limits())]));

        var erased = store.Erasures.EraseAsync(new LeadErasure(Lead(1), null, [], "tests", Now), default);
        for (var n = 3; n < 23; n++) (await store.SubmitAsync(Post(Lead(n), [Copy(1, Limits())]))).IsSuccess.ShouldBeTrue();
        // Twenty short looks; each would be five seconds of nobody selling.
        (await erased.WaitAsync(TimeSpan.FromSeconds(60))).ShouldBeTrue();
        (await store.Leads.FindAsync(Lead(1), default))!.IsErased.ShouldBeTrue();
    }

    [Fact]
    public async Task Pings_OlderThanKept_AreDeleted()
    {
        var time = new FakeTimeProvider(DateTimeOffset.FromUnixTimeMilliseconds(Now));
        await using var store = await SqliteStore.OpenAsync(new SqliteStoreOptions { Folder = folder, TimeProvider = time, PingRetentionDays = 30 });
        LeadId Old(int n, int days) => LeadId.Create(Now - days * Day * 1000, 1, false, (ulong)n);
        foreach (var n in Enumerable.Range(0, 1_500)) store.Pings.TryAppend(Ping(Old(n, 31)), Fields, out _);
        store.Pings.TryAppend(Ping(Old(0, 29)), Fields, out _);
        // The writer does not wait for a flush: what it found at its first write may be one ping, and it looks for old ones now and then only.
        for (var flush = 1; flush <= 5; flush++)
        {
            time.Advance(TimeSpan.FromHours(1));
            store.Pings.TryAppend(Ping(Old(flush, 29)), Fields, out _);
            await store.Pings.FlushAsync(default);
        }

        (await store.Pings.FindAsync(Old(0, 31), Models, default)).ShouldBeNull();
        (await store.Pings.FindAsync(Old(1_499, 31), Models, default)).ShouldBeNull();
        (await store.Pings.FindAsync(Old(0, 29), Models, default)).ShouldNotBeNull();
    }

    [Fact]
    public async Task Pings_OfManyMoments_AreFoundByTheirIds()
    {
        // Late ones, whose moment was written long before, and one that comes twice: the newest is found, also after a restart.
        LeadId At(int n, long ms) => LeadId.Create(Now + ms, (ushort)(n % 3), false, (ulong)n);
        var ids = Enumerable.Range(0, 3_000).Select(n => At(n, n % 7 == 0 ? n / 100 : n)).ToArray();
        await using (var store = await OpenAsync())
        {
            for (var n = 0; n < ids.Length; n++)
            {
                store.Pings.TryAppend(Ping(ids[n], Now + n), Fields, out _).ShouldBeTrue();
                if (n % 500 == 0) await store.Pings.FlushAsync(default);
            }
            store.Pings.TryAppend(Ping(ids[0], Now - 1), Fields, out _).ShouldBeTrue();
        }

        await using var again = await OpenAsync();
        for (var n = 1; n < ids.Length; n++) (await again.Pings.FindAsync(ids[n], Models, default))!.AtMs.ShouldBe(Now + n);
        (await again.Pings.FindAsync(ids[0], Models, default))!.AtMs.ShouldBe(Now - 1);
        (await again.Pings.FindAsync(At(9_999, 50), Models, default)).ShouldBeNull();
    }

    [Fact]
    public void PingCodec_CutAnywhere_SaysSo()
    {
        var vault = new Vault(new byte[32]);
        var bytes = PingCodec.Encode(Ping(Lead(1)), Fields, vault);

        PingCodec.Decode(Lead(1), bytes, vault, Model).ShouldBeEquivalentTo(Ping(Lead(1)));
        for (var length = 0; length < bytes.Length; length++)
            Should.Throw<InvalidDataException>(() => PingCodec.Decode(Lead(1), bytes.AsSpan(0, length), vault, Model));
    }

    [Fact]
    public async Task GrainMemory_Statements_KeepVersions()
    {
        GrainMemory.Migrate(folder);
        GrainMemory.Migrate(folder);

        await GrainMemoryQueries.KeepVersionsAsync(() => new SqliteConnection(GrainMemory.ConnectionString(folder) + ";Pooling=False"));
    }

    private void Run(string file, string sql)
    {
        using var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = Path.Combine(folder, file), Pooling = false }.ToString());
        connection.Open();
        using var command = connection.CreateCommand();
#pragma warning disable CA2100 // The statements are this file's own.
        command.CommandText = sql;
#pragma warning restore CA2100
        command.ExecuteNonQuery();
    }
}
