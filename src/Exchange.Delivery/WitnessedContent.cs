using System.Net;
using Exchange.Engine;

namespace Exchange.Delivery;

/// <summary>
/// A request body that knows whether it was ever begun: the one proof that nothing of the lead left this machine. It can be written once only,
/// so that no layer below can send it a second time.
/// </summary>
internal sealed class WitnessedContent : HttpContent
{
    private readonly byte[] body;
    private int begun;

    public WitnessedContent(byte[] body, string contentType)
    {
        this.body = body;
        // As it is written: what a buyer's interface asks for need not be what a library thinks of it.
        Headers.TryAddWithoutValidation("Content-Type", contentType);
    }

    public bool Begun => Volatile.Read(ref begun) != 0;

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        if (Interlocked.Exchange(ref begun, 1) != 0) throw new IOException("A lead's body is sent once only.");
        await stream.WriteAsync(body, cancellationToken);
        // Sent now and not a moment later, so that the point after it means what it says.
        await stream.FlushAsync(cancellationToken);
        FaultPoints.AfterBytes.Pass();
    }

    protected override bool TryComputeLength(out long length)
    {
        length = body.Length;
        return true;
    }
}
