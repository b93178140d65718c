using System.Security.Cryptography;
using System.Text;
using Exchange.Engine;
using Exchange.Engine.Ledger;
using Exchange.Engine.Values;
using Exchange.Storage;
using Shouldly;
using static Exchange.System.Tests.Storage.Sample;

namespace Exchange.System.Tests.Storage;

public abstract partial class StoreContract
{
    [Fact]
    public async Task Leads_PagedByEachFilter_AreAllThereNewestFirst()
    {
        await Store.ApplyAsync(Limits());
        foreach (var n in Enumerable.Range(1, 9))
            await Store.SubmitAsync(Post(Lead(n), [Copy(1, Limits(), n % 3 == 0 ? CopyMove.Hold : CopyMove.Sell, n % 2 == 0 ? "a" : "b")], atMs: Now + n));
        await Store.SubmitAsync(End(Lead(6), CopyMove.Void, starts: [Copy(2, Limits(), CopyMove.Hold, atMs: Now + 100)]));

        (await Read(new(null, null, null, null, 4, null))).ShouldBe([9, 8, 7, 6, 5, 4, 3, 2, 1]);
        (await Read(new("p", null, null, LeadState.Open, 1, null))).ShouldBe([9, 6, 3]);
        (await Read(new("p", null, null, LeadState.Sold, 4, null))).ShouldBe([8, 7, 5, 4, 2, 1]);
        (await Read(new("nobody", null, null, null, 4, null))).ShouldBeEmpty();
        // Lead 6 has two copies of campaign a1 and comes once, by its newer one.
        (await Read(new(null, "a1", null, null, 2, null))).ShouldBe(Newest(8, 6, 4, 2));
        (await Read(new("p", null, "b", null, 2, null))).ShouldBe([9, 7, 5, 3, 1]);
        (await Read(new(null, "a1", "b", null, 2, null))).ShouldBeEmpty();
        (await Read(new(null, null, "a", LeadState.Sold, 1, null))).ShouldBe([8, 4, 2]);

        static int[] Newest(params int[] leads) => [.. leads.OrderByDescending(n => n == 6 ? 100 : n)];

        async Task<List<int>> Read(LeadQuery query)
        {
            List<int> leads = [];
            while (true)
            {
                var page = await Store.Leads.ListAsync(query, default);
                page.Rows.Count.ShouldBeLessThanOrEqualTo(query.Limit);
                leads.AddRange(page.Rows.Select(row => (int)row.Id.Low));
                if (page.Next is null) return leads;
                query = query with { Cursor = page.Next };
            }
        }
    }

    [Fact]
    public async Task AddFields_ReadAnotherPayload_IsRefused()
    {
        await Store.ApplyAsync(Limits());
        await Store.SubmitAsync(Post(Lead(1), [Copy(1, Limits())]));

        (await Store.Leads.AddFieldsAsync(Lead(1), [1, 2, 3], [4], Now, default)).ShouldBeTrue();
        (await Store.Leads.AddFieldsAsync(Lead(1), [1, 2, 3], [5], Now, default)).ShouldBeFalse();

        (await Store.Leads.FindAsync(Lead(1), default))!.Sealed.ShouldBe([4]);
    }

    [Fact]
    public async Task Ledger_ByLeadAndAccount_PagesNewestFirst()
    {
        await Store.ApplyAsync(Limits());
        foreach (var n in Enumerable.Range(1, 5)) await Store.SubmitAsync(Post(Lead(n), [Copy(1, Limits())]));

        var lead = await Store.Ledger.ListAsync(Lead(2), null, 10, null, default);
        lead.Rows.Select(row => (row.Lead, row.Kind, row.Debit, row.Credit, row.Amount))
            .ShouldBe([(Lead(2), "margin", "buyer:a", "house", Money.Parse("2.20")), (Lead(2), "payout", "buyer:a", "publisher:p", Payout)]);
        (await Store.Ledger.ListAsync(Lead(2), "house", 10, null, default)).Rows.Count.ShouldBe(1);
        var first = await Store.Ledger.ListAsync(null, "house", 3, null, default);
        first.Rows.Select(row => row.Lead).ShouldBe([Lead(5), Lead(4), Lead(3)]);
        var rest = await Store.Ledger.ListAsync(null, "house", 3, first.Next, default);
        rest.Rows.Select(row => row.Lead).ShouldBe([Lead(2), Lead(1)]);
        rest.Next.ShouldBeNull();
        (await Store.Ledger.ListAsync(null, "buyer:a", 100, null, default)).Rows.Count.ShouldBe(10);
        (await Store.Ledger.ListAsync(null, null, 100, null, default)).Rows.Select(row => row.Id).Distinct().Count().ShouldBe(10);
    }

