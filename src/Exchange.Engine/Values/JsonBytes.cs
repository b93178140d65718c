using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Exchange.Engine.Values;

/// <summary>
/// Writes JSON into bytes of its own: UTF-8, one value. Writer and buffer belong to the thread and serve again, so that a message costs its bytes and nothing
/// else; what was written is wiped from them, since leads are among it.
/// </summary>
public static class JsonBytes
{
    /// <summary>A buffer that one large message made larger is not kept.</summary>
    private const int KeptBytes = 64 * 1024;

    [ThreadStatic] private static Scratch? escaped, plain;

    /// <summary>As a page may hold it: also <c>+</c>, <c>&lt;</c> and letters outside ASCII are escaped.</summary>
    /// <param name="write">Writes one value; may not be async.</param>
    public static byte[] Escaped<T>(T of, Action<Utf8JsonWriter, T> write) => Write(ref escaped, null, of, write);

    /// <summary>Read by programs, never put into a page: letters and the plus of a phone number stay as they are.</summary>
    /// <param name="write">As above.</param>
    public static byte[] Plain<T>(T of, Action<Utf8JsonWriter, T> write) =>
        Write(ref plain, JavaScriptEncoder.UnsafeRelaxedJsonEscaping, of, write);

    private static byte[] Write<T>(ref Scratch? idle, JavaScriptEncoder? encoder, T of, Action<Utf8JsonWriter, T> write)
    {
        // Whoever writes may write something else meanwhile: that gets a scratch of its own.
        var scratch = idle ?? new(encoder);
        idle = null;
        write(scratch.Writer, of);
        scratch.Writer.Flush();
        var bytes = scratch.Buffer.WrittenSpan.ToArray();
        // A writer that failed half way is not used again, so this is no finally.
        scratch.Buffer.Clear();
        scratch.Writer.Reset();
        if (scratch.Buffer.Capacity <= KeptBytes) idle = scratch;
        return bytes;
    }

    private sealed class Scratch
    {
        public Scratch(JavaScriptEncoder? encoder) => Writer = new(Buffer, new JsonWriterOptions { Encoder = encoder });

        public ArrayBufferWriter<byte> Buffer { get; } = new(1024);

        public Utf8JsonWriter Writer { get; }
    }
}
