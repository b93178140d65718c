namespace Exchange.Delivery;

/// <summary>Whether anything of a request was ever written to a connection, its head included: a request without a body has the lead in its address.</summary>
internal sealed class SendWitness
{
    /// <summary>Of the request that is being sent: it flows with the call that writes.</summary>
    public static AsyncLocal<SendWitness?> Current { get; } = new();

    private WitnessStream? connection;

    public bool Begun => Volatile.Read(ref connection) is not null;

    /// <exception cref="IOException">It was written to another connection before: some layer below wanted to send it a second time.</exception>
    public void Begin(WitnessStream stream)
    {
        var before = Interlocked.CompareExchange(ref connection, stream, null);
        if (before is not null && !ReferenceEquals(before, stream)) throw new IOException("A lead is sent once only.");
    }
}

/// <summary>A connection, above its TLS, that tells the request in flight when its first byte goes out.</summary>
internal sealed class WitnessStream(Stream inner) : Stream
{
    public override bool CanRead => inner.CanRead;
    public override bool CanWrite => inner.CanWrite;
    public override bool CanSeek => false;
    public override long Length => throw new NotSupportedException();
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override int Read(byte[] buffer, int offset, int count) => inner.Read(buffer, offset, count);
    public override int Read(Span<byte> buffer) => inner.Read(buffer);
    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => inner.ReadAsync(buffer, offset, count, cancellationToken);
    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => inner.ReadAsync(buffer, cancellationToken);

    public override void Write(byte[] buffer, int offset, int count)
    {
        SendWitness.Current.Value?.Begin(this);
        inner.Write(buffer, offset, count);
    }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        SendWitness.Current.Value?.Begin(this);
        inner.Write(buffer);
    }

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
    {
        SendWitness.Current.Value?.Begin(this);
        return inner.WriteAsync(buffer, offset, count, cancellationToken);
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        SendWitness.Current.Value?.Begin(this);
        return inner.WriteAsync(buffer, cancellationToken);
    }

    public override void Flush() => inner.Flush();
    public override Task FlushAsync(CancellationToken cancellationToken) => inner.FlushAsync(cancellationToken);
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing) inner.Dispose();
        base.Dispose(disposing);
    }

    public override async ValueTask DisposeAsync()
    {
        await inner.DisposeAsync();
        await base.DisposeAsync();
    }
}
