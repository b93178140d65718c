using System.Buffers.Binary;
using Microsoft.Extensions.Logging;

namespace Exchange.Storage.Sqlite;

/// <summary>
/// Looks at a write-ahead log before its database does, which reads it as far as its checksums hold and says nothing of the rest. A rest is what a process
/// leaves that died while it wrote a transaction: it has no end. An end of this log's generation behind the place where the sums break is something else:
/// it was committed, and a disk has lost it.
/// </summary>
internal static class LogTail
{
    private const int HeaderBytes = 32, FrameHeaderBytes = 24;
    private const uint Magic = 0x377f0682;

    /// <summary>Tells the operator what the log of this database has lost; nothing where it is whole.</summary>
    public static void Check(string databaseFile, ILogger logger)
    {
        var log = databaseFile + "-wal";
        if (!File.Exists(log)) return;
        using var file = new FileStream(log, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 1 << 16);
        var (end, lost) = Read(file);
        if (lost > 0)
            logger.LogCritical(
                "The log of {File} is damaged at byte {Byte}: {Count} transactions behind it were written whole and cannot be read, so what they recorded is lost. One may be what a power cut left before it was answered; more are a disk that does not keep what it was given. The exchange goes on without them",
                Path.GetFileName(databaseFile), end, lost);
    }

    /// <summary>Where the sums break or the generation ends, and how many transactions of this generation end behind it.</summary>
    internal static (long End, int Lost) Read(Stream file)
    {
        Span<byte> header = stackalloc byte[HeaderBytes];
        if (file.ReadAtLeast(header, HeaderBytes, throwOnEndOfStream: false) < HeaderBytes) return (0, 0);
        var magic = BinaryPrimitives.ReadUInt32BigEndian(header);
        var pageBytes = BinaryPrimitives.ReadInt32BigEndian(header[8..]);
        // Of a log that was about to begin anew: all it held is in the database.
        if ((magic & ~1u) != Magic || pageBytes is < 512 or > 65_536) return (0, 0);
        var sum = new Sum(isBigEndian: (magic & 1) == 1);
        sum.Add(header[..24]);
        if (!sum.Is(header[24..])) return (0, 0);
        var salt = header.Slice(16, 8);
        var frame = new byte[FrameHeaderBytes + pageBytes];
        var (at, end, broken, lost) = ((long)HeaderBytes, (long)HeaderBytes, false, 0);
        while (file.ReadAtLeast(frame, frame.Length, throwOnEndOfStream: false) == frame.Length && frame.AsSpan(8, 8).SequenceEqual(salt))
        {
            if (!broken)
            {
                sum.Add(frame.AsSpan(0, 8));
                sum.Add(frame.AsSpan(FrameHeaderBytes));
                broken = !sum.Is(frame.AsSpan(16));
            }
            at += frame.Length;
            if (!broken) end = at;
            else if (BinaryPrimitives.ReadInt32BigEndian(frame.AsSpan(4)) != 0) lost++;
        }
        return (end, lost);
    }

    /// <summary>The log's running checksum: of the header, then of each frame's first eight bytes and page.</summary>
    private struct Sum(bool isBigEndian)
    {
        private uint first, second;

        public void Add(ReadOnlySpan<byte> bytes)
        {
            for (; bytes.Length >= 8; bytes = bytes[8..])
            {
                unchecked
                {
                    first += Word(bytes) + second;
                    second += Word(bytes[4..]) + first;
                }
            }
        }

        public readonly bool Is(ReadOnlySpan<byte> written) => BinaryPrimitives.ReadUInt32BigEndian(written) == first && BinaryPrimitives.ReadUInt32BigEndian(written[4..]) == second;

        private readonly uint Word(ReadOnlySpan<byte> bytes) => isBigEndian ? BinaryPrimitives.ReadUInt32BigEndian(bytes) : BinaryPrimitives.ReadUInt32LittleEndian(bytes);
    }
}
