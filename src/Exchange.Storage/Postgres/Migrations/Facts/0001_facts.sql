-- Facts: what was sold, to whom, for how much, and every limit. Ids of leads are their 16 bytes as uuid, whose order is time order.
-- Times are Unix milliseconds, windows Unix seconds, money micros. Enumerations are the numbers of the types of the same name.
-- Locks are taken in one order everywhere: request, lead, person, then the sales latch, copies, transfers, deliveries, counters, buyer_sales; rows of
-- one table in the order of their keys.

CREATE TABLE request (
    publisher text COLLATE "C" NOT NULL,
    key       text COLLATE "C" NOT NULL,
    lead_id   uuid NOT NULL,
    hash      bytea NOT NULL,
    PRIMARY KEY (publisher, key)
);

-- offer_ms: above 0, the copies were held at the ping, nothing was posted, and the offer ends then.
-- promised: micros that the offers a post took add up to, where it came in time; null for tests, direct posts and posts after their offer's end.
CREATE TABLE lead (
    lead_id         uuid NOT NULL PRIMARY KEY,
    publisher       text COLLATE "C" NOT NULL,
    vertical        text COLLATE "C" NOT NULL,
    sub_id          text COLLATE "C",
    channel         text COLLATE "C",
    test            boolean NOT NULL,
    state           smallint NOT NULL,
    reason          smallint NOT NULL,
    max_copies      integer NOT NULL,
    open_copies     integer NOT NULL,
    open_exclusive  boolean NOT NULL,
    catalog_version bigint NOT NULL,
    at_ms           bigint NOT NULL,
    offer_ms        bigint NOT NULL,
    promised        bigint,
    post_hash       bytea NOT NULL,
    answer          bytea,
    sealed          bytea NOT NULL,
    CHECK (open_copies >= 0 AND open_copies <= max_copies),
    CHECK (NOT open_exclusive OR open_copies = 1)
);
-- What is sealed or hashed does not get smaller.
ALTER TABLE lead ALTER COLUMN sealed SET STORAGE EXTERNAL;
CREATE INDEX lead_by_publisher ON lead (publisher, lead_id);
CREATE INDEX lead_unsettled ON lead (state, lead_id) WHERE state IN (1, 3, 4);
CREATE INDEX lead_offered ON lead (state, offer_ms) WHERE offer_ms > 0;
CREATE INDEX lead_promised ON lead (at_ms) WHERE promised IS NOT NULL;

-- A test's copies take nothing, count for nothing and are in no inbox. The bit stands in the id.
CREATE FUNCTION is_test(id uuid) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE RETURN get_byte(uuid_send(id), 8) >= 128;

-- The copy is the hold. takes, amounts: what it took of which counter, so that it ends in the windows it was taken in.
-- trees: ids from the outermost in, parted by slashes. called: its buyer was or is being told; a copy that never was may expire.
CREATE TABLE copy (
    lead_id      uuid NOT NULL,
    no           integer NOT NULL,
    offer_id     text COLLATE "C" NOT NULL,
    campaign     text COLLATE "C" NOT NULL,
    buyer        text COLLATE "C" NOT NULL,
    company      text COLLATE "C" NOT NULL,
    publisher    text COLLATE "C" NOT NULL,
    exclusive    boolean NOT NULL,
    state        smallint NOT NULL,
    called       boolean NOT NULL,
    price        bigint NOT NULL,
    payout       bigint NOT NULL,
    at_ms        bigint NOT NULL,
    changed_ms   bigint NOT NULL,
    reason       smallint NOT NULL,
    tier         text COLLATE "C" NOT NULL,
    trees        text COLLATE "C" NOT NULL,
    takes        text[] COLLATE "C" NOT NULL,
    amounts      bigint[] NOT NULL,
    buyer_ref    text,
    redirect_url text,
    PRIMARY KEY (lead_id, no),
    CHECK (cardinality(takes) = cardinality(amounts))
);
CREATE UNIQUE INDEX copy_company ON copy (lead_id, company) WHERE state IN (1, 2, 3);
CREATE INDEX copy_by_campaign ON copy (campaign, at_ms);
CREATE INDEX copy_by_buyer ON copy (buyer, at_ms);
CREATE INDEX copy_by_publisher ON copy (publisher, at_ms);
CREATE INDEX copy_by_trees ON copy (trees, at_ms) WHERE trees <> '';

