namespace Exchange.Engine.Connectors;

/// <summary>The shape of somebody's API, compiled from the catalog's <c>connectors</c>.</summary>
public sealed class ConnectorModel
{
    public required string Id { get; init; }
    /// <summary>Asks for a bid; null: nobody can bid live through it.</summary>
    public RequestModel? Ping { get; init; }
    public required RequestModel Post { get; init; }
}

/// <summary>One request with the reading of its reply.</summary>
public sealed class RequestModel;
