namespace Exchange.Grains.Cluster;

/// <summary>The silos of the cluster as one of them knows them: by Orleans' membership, or in a world that a test simulates.</summary>
public interface ISilos
{
    SiloIdentity Self { get; }

    /// <summary>Another silo that still answers; null: it is gone, or it is this one.</summary>
    ISiloService? Find(ushort number);

    bool IsAlive(ushort number);

    /// <summary>
    /// The silo that keeps what this name stands for: all agree as long as they see the same members, and when one comes or goes only its own names
    /// move. Null: this one.
    /// </summary>
    ISiloService? OwnerOf(string name);
}