-- A buyer's sold copies in the order in which they became visible, so that whoever reads on from a cursor misses none: seq is taken from the buyer's
-- row in buyer_sales, which stays locked until the commit. The next number is therefore given only after the one before it can be seen. A
-- transaction that is undone gives its numbers back with the row: there are no gaps. A sequence of the database could promise neither.
CREATE TABLE sold (
    buyer   text COLLATE "C" NOT NULL,
    seq     bigint NOT NULL,
    lead_id uuid NOT NULL,
    no      integer NOT NULL,
    PRIMARY KEY (buyer, seq)
);
CREATE TABLE buyer_sales (
    buyer text COLLATE "C" NOT NULL PRIMARY KEY,
    last  bigint NOT NULL
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);

-- no: the copy that claimed; 0 the lead. was_: whose place was taken because it was too old for the window then, put back if the claim is freed.
CREATE TABLE person (
    scope    text COLLATE "C" NOT NULL,
    hmac     bytea NOT NULL,
    lead_id  uuid NOT NULL,
    no       integer NOT NULL,
    at_ms    bigint NOT NULL,
    was_lead uuid,
    was_no   integer,
    was_ms   bigint,
    PRIMARY KEY (scope, hmac)
);
CREATE INDEX person_by_lead ON person (lead_id);
CREATE INDEX person_was ON person (was_lead) WHERE was_lead IS NOT NULL;

-- source: the 16 bytes of the lead's id, or the operation's key in UTF-8. seq is the order of booking within one writer; whoever sums up to a seq
-- (closing) calls hold_sales first, so that nothing below it is still on its way.
CREATE TABLE transfer (
    seq       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source    bytea NOT NULL,
    no        integer NOT NULL,
    kind      text COLLATE "C" NOT NULL,
    part      integer NOT NULL,
    at_ms     bigint NOT NULL,
    lead_id   uuid,
    debit     text COLLATE "C" NOT NULL,
    credit    text COLLATE "C" NOT NULL,
    amount    bigint NOT NULL CHECK (amount > 0),
    reference text
);
CREATE UNIQUE INDEX transfer_source ON transfer (source, no, kind, part);
CREATE INDEX transfer_debit ON transfer (debit, seq);
CREATE INDEX transfer_credit ON transfer (credit, seq);

CREATE FUNCTION never_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a row of % is never changed', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER transfer_no_update BEFORE UPDATE ON transfer FOR EACH ROW EXECUTE FUNCTION never_changed();
-- What its own transaction takes back was never there.
CREATE TRIGGER transfer_no_delete BEFORE DELETE ON transfer FOR EACH ROW WHEN (OLD.xmin <> pg_current_xact_id()::xid) EXECUTE FUNCTION never_changed();
CREATE TRIGGER transfer_no_truncate BEFORE TRUNCATE ON transfer EXECUTE FUNCTION never_changed();

-- What the catalog says of a limit. kind: 0 gate, 1 cap, 2 balance (lim = credit). active: in the newest catalog.
-- weekdays: seven limits, Monday first. keep_s: how long after its beginning a window's row is kept, seconds; 0 for ever.
CREATE TABLE cap (
    id       text COLLATE "C" NOT NULL PRIMARY KEY,
    kind     smallint NOT NULL,
    lim      bigint NOT NULL,
    weekdays bigint[] CHECK (weekdays IS NULL OR cardinality(weekdays) = 7),
    keep_s   bigint NOT NULL,
    active   boolean NOT NULL
);

-- The number that counts. A take of n fits if used + held + n <= lim. Changed by every sale: room on each page for the next version of a row, and
-- old versions removed by their number, not by their share.
CREATE TABLE counter (
    key          text COLLATE "C" NOT NULL PRIMARY KEY,
    limit_id     text COLLATE "C" NOT NULL,
    window_start bigint NOT NULL,
    lim          bigint NOT NULL,
    used         bigint NOT NULL CHECK (used >= 0),
    held         bigint NOT NULL CHECK (held >= 0)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,
        autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 20000);
CREATE INDEX counter_by_limit ON counter (limit_id, window_start);

-- due_at: when it may be claimed next (a leased one: when its lease ends); the largest integer: never, the buyer pulls it.
CREATE TABLE delivery (
    lead_id     uuid NOT NULL,
    no          integer NOT NULL,
    endpoint    text COLLATE "C" NOT NULL,
    status      smallint NOT NULL,
    pulled      boolean NOT NULL,
    due_at      bigint NOT NULL,
    lease_owner text COLLATE "C",
    lease_until bigint NOT NULL,
    fence       bigint NOT NULL,
    attempts    integer NOT NULL,
    created_ms  bigint NOT NULL,
    changed_ms  bigint NOT NULL,
    error       text,
    PRIMARY KEY (lead_id, no, endpoint)
);
CREATE INDEX delivery_due ON delivery (due_at) WHERE status = 1 AND NOT pulled;
CREATE INDEX delivery_ended_badly ON delivery (status, lead_id) WHERE status IN (3, 4);

