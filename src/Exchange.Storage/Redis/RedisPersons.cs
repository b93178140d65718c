using Exchange.Engine.Ledger;
using StackExchange.Redis;

namespace Exchange.Storage.Redis;

/// <summary>
/// Short-lived marks of persons that were claimed, for all silos: a key of the scope and half of the keyed hash that the person's row has, its value the moment of
/// the claim. Written after the claim is durable; what is missing, old or wrong costs speed and nothing else.
/// </summary>
public sealed class RedisPersons(RedisLink link)
{
    /// <summary>A person that comes twice comes twice soon.</summary>
    public static readonly TimeSpan MarkFor = TimeSpan.FromHours(1);

    /// <summary>Half of a keyed hash is as good as all of it.</summary>
    private const int Bytes = 16;

    /// <summary>Whether one of these is marked within its window. No answer in time is a no.</summary>
    public async Task<bool> AnyAsync(IReadOnlyList<PersonClaim> claims)
    {
        ArgumentNullException.ThrowIfNull(claims);
        RedisKey[] keys = [.. claims.Select(static claim => KeyOf(claim.Scope, claim.Hmac))];
        return await link.AskAsync(async database =>
        {
            // One by one, at once: in a Redis that is spread over several, keys of one question would have to lie together.
            var marks = await Task.WhenAll(keys.Select(key => database.StringGetAsync(key))).ConfigureAwait(false);
            for (var i = 0; i < marks.Length; i++) if (marks[i].TryParse(out long atMs) && atMs >= claims[i].SinceMs) return true;
            return false;
        }).ConfigureAwait(false) ?? false;
    }

    /// <summary>In this order; a moment of 0 takes the mark away.</summary>
    public async Task MarkAsync(IReadOnlyList<KnownPerson> persons) => await link.AskAsync(async database =>
    {
        await Task.WhenAll(persons.Select(Task (person) => person.AtMs > 0
            ? database.StringSetAsync(KeyOf(person.Scope, person.Hmac), person.AtMs, MarkFor)
            : database.KeyDeleteAsync(KeyOf(person.Scope, person.Hmac)))).ConfigureAwait(false);
        return true;
    }).ConfigureAwait(false);

    /// <summary>The key of one mark; holds nothing that tells who it is without the installation's key.</summary>
    public static string KeyOf(string scope, ReadOnlySpan<byte> hmac) => string.Concat("exchange:person:", scope, ":", Convert.ToHexStringLower(hmac[..Math.Min(Bytes, hmac.Length)]));
}
