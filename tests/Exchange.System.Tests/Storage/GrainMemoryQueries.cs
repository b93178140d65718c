using System.Data.Common;
using System.Text;
using Shouldly;

namespace Exchange.System.Tests.Storage;

/// <summary>What Orleans's provider asks of grain memory, whatever database is below it.</summary>
internal static class GrainMemoryQueries
{
    /// <summary>Versions are kept, first writes are alone, a stale one is refused.</summary>
    public static async Task KeepVersionsAsync(Func<DbConnection> open)
    {
        (await Write(null, "one")).ShouldBe(1);
        (await Write(null, "lost")).ShouldBeNull();
        (await Write(1, "two")).ShouldBe(2);
        (await Write(1, "stale")).ShouldBeNull();
        (await Write(7, "no such row", extension: "+x")).ShouldBeNull();
        (await Write(null, "own", extension: "+x")).ShouldBe(1);
        Text((await Grain("ReadFromStorageKey"))[0]!).ShouldBe("two");
        (await Grain("ClearStorageKey", 1)).ShouldBeEmpty();
        Number(await Grain("ClearStorageKey", 2)).ShouldBe(3);
        (await Grain("ReadFromStorageKey")).ShouldBe([DBNull.Value]);
        (await Write(3, "three")).ShouldBe(4);
        (await Grain("DeleteStorageKey", 3)).ShouldBeEmpty();
        Number(await Grain("DeleteStorageKey", 4)).ShouldBe(5);
        (await Grain("ReadFromStorageKey")).ShouldBeEmpty();

        async Task<long?> Write(int? version, string payload, string? extension = null) =>
            await Grain("WriteToStorageKey", version, payload, extension) is [var written] ? Convert.ToInt64(written, null) : null;
        static string Text(object payload) => Encoding.UTF8.GetString((byte[])payload);
        static long? Number(List<object> rows) => rows is [var only] ? Convert.ToInt64(only, null) : null;

        Task<List<object>> Grain(string query, int? version = null, string? payload = null, string? extension = null) => RunAsync(open, query,
            ("GrainIdHash", 1), ("GrainIdN0", 2L), ("GrainIdN1", 3L), ("GrainTypeHash", 4), ("GrainTypeString", "buyer-v1"), ("GrainIdExtensionString", extension),
            ("ServiceId", "exchange"), ("GrainStateVersion", version), ("PayloadBinary", payload is null ? null : Encoding.UTF8.GetBytes(payload)));
    }

    /// <summary>Runs one of Orleans's queries as its provider does, every value with its type; the first column of each row.</summary>
    public static async Task<List<object>> RunAsync(Func<DbConnection> open, string query, params (string Name, object? Value)[] values)
    {
        await using var connection = open();
        await connection.OpenAsync();
        await using var find = connection.CreateCommand();
        find.CommandText = $"SELECT QueryText FROM OrleansQuery WHERE QueryKey = '{query}'";
        await using var command = connection.CreateCommand();
        command.CommandText = (string)(await find.ExecuteScalarAsync())!;
        foreach (var (name, value) in values)
        {
            var parameter = command.CreateParameter();
            parameter.ParameterName = name;
            parameter.Value = value ?? DBNull.Value;
            parameter.DbType = name switch
            {
                "GrainIdN0" or "GrainIdN1" => global::System.Data.DbType.Int64,
                "PayloadBinary" => global::System.Data.DbType.Binary,
                "StartTime" or "IAmAliveTime" => global::System.Data.DbType.DateTime,
                _ => value is string || name is "GrainIdExtensionString" or "SuspectTimes" ? global::System.Data.DbType.String : global::System.Data.DbType.Int32,
            };
            command.Parameters.Add(parameter);
        }
        await using var reader = await command.ExecuteReaderAsync();
        List<object> rows = [];
        while (await reader.ReadAsync()) rows.Add(reader.GetValue(0));
        return rows;
    }
}