-- Whoever changes what held copies took, or sums up what is booked, must not meet a sale half-way: it calls hold_sales as the first thing in its
-- transaction, which waits for the sales that have begun to change copies (milliseconds) and keeps others from it until its own end. Sales share the
-- latch from then to their commit. epoch tells a sale that it read copies before such a change.
CREATE TABLE sales_latch (
    one   boolean NOT NULL PRIMARY KEY DEFAULT true CHECK (one),
    epoch bigint NOT NULL
) WITH (fillfactor = 50);
INSERT INTO sales_latch (epoch) VALUES (1);
CREATE FUNCTION hold_sales() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(7301);
    UPDATE sales_latch SET epoch = epoch + 1;
END $$;

CREATE TABLE operation (
    scope  text COLLATE "C" NOT NULL,
    key    text COLLATE "C" NOT NULL,
    hash   bytea NOT NULL,
    result bytea NOT NULL,
    at_ms  bigint NOT NULL,
    PRIMARY KEY (scope, key)
);

CREATE TABLE catalog_version (
    version bigint NOT NULL PRIMARY KEY,
    at_ms   bigint NOT NULL,
    author  text NOT NULL,
    json    bytea NOT NULL
);

-- What a campaign id stands for, for ever: asked when an id comes that the version before did not have.
CREATE TABLE campaign_identity (
    id       text COLLATE "C" NOT NULL PRIMARY KEY,
    buyer    text COLLATE "C" NOT NULL,
    vertical text COLLATE "C" NOT NULL
);

CREATE TABLE api_key (
    id         text COLLATE "C" NOT NULL PRIMARY KEY,
    role       smallint NOT NULL,
    owner      text COLLATE "C" NOT NULL,
    test       boolean NOT NULL,
    hash       bytea NOT NULL UNIQUE,
    prefix     text NOT NULL,
    created_ms bigint NOT NULL,
    revoked_ms bigint
);

CREATE TABLE secret (
    name   text COLLATE "C" NOT NULL PRIMARY KEY,
    sealed bytea NOT NULL,
    at_ms  bigint NOT NULL
);

CREATE TABLE setting (
    name  text COLLATE "C" NOT NULL PRIMARY KEY,
    value text NOT NULL
);

CREATE TABLE audit (
    seq    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at_ms  bigint NOT NULL,
    who    text NOT NULL,
    action text NOT NULL,
    target text NOT NULL,
    detail text
);
CREATE TRIGGER audit_no_update BEFORE UPDATE OR DELETE ON audit FOR EACH ROW EXECUTE FUNCTION never_changed();
CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON audit EXECUTE FUNCTION never_changed();

-- A balance summed up to a booking, so that the next sum starts there. Only ever recomputable from transfer.
CREATE TABLE closing (
    account text COLLATE "C" NOT NULL PRIMARY KEY,
    seq     bigint NOT NULL,
    balance bigint NOT NULL
);

-- Every opening of the store by a process, with the number that its ping ids bear. A number is not given again while anything could ask for it:
-- the sequence begins anew after 65,535 openings, and passes over those of the last 90 days. node: who opens, the same after its restart.
CREATE TABLE silo (
    number   integer NOT NULL PRIMARY KEY,
    node     text COLLATE "C" NOT NULL,
    taken_ms bigint NOT NULL
);
CREATE SEQUENCE silo_number AS integer MINVALUE 1 MAXVALUE 65535 CYCLE;
CREATE FUNCTION take_silo(for_node text, now_ms bigint) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE taken integer;
BEGIN
    FOR tries IN 1 .. 65535 LOOP
        INSERT INTO silo AS s (number, node, taken_ms) VALUES (nextval('silo_number'), for_node, now_ms)
        ON CONFLICT (number) DO UPDATE SET node = excluded.node, taken_ms = excluded.taken_ms WHERE s.taken_ms < now_ms - 7776000000
        RETURNING number INTO taken;
        IF taken IS NOT NULL THEN RETURN taken; END IF;
    END LOOP;
    RAISE EXCEPTION 'every silo number was taken within 90 days';
END $$;
