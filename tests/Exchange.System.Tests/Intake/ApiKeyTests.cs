extern alias server;

using Exchange.Storage;
using Exchange.Storage.Sqlite;
using Microsoft.Extensions.Time.Testing;
using server::Exchange.Server.Access;
using Shouldly;

namespace Exchange.System.Tests.Intake;

public sealed class ApiKeyTests : IAsyncLifetime
{
    private readonly string folder = Path.Combine(Path.GetTempPath(), $"exchange-keys-{Guid.NewGuid():N}");
    private SqliteStore store = null!;

    public async Task InitializeAsync() => store = await SqliteStore.OpenAsync(new SqliteStoreOptions { Folder = folder });

    public async Task DisposeAsync()
    {
        await store.DisposeAsync();
        Directory.Delete(folder, recursive: true);
    }

    private ApiKeys NewKeys() => new(store.Access, store.Vault, new FakeTimeProvider());

    [Fact]
    public void Crc32_OfTheStandardCheckText_IsItsPublishedValue() => Crc32.Of("123456789").ShouldBe(0xCBF43926u);

    [Theory, InlineData(true, "lx_test_"), InlineData(false, "lx_live_")]
    public void Key_Created_IsWellFormedAndNeverTwiceTheSame(bool test, string prefix)
    {
        var key = ApiKeyFormat.Create(test);
        key.ShouldStartWith(prefix);
        ApiKeyFormat.IsWellFormed(key).ShouldBeTrue();
        ApiKeyFormat.Create(test).ShouldNotBe(key);
    }

    [Fact]
    public void Key_WithAnyOneCharacterChanged_IsMalformed()
    {
        var key = ApiKeyFormat.Create(false);
        for (var i = 0; i < key.Length; i++)
        {
            var typo = key.ToCharArray();
            typo[i] = typo[i] == 'x' ? 'y' : 'x';
            ApiKeyFormat.IsWellFormed(typo).ShouldBeFalse($"position {i}");
        }
        ApiKeyFormat.IsWellFormed(key.AsSpan(0, key.Length - 1)).ShouldBeFalse();
        ApiKeyFormat.IsWellFormed("").ShouldBeFalse();
        ApiKeyFormat.IsWellFormed("lx_live_").ShouldBeFalse();
    }

    [Fact]
    public async Task Key_Created_IsFoundAndStoredOnlyAsHash()
    {
        using var keys = NewKeys();
        var made = await keys.CreateAsync(KeyRole.Publisher, "search-partner", false, default);
        keys.Find(made.Plain).ShouldBe(new Caller(made.Row.Id, KeyRole.Publisher, "search-partner", false));
        keys.Find(made.Plain).ShouldNotBeNull("the second time it comes from those seen");
        keys.Find(ApiKeyFormat.Create(false)).ShouldBeNull();
        var row = (await keys.ListAsync(default)).ShouldHaveSingleItem();
        row.Hash.ShouldBe(store.Vault.KeyHash(made.Plain));
        made.Plain.ShouldStartWith(row.Prefix);
        row.Prefix.Length.ShouldBe(12);
    }

    [Fact]
    public async Task Key_Revoked_OpensNothingEvenAfterItWasSeen()
    {
        using var keys = NewKeys();
        var made = await keys.CreateAsync(KeyRole.Buyer, "acme", false, default);
        keys.Find(made.Plain).ShouldNotBeNull();
        (await keys.RevokeAsync(made.Row.Id, default)).ShouldBeTrue();
        keys.Find(made.Plain).ShouldBeNull();
        (await keys.RevokeAsync(made.Row.Id, default)).ShouldBeFalse();
    }

    [Fact]
    public async Task Keys_ThirdOfOnePartyAndMode_IsRefusedAndAnotherModeIsNot()
    {
        using var keys = NewKeys();
        await keys.CreateAsync(KeyRole.Buyer, "acme", false, default);
        var second = await keys.CreateAsync(KeyRole.Buyer, "acme", false, default);
        await Should.ThrowAsync<InvalidOperationException>(() => keys.CreateAsync(KeyRole.Buyer, "acme", false, default));
        await keys.CreateAsync(KeyRole.Buyer, "acme", true, default);
        await keys.RevokeAsync(second.Row.Id, default);
        await keys.CreateAsync(KeyRole.Buyer, "acme", false, default);
    }

    [Fact]
    public async Task Admin_FirstStartWithoutOne_GetsAKeyOnce()
    {
        using var keys = NewKeys();
        var first = await keys.EnsureAdminAsync(null, default);
        keys.Find(first.ShouldNotBeNull().Plain)!.Role.ShouldBe(KeyRole.Admin);
        (await keys.EnsureAdminAsync(null, default)).ShouldBeNull();
        using var restarted = NewKeys();
        (await restarted.EnsureAdminAsync("", default)).ShouldBeNull();
        restarted.Find(first.Plain)!.Role.ShouldBe(KeyRole.Admin);
    }

    /// <summary>One for tests, of a build that made such, opens nothing: it is no admin's key.</summary>
    [Fact]
    public async Task Admin_FirstStartWithATestKeyOnly_GetsAKey()
    {
        using var keys = NewKeys();
        await keys.CreateAsync(KeyRole.Admin, "somebody", true, default);
        (await keys.EnsureAdminAsync(null, default)).ShouldNotBeNull();
    }

    [Fact]
    public async Task Admin_KeyFromEnvironment_IsTakenAsItIsAndNotStored()
    {
        using var keys = NewKeys();
        (await keys.EnsureAdminAsync("correct-horse-battery", default)).ShouldBeNull();
        keys.Find("correct-horse-battery")!.Role.ShouldBe(KeyRole.Admin);
        keys.Find("correct-horse-batterx").ShouldBeNull();
        (await keys.ListAsync(default)).ShouldBeEmpty();
    }

    [Theory, InlineData("short"), InlineData("has a space in the middle"), InlineData("fifteen-chars-x")]
    public async Task Admin_WeakKeyFromEnvironment_IsRefused(string weak)
    {
        using var keys = NewKeys();
        await Should.ThrowAsync<ArgumentException>(() => keys.EnsureAdminAsync(weak, default));
    }
}
