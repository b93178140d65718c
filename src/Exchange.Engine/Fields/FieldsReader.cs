using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using Exchange.Engine.Catalog;

namespace Exchange.Engine.Fields;

/// <summary>The fields of one request, read.</summary>
/// <param name="Values">By ordinal; only to be used if <see cref="Ok"/>.</param>
/// <param name="Errors">Everything wrong, in the order of the request, then what is missing in the order of the vertical; at most <see cref="Limits.ErrorsPerAnswer"/>.</param>
/// <param name="Warnings">What was set aside though nothing is wrong enough to refuse.</param>
public sealed record FieldsReading(FieldValue[] Values, IReadOnlyList<InputError> Errors, IReadOnlyList<InputError> Warnings)
{
    public bool Ok => Errors.Count == 0;
    /// <summary>Hashes of person fields, as a ping may carry them in the place of the values; each field at most once.</summary>
    public IReadOnlyList<GivenHash> Hashes { get; init; } = [];

    /// <summary>The hashes of the phone numbers and addresses that were given: what a ping before this direct post would have carried.</summary>
    public IReadOnlyList<GivenHash> HashesOfValues(FieldSet fields) =>
        [.. fields.All.Where(field => field.Type is FieldType.Phone or FieldType.Email && Values[field.Ordinal].IsGiven)
            .Select(field => new GivenHash(field, GivenHash.Of(Values[field.Ordinal].Text!)))];
}

/// <summary>The SHA-256 (32 bytes) of a person field's normalized value: the E.164 number, the lower-case address.</summary>
public readonly record struct GivenHash(FieldSchema Field, byte[] Sha256)
{
    public static byte[] Of(string normalized) => SHA256.HashData(Encoding.UTF8.GetBytes(normalized));
}

/// <summary>
/// Reads all fields of a ping, a post, a direct post or an addition by the vertical's schema. Pointers are <c>/fields/NAME</c>, with the name as the publisher
/// calls the field.
/// An empty text counts as not given. No message repeats a value. Where the vertical takes hashes, <c>NAME_sha256</c> may come with a ping, and again
/// with its post.
/// </summary>
public static class FieldsReader
{
    private enum Stage { Ping, Post, Direct, Addition }

    /// <summary>Contact data is <c>pii_in_ping</c>, another field without <c>ping</c> is <c>invalid_field</c>.</summary>
    /// <param name="today">Day number of the date in the exchange's zone.</param>
    public static FieldsReading ReadPing(FieldSet fields, IReadOnlyList<RawField> raw, FieldParsers parsers, int today, IntakeModel? words = null) =>
        Read(Stage.Ping, fields, raw, [], PostChanges.Refuse, parsers, today, words ?? IntakeModel.Plain);

    /// <summary>
    /// Values are the pinged ones and the posted ones together. A pinged field that comes again with another value is <c>ping_mismatch</c>:
    /// an error, or with <see cref="PostChanges.Ignore"/> a warning while the pinged value stays. With the same value it is right, also where
    /// the field's bounds have moved with the day.
    /// </summary>
    /// <param name="pinged">By ordinal of the same vertical; may be shorter if the vertical has gained fields since.</param>
    public static FieldsReading ReadPost(FieldSet fields, IReadOnlyList<RawField> raw, FieldValue[] pinged, PostChanges changes, FieldParsers parsers, int today, IntakeModel? words = null) =>
        Read(Stage.Post, fields, raw, pinged, changes, parsers, today, words ?? IntakeModel.Plain);

    /// <summary>Ping and post in one call: whatever either requires is required.</summary>
    public static FieldsReading ReadDirect(FieldSet fields, IReadOnlyList<RawField> raw, FieldParsers parsers, int today, IntakeModel? words = null) =>
        Read(Stage.Direct, fields, raw, [], PostChanges.Refuse, parsers, today, words ?? IntakeModel.Plain);