    [Fact]
    public async Task Keys_TwoLiveOfAParty_AThirdIsRefusedUntilOneIsRevoked()
    {
        KeyRow Key(string id, bool test = false) => new(id, KeyRole.Publisher, "p", test, Store.Vault.KeyHash(id), "xk_" + id, Now, null);
        await Store.Access.AddKeyAsync(Key("1"), default);
        await Store.Access.AddKeyAsync(Key("2"), default);
        await Store.Access.AddKeyAsync(Key("3", test: true), default);
        await Should.ThrowAsync<InvalidOperationException>(Store.Access.AddKeyAsync(Key("4"), default));

        (await Store.Access.RevokeKeyAsync("1", Now + 1, default)).ShouldBeTrue();
        (await Store.Access.RevokeKeyAsync("1", Now + 2, default)).ShouldBeFalse();
        await Store.Access.AddKeyAsync(Key("4"), default);

        var keys = await Store.Access.KeysAsync(default);
        keys.Select(key => (key.Id, key.RevokedAtMs)).ShouldBe([("1", Now + 1), ("2", null), ("3", null), ("4", null)]);
        keys[0].Hash.ShouldBe(Store.Vault.KeyHash("1"));
    }

    [Fact]
    public async Task Keys_ManyOfAPartyAtOnce_TwoGetIn()
    {
        var added = await Task.WhenAll(Enumerable.Range(0, 6).Select(async n =>
        {
            try
            {
                await Store.Access.AddKeyAsync(new KeyRow($"{n}", KeyRole.Publisher, "p", false, Store.Vault.KeyHash($"{n}"), "xk", Now, null), default);
                return true;
            }
            catch (InvalidOperationException) { return false; }
        }));

        added.Count(done => done).ShouldBe(2);
        (await Store.Access.KeysAsync(default)).Count.ShouldBe(2);
    }

    [Fact]
    public async Task Setting_SetOnceByRacers_IsTheFirstOnesForAll()
    {
        for (var race = 0; race < 20; race++)
        {
            var name = $"key:{race}";
            var told = await Task.WhenAll(Enumerable.Range(0, 4).Select(n => Task.Run(() => Store.Access.SetOnceAsync(name, $"value-{n}", default))));
            var counts = told.Distinct().ShouldHaveSingleItem();
            (await Store.Access.FindSettingAsync(name, default)).ShouldBe(counts);
            (await Store.Access.SetOnceAsync(name, "late", default)).ShouldBe(counts);
        }
    }

    [Fact]
    public async Task SecretsSettingsOperations_Written_AreReadBack()
    {
        await Store.Access.PutSecretAsync("hook", "one"u8.ToArray(), Now, default);
        await Store.Access.PutSecretAsync("hook", "two"u8.ToArray(), Now, default);
        await Store.Access.PutSettingAsync("salt", "x", default);
        await Store.Access.PutOperationAsync("admin", "key", Hash("body"), "answer"u8.ToArray(), Now, default);
        await Store.Access.AuditAsync("admin:1", "catalog.apply", "1", null, Now, default);

        (await Store.Access.FindSecretAsync("hook", default)).ShouldBe("two"u8.ToArray());
        (await Store.Access.FindSecretAsync("none", default)).ShouldBeNull();
        (await Store.Access.SecretNamesAsync(default)).ShouldBe(["hook"]);
        (await Store.Access.FindSettingAsync("salt", default)).ShouldBe("x");
        (await Store.Access.FindSettingAsync("none", default)).ShouldBeNull();
        var operation = (await Store.Access.FindOperationAsync("admin", "key", default))!.Value;
        operation.BodyHash.ShouldBe(Hash("body"));
        operation.Answer.ShouldBe("answer"u8.ToArray());
        (await Store.Access.FindOperationAsync("buyer", "key", default)).ShouldBeNull();
        await Store.CheckAsync(default);
    }

