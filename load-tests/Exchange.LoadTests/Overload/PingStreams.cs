using System.Buffers.Binary;
using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Headers;
using System.Threading.Channels;
using Exchange.V1;

namespace Exchange.LoadTests.Overload;

/// <summary>
/// Pings over <c>PingStream</c>, a stream for each connection: what a call of its own costs both sides, headers and a stream of HTTP/2, is not paid for each ping. Bytes as in
/// <see cref="RawIntake"/>. A stream that ends, ends its pings as failed, and all that come after.
/// </summary>
internal sealed class PingStreams(HttpClient[] clients, Uri server, string key) : IDisposable
{
    private readonly Lazy<OneStream>[] streams = [.. clients.Select(client => new Lazy<OneStream>(() => new(client, server, key)))];

    /// <param name="ping">A serialized <see cref="PingRequest"/> without a correlation id.</param>
    public Task<PingStreamResponse> PingAsync(long number, ReadOnlySpan<byte> ping) => streams[number % streams.Length].Value.PingAsync(number, ping);

    public void Dispose()
    {
        foreach (var stream in streams) if (stream.IsValueCreated) stream.Value.Dispose();
    }

    private sealed class OneStream : IDisposable
    {
        private const int Frame = 5, MostDigits = 20;
        // Field 13 of PingRequest, a text.
        private const byte CorrelationId = 13 << 3 | 2;

        private readonly Channel<byte[]> outgoing = Channel.CreateUnbounded<byte[]>(new UnboundedChannelOptions { SingleReader = true });
        private readonly ConcurrentDictionary<string, TaskCompletionSource<PingStreamResponse>> waiting = new(StringComparer.Ordinal);
        private readonly CancellationTokenSource over = new();
        private volatile Exception? ended;

        public OneStream(HttpClient client, Uri server, string key) => _ = RunAsync(client, server, key);

        public void Dispose()
        {
            over.Cancel();
            over.Dispose();
        }

        public Task<PingStreamResponse> PingAsync(long number, ReadOnlySpan<byte> ping)
        {
            Span<byte> digits = stackalloc byte[MostDigits];
            Utf8Formatter.TryFormat(number, digits, out var length);
            var frame = new byte[Frame + ping.Length + 2 + length];
            BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(1), frame.Length - Frame);
            ping.CopyTo(frame.AsSpan(Frame));
            (frame[^(length + 2)], frame[^(length + 1)]) = (CorrelationId, (byte)length);
            digits[..length].CopyTo(frame.AsSpan(frame.Length - length));
            var answer = new TaskCompletionSource<PingStreamResponse>(TaskCreationOptions.RunContinuationsAsynchronously);
            waiting[System.Text.Encoding.ASCII.GetString(digits[..length])] = answer;
            outgoing.Writer.TryWrite(frame);
            // Looked at after it is among those that are waited for: whoever ends the stream tells all that it finds there.
            if (ended is { } fault) answer.TrySetException(fault);
            return answer.Task;
        }

        private async Task RunAsync(HttpClient client, Uri server, string key)
        {
            Exception fault = new IOException("The stream of pings has ended.");
            try
            {
                using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(server, "/exchange.v1.IntakeService/PingStream"))
                {
                    Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact, Content = new Frames(outgoing.Reader, over.Token),
                };
                request.Headers.TryAddWithoutValidation("x-api-key", key);
                request.Headers.TryAddWithoutValidation("te", "trailers");
                using var reply = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, over.Token);
                await ReadAsync(await reply.Content.ReadAsStreamAsync(over.Token));
            }
            catch (Exception broke) when (broke is HttpRequestException or IOException or OperationCanceledException)
            {
                fault = new IOException("The stream of pings has ended.", broke);
            }
            ended = fault;
            foreach (var answer in waiting.Values) answer.TrySetException(fault);
        }

        private async Task ReadAsync(Stream stream)
        {
            using var buffered = new BufferedStream(stream, 64 * 1024);
            var header = new byte[Frame];
            var body = new byte[4 * 1024];
            while (await buffered.ReadAtLeastAsync(header, Frame, throwOnEndOfStream: false, over.Token) == Frame)
            {
                var length = BinaryPrimitives.ReadInt32BigEndian(header.AsSpan(1));
                if (body.Length < length) body = new byte[length];
                await buffered.ReadExactlyAsync(body.AsMemory(0, length), over.Token);
                var answer = PingStreamResponse.Parser.ParseFrom(body, 0, length);
                if (waiting.TryRemove(answer.CorrelationId, out var asked)) asked.TrySetResult(answer);
            }
        }
    }

    /// <summary>Whatever is ready goes out together.</summary>
    private sealed class Frames : HttpContent
    {
        private readonly ChannelReader<byte[]> frames;
        private readonly CancellationToken over;

        public Frames(ChannelReader<byte[]> frames, CancellationToken over)
        {
            (this.frames, this.over) = (frames, over);
            Headers.ContentType = new MediaTypeHeaderValue("application/grpc");
        }

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            var together = new MemoryStream();
            while (await frames.WaitToReadAsync(over))
            {
                together.SetLength(0);
                while (together.Length < 16 * 1024 && frames.TryRead(out var frame)) together.Write(frame);
                await stream.WriteAsync(together.GetBuffer().AsMemory(0, (int)together.Length), over);
                await stream.FlushAsync(over);
            }
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