    /// <summary>Fields added to a lead later: any field of the vertical that was not given yet (else <c>field_fixed</c>); nothing is required.</summary>
    public static FieldsReading ReadAddition(FieldSet fields, IReadOnlyList<RawField> raw, FieldValue[] given, FieldParsers parsers, int today, IntakeModel? words = null) =>
        Read(Stage.Addition, fields, raw, given, PostChanges.Refuse, parsers, today, words ?? IntakeModel.Plain);

    private static FieldsReading Read(
        Stage stage, FieldSet fields, IReadOnlyList<RawField> raw, FieldValue[] before, PostChanges changes, FieldParsers parsers, int today,
        IntakeModel words)
    {
        var values = new FieldValue[fields.Count];
        before.AsSpan(0, Math.Min(before.Length, values.Length)).CopyTo(values);
        var findings = new Findings();
        if (raw.Count > Limits.FieldsPerRequest)
        {
            findings.Error("/fields", FieldErrors.OutOfRange, $"At most {Limits.FieldsPerRequest} fields may be given.");
            return findings.With(values);
        }

        Span<Came> came = values.Length <= 512 ? stackalloc Came[values.Length] : new Came[values.Length];
        HashSet<string>? unknown = null;
        for (var i = 0; i < raw.Count; i++)
        {
            var field = raw[i];
            var name = words.Field(field.Name);
            var schema = fields.Find(name);
            if (schema is null && stage != Stage.Addition && fields.FindHashed(name) is { } hashed)
            {
                if (!findings.Came(hashed)) findings.Error(Pointer(field.Name), FieldErrors.DuplicateProperty, "A field may be given only once.");
                else if (IsEmpty(field)) continue;
                else if (Sha256Of(field) is { } hash) findings.Hash(new(hashed, hash));
                else findings.Error(Pointer(field.Name), FieldErrors.InvalidFormat, "The hash must be a SHA-256 as 64 hexadecimal digits.");
                continue;
            }
            if (schema is null)
            {
                if (!(unknown ??= new(StringComparer.Ordinal)).Add(field.Name)) findings.Error(Pointer(field.Name), FieldErrors.DuplicateProperty, "A field may be given only once.");
                else if (words.IgnoresUnknown) findings.Warn(Pointer(field.Name), FieldErrors.UnknownField, "The vertical has no such field; it was set aside.");
                else findings.Error(Pointer(field.Name), FieldErrors.UnknownField, "The vertical has no such field.");
                continue;
            }
            ref var state = ref came[schema.Ordinal];
            if (state != Came.Not)
            {
                state = Came.Wrong;
                findings.Error(Pointer(field.Name), FieldErrors.DuplicateProperty, "A field may be given only once.");
                continue;
            }
            state = Came.Well;
            if (IsEmpty(field)) continue;
            if (Refusal(stage, schema) is { } refusal)
            {
                state = Came.Wrong;
                findings.Error(Pointer(field.Name), refusal.Code, refusal.Message);
                continue;
            }
            var sent = words.Value(schema, field);
            // What is there already is only compared: it was inside the bounds on its own day.
            var reading = values[schema.Ordinal].IsGiven ? FieldReader.ReadRepeated(schema, sent, parsers) : FieldReader.Read(schema, sent, parsers, today);
            if (!reading.Ok)
            {
                state = Came.Wrong;
                findings.Error(Pointer(field.Name), reading.Code!, $"The field {reading.Message}.");
            }
            else Put(stage, field.Name, schema, reading.Value, values, changes, findings);
        }

        foreach (var (schema, hash) in findings.Hashes)
        {
            if (came[schema.Ordinal] != Came.Not && values[schema.Ordinal].Text is { } text && !GivenHash.Of(text).AsSpan().SequenceEqual(hash))
                findings.Error(Pointer(words.NameOf(schema.HashName)), FieldErrors.InvalidField, "This is the hash of another value than the one given beside it.");
        }
        foreach (var schema in fields.All)
        {
            // A wrong field is not also a missing one.
            if (IsRequired(stage, schema) && !values[schema.Ordinal].IsGiven && came[schema.Ordinal] != Came.Wrong)
                findings.Error(Pointer(words.NameOf(schema.Name)), FieldErrors.MissingField, "The field is required.");
        }
        return findings.With(values);
    }