    [Fact]
    public async Task Pings_ReadBetweenTwoIds_OldestFirst_QueuedAndWritten()
    {
        foreach (var n in (int[])[5, 1, 3]) Store.Pings.TryAppend(Ping(Lead(n)), Fields, out _).ShouldBeTrue();
        await Store.Pings.FlushAsync(default);
        foreach (var n in (int[])[4, 2]) Store.Pings.TryAppend(Ping(Lead(n)), Fields, out _).ShouldBeTrue();

        (await Between(1, 5, 10)).ShouldBe([Lead(1), Lead(2), Lead(3), Lead(4)]);
        (await Between(2, 9, 2)).ShouldBe([Lead(2), Lead(3)]);
        (await Between(6, 9, 10)).ShouldBeEmpty();
        await Store.Pings.FlushAsync(default);
        (await Between(2, 9, 10)).ShouldBe([Lead(2), Lead(3), Lead(4), Lead(5)]);

        async Task<IEnumerable<LeadId>> Between(int from, int to, int limit) =>
            (await Store.Pings.ReadAsync(Lead(from), Lead(to), limit, Models, default)).Select(ping => ping.Id);
    }

    [Fact]
    public async Task Ping_Appended_IsFoundBeforeAndAfterItIsWritten()
    {
        var ping = Ping(Lead(1));
        Store.Pings.TryAppend(ping, Fields, out _).ShouldBeTrue();

        (await Store.Pings.FindAsync(ping.Id, Models, default)).ShouldNotBeNull();
        await Store.Pings.FlushAsync(default);
        var read = (await Store.Pings.FindAsync(ping.Id, Models, default))!;

        read.ShouldNotBeSameAs(ping);
        read.ShouldBeEquivalentTo(ping);
        (await Store.Pings.FindAsync(Lead(2), Models, default)).ShouldBeNull();
    }

    [Fact]
    public async Task Pings_ManyAppended_AreAllWritten()
    {
        foreach (var n in Enumerable.Range(1, 5_000)) Store.Pings.TryAppend(Ping(Lead(n)), Fields, out _).ShouldBeTrue();
        await Store.Pings.FlushAsync(default);

        foreach (var n in new[] { 1, 1_999, 2_000, 2_001, 5_000 }) (await Store.Pings.FindAsync(Lead(n), Models, default)).ShouldNotBeNull();
    }

    [Fact]
    public void Vault_WrongLeadOrChangedByte_DoesNotOpen()
    {
        var plain = Encoding.UTF8.GetBytes("{\"email\":\"marker@example.com\"}");
        var bytes = Store.Vault.Seal(Lead(1), plain);

        Store.Vault.Open(Lead(1), bytes).ShouldBe(plain);
        bytes.AsSpan().IndexOf("marker"u8).ShouldBe(-1);
        Store.Vault.Seal(Lead(1), plain).ShouldNotBe(bytes);
        Should.Throw<CryptographicException>(() => Store.Vault.Open(Lead(2), bytes));
        for (var i = 0; i < bytes.Length; i++)
        {
            bytes[i] ^= 1;
            Should.Throw<CryptographicException>(() => Store.Vault.Open(Lead(1), bytes));
            bytes[i] ^= 1;
        }
    }

