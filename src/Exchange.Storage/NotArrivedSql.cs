using Exchange.Engine.Deliveries;

namespace Exchange.Storage;

/// <summary>Of a dead letter, in both databases' SQL: its error says that certainly nothing reached the buyer (<see cref="NothingArrived"/>), so that a sale does not make it delivered.</summary>
internal static class NotArrivedSql
{
    private static readonly string Codes = string.Join(", ", NothingArrived.Codes.Order(StringComparer.Ordinal).Select(static code => $"'{code}'"));

    public static string Of(string column) =>
        $"(coalesce({column}, '') IN ({Codes}) OR coalesce({column}, '') LIKE '{NothingArrived.MailServersNo}%' AND {column} NOT LIKE '%{DeliveryDecision.AfterDoubt}')";
}