    private enum Came : byte { Not, Well, Wrong }

    private static void Put(Stage stage, string name, FieldSchema schema, FieldValue value, FieldValue[] values, PostChanges changes, Findings findings)
    {
        ref var place = ref values[schema.Ordinal];
        if (!place.IsGiven) { place = value; return; }
        if (stage == Stage.Addition)
        {
            findings.Error(Pointer(name), FieldErrors.FieldFixed, "The field was given before and cannot change.");
            return;
        }
        if (string.Equals(place.Text, value.Text, StringComparison.OrdinalIgnoreCase)) return;
        if (changes == PostChanges.Ignore)
            findings.Warn(Pointer(name), FieldErrors.PingMismatch, "The field was pinged with another value, which stays.");
        else
            findings.Error(Pointer(name), FieldErrors.PingMismatch, "The field was pinged with another value.");
    }

    private static (string Code, string Message)? Refusal(Stage stage, FieldSchema schema) => stage switch
    {
        Stage.Ping when schema.PingHashed =>
            (FieldErrors.PiiInPing, $"The value must not be in a ping; send its SHA-256 as {schema.HashName}, and the value with the post."),
        Stage.Ping when schema.Pii => (FieldErrors.PiiInPing, "The field is contact data and must not be in a ping; send it with the post."),
        Stage.Ping when schema.Ping == FieldUse.None => (FieldErrors.InvalidField, "The field exists but may not be pinged; send it with the post."),
        Stage.Post or Stage.Direct when schema is { Ping: FieldUse.None, PingHashed: false, Post: FieldUse.None } =>
            (FieldErrors.UnknownField, "The field comes only later, as an addition to the lead."),
        _ => null,
    };

    private static bool IsRequired(Stage stage, FieldSchema schema) => stage switch
    {
        Stage.Ping => schema.Ping == FieldUse.Required && !schema.Pii,
        Stage.Post or Stage.Direct => schema.Ping == FieldUse.Required || schema.Post == FieldUse.Required,
        _ => false,
    };

    /// <summary>Any case; null if it is no hash.</summary>
    private static byte[]? Sha256Of(RawField field)
    {
        var text = field.Text.AsSpan().Trim();
        var hash = new byte[SHA256.HashSizeInBytes];
        return field.Kind is RawKind.String or RawKind.Number && text.Length == 2 * hash.Length
            && Convert.FromHexString(text, hash, out _, out _) == OperationStatus.Done ? hash : null;
    }

    private static bool IsEmpty(RawField field) => field.Kind == RawKind.String && string.IsNullOrWhiteSpace(field.Text);

    /// <summary>Of a field in the request.</summary>
    public static string Pointer(string name) => Pointers.To("/fields", name);

    /// <summary>Its lists are made with the first finding: most requests have none.</summary>
    private sealed class Findings
    {
        private List<InputError>? errors;
        private List<InputError>? warnings;
        private List<GivenHash>? hashes;
        private HashSet<FieldSchema>? hashed;

        public IReadOnlyList<GivenHash> Hashes => (IReadOnlyList<GivenHash>?)hashes ?? [];

        /// <summary>False: its hash came before.</summary>
        public bool Came(FieldSchema field) => (hashed ??= []).Add(field);
        public void Hash(GivenHash hash) => (hashes ??= []).Add(hash);

        public void Error(string pointer, string code, string message) => Add(ref errors, pointer, code, message);
        public void Warn(string pointer, string code, string message) => Add(ref warnings, pointer, code, message);
        public FieldsReading With(FieldValue[] values) => new(values, (IReadOnlyList<InputError>?)errors ?? [], (IReadOnlyList<InputError>?)warnings ?? []) { Hashes = Hashes };

        private static void Add(ref List<InputError>? list, string pointer, string code, string message)
        {
            list ??= [];
            if (list.Count < Limits.ErrorsPerAnswer) list.Add(new(pointer, code, message));
        }
    }
}