    [Fact]
    public void Vault_HashesAndAliases_AreStableAndApart()
    {
        var vault = Store.Vault;
        vault.PersonHash("email", "a@example.com").ShouldBe(vault.PersonHash("email", "a@example.com"));
        vault.PersonHash("email", "a@example.com").ShouldNotBe(vault.PersonHash("phone", "a@example.com"));
        vault.PersonHash("email", "a@example.com").Length.ShouldBe(32);
        vault.PersonHashOfSha("email", SHA256.HashData("a@example.com"u8)).ShouldBe(vault.PersonHash("email", "a@example.com"));
        vault.KeyHash("k").Length.ShouldBe(32);
        vault.Alias("a", "p", null).ShouldBe(vault.Alias("a", "p", null));
        vault.Alias("a", "p", null).ShouldMatch("^s-[0-9a-z]{8}$");
        vault.Alias("a", "p", "kw").ShouldStartWith(vault.Alias("a", "p", null) + "-");
        new[] { vault.Alias("a", "p", null), vault.Alias("b", "p", null), vault.Alias("a", "q", null), vault.Alias("a", "p", "kw"), vault.Alias("a", "p", "kx") }
            .Distinct().Count().ShouldBe(5);
    }

    [Fact]
    public async Task Submit_CancelledWhileQueued_IsNeverWritten()
    {
        await Store.ApplyAsync(Limits());
        using var writerStands = new SemaphoreSlim(0);
        using var go = new ManualResetEventSlim();
        Store.Journal.Committed = _ => { writerStands.Release(); go.Wait(); };
        var first = Store.SubmitAsync(Post(Lead(1), [Copy(1, Limits())]));
        await writerStands.WaitAsync();

        using var cancel = new CancellationTokenSource();
        var second = Store.Journal.SubmitAsync(Post(Lead(2), [Copy(1, Limits())]), cancel.Token);
        var third = Store.SubmitAsync(Post(Lead(3), [Copy(1, Limits())]));
        await cancel.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(second);
        first.IsCompleted.ShouldBeFalse();
        Store.Journal.Committed = null;
        go.Set();

        (await first).Code.ShouldBe(VerdictCode.Done);
        (await third).Code.ShouldBe(VerdictCode.Done);
        (await Store.Leads.FindAsync(Lead(2), default)).ShouldBeNull();
    }

    [Fact]
    public async Task Submit_QueueIsFull_RefusesAtOnce()
    {
        await Store.ApplyAsync(Limits());
        using var writerStands = new SemaphoreSlim(0);
        using var go = new ManualResetEventSlim();
        Store.Journal.Committed = _ => { writerStands.Release(); go.Wait(); };
        var item = Post(Lead(1), [Copy(1, Limits())]);
        var first = Store.SubmitAsync(item);
        await writerStands.WaitAsync();

        const int Stay = 200;
        using var cancel = new CancellationTokenSource();
        var queued = Enumerable.Range(0, Engine.Limits.JournalQueueItems).Select(i => Store.Journal.SubmitAsync(item, i < Stay ? default : cancel.Token)).ToList();
        await Should.ThrowAsync<StorageBusyException>(() => Store.SubmitAsync(item));
        // Most give up, or the writer would have them all to look at.
        await cancel.CancelAsync();
        Store.Journal.Committed = null;
        go.Set();

        (await first).Code.ShouldBe(VerdictCode.Done);
        (await Task.WhenAll(queued.Take(Stay))).ShouldAllBe(verdict => verdict.Code == VerdictCode.AlreadyThere);
        await Should.ThrowAsync<OperationCanceledException>(Task.WhenAll(queued));
        queued.Skip(Stay).ShouldAllBe(task => task.IsCanceled);
    }

    [Fact]
    public async Task Committed_AfterSale_TellsTheCountersBeforeTheVerdict()
    {
        await Store.ApplyAsync(Limits());
        List<CounterValue> told = [];
        Store.Journal.Committed = told.AddRange;

        await Store.SubmitAsync(Post(Lead(1), [Copy(1, Limits())]));

        told.Select(counter => (counter.LimitId, counter.Limit, counter.Used, counter.Held))
            .ShouldBe([("c:a1:leads:day:UTC", 100, 1, 0), ("bal:a", Money.Parse("1000").Micros, Price.Micros, 0)], ignoreOrder: true);
        Store.Journal.Committed = null;
    }
}
