using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Exchange.Server.Intake;

/// <summary>
/// SHA-256 over a request's content, the same for the same content whatever its wire, spacing, member order or escapes: members in a fixed
/// order, each with its mark and length, members not given left out, fields and tags by name. A field's value is its text: 35 and "35" are
/// the same answer to the same question, and gRPC sends only texts. A call's own deadline is no content. Cost: one hash of a few hundred bytes.
/// </summary>
public static class CanonicalHash
{
    /// <summary>The request has been through <see cref="RequestRules"/>, which sort it. 32 bytes.</summary>
    public static byte[] Of(IntakeRequest request)
    {
        var writer = new Writer(stackalloc byte[1024]);
        writer.Byte((byte)request.Kind);
        writer.Text(1, request.Vertical);
        writer.Text(2, request.SubId);
        writer.Text(3, request.Channel);
        foreach (var (name, value) in request.Tags)
        {
            writer.Text(4, name);
            writer.Text(5, value);
        }
        writer.Number(6, request.MinPayout.Micros);
        writer.Number(7, request.MaxCopies);
        writer.Number(8, request.SoldElsewhereCopies);
        foreach (var seller in request.SoldElsewhereSellers) writer.Text(9, seller);
        writer.Number(10, request.DeadlineMs);
        if (request.Consent is { } consent)
        {
            writer.Text(11, consent.Text);
            writer.Number(12, consent.At?.UtcTicks ?? 0);
            writer.Text(13, consent.Page);
            writer.Text(14, consent.Ip);
            writer.Text(15, consent.UserAgent);
            foreach (var seller in consent.Sellers) writer.Text(16, seller);
        }
        writer.Number(17, request.Test ? 1 : 0);
        writer.Text(18, request.TestResult);
        writer.Text(19, request.PingId);
        if (request.OfferIds is { } offers) foreach (var id in offers) writer.Text(20, id);
        foreach (var field in request.Fields)
        {
            writer.Text(21, field.Name);
            writer.Text(22, field.Text);
        }
        return writer.Hash();
    }

    private ref struct Writer(Span<byte> initial)
    {
        private Span<byte> buffer = initial;
        private byte[]? rented;
        private int length;

        public void Byte(byte value)
        {
            Reserve(1);
            buffer[length++] = value;
        }

        public void Text(byte mark, string? text)
        {
            if (text is null) return;
            Reserve(5 + Encoding.UTF8.GetMaxByteCount(text.Length));
            buffer[length] = mark;
            var count = Encoding.UTF8.GetBytes(text, buffer[(length + 5)..]);
            BinaryPrimitives.WriteInt32LittleEndian(buffer[(length + 1)..], count);
            length += 5 + count;
        }

        public void Number(byte mark, long value)
        {
            if (value == 0) return;
            Reserve(9);
            buffer[length] = mark;
            BinaryPrimitives.WriteInt64LittleEndian(buffer[(length + 1)..], value);
            length += 9;
        }

        public byte[] Hash()
        {
            var hash = SHA256.HashData(buffer[..length]);
            if (rented is not null) ArrayPool<byte>.Shared.Return(rented, clearArray: true);
            return hash;
        }

        private void Reserve(int more)
        {
            if (buffer.Length - length >= more) return;
            var larger = ArrayPool<byte>.Shared.Rent(Math.Max(buffer.Length * 2, length + more));
            buffer[..length].CopyTo(larger);
            if (rented is not null) ArrayPool<byte>.Shared.Return(rented, clearArray: true);
            buffer = rented = larger;
        }
    }
}
