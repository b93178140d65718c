namespace Exchange.Server.Access;

/// <summary>CRC-32 as in IEEE 802.3 (reflected, polynomial 0xEDB88320). Against typing errors, not against attackers.</summary>
public static class Crc32
{
    private static readonly uint[] Table = CreateTable();

    /// <summary>The checksum of ASCII text, one byte a character.</summary>
    public static uint Of(ReadOnlySpan<char> ascii)
    {
        var crc = uint.MaxValue;
        foreach (var c in ascii) crc = Table[(int)((crc ^ c) & 0xFF)] ^ crc >> 8;
        return ~crc;
    }

    private static uint[] CreateTable()
    {
        var table = new uint[256];
        for (var i = 0u; i < 256; i++)
        {
            var value = i;
            for (var bit = 0; bit < 8; bit++) value = (value & 1) != 0 ? 0xEDB88320 ^ value >> 1 : value >> 1;
            table[i] = value;
        }
        return table;
    }
}
