-- Facts: what was sold, to whom, for how much, and every limit. Ids of leads are 16 bytes whose byte order is time order.
-- Times are Unix milliseconds, windows Unix seconds, money micros. Enumerations are the numbers of the types of the same name.

CREATE TABLE request (
    publisher TEXT NOT NULL,
    key       TEXT NOT NULL,
    lead_id   BLOB NOT NULL,
    hash      BLOB NOT NULL,
    PRIMARY KEY (publisher, key)
) STRICT, WITHOUT ROWID;

-- A rowid table: sealed bytes are too wide for a tree that keeps whole rows in its inner pages.
CREATE TABLE lead (
    lead_id         BLOB NOT NULL CHECK (length(lead_id) = 16),
    publisher       TEXT NOT NULL,
    vertical        TEXT NOT NULL,
    sub_id          TEXT,
    test            INTEGER NOT NULL,
    state           INTEGER NOT NULL,
    reason          INTEGER NOT NULL,
    max_copies      INTEGER NOT NULL,
    open_copies     INTEGER NOT NULL,
    open_exclusive  INTEGER NOT NULL,
    catalog_version INTEGER NOT NULL,
    at_ms           INTEGER NOT NULL,
    post_hash       BLOB NOT NULL,
    answer          BLOB,
    sealed          BLOB NOT NULL,
    CHECK (open_copies >= 0 AND open_copies <= max_copies),
    CHECK (NOT open_exclusive OR open_copies = 1)
) STRICT;
CREATE UNIQUE INDEX lead_by_id ON lead (lead_id);
CREATE INDEX lead_by_publisher ON lead (publisher, lead_id);
CREATE INDEX lead_unsettled ON lead (state, lead_id) WHERE state IN (1, 3, 4);

-- The copy is the hold. takes: pairs of counter id and amount, so that it ends in the windows it was taken in.
-- sold_seq: order of captures, so that a buyer who reads on from a cursor misses none that was held before and captured after.
CREATE TABLE copy (
    lead_id      BLOB NOT NULL,
    no           INTEGER NOT NULL,
    offer_id     TEXT NOT NULL,
    campaign     TEXT NOT NULL,
    buyer        TEXT NOT NULL,
    company      TEXT NOT NULL,
    publisher    TEXT NOT NULL,
    exclusive    INTEGER NOT NULL,
    state        INTEGER NOT NULL,
    price        INTEGER NOT NULL,
    payout       INTEGER NOT NULL,
    at_ms        INTEGER NOT NULL,
    changed_ms   INTEGER NOT NULL,
    reason       INTEGER NOT NULL,
    sold_seq     INTEGER,
    buyer_ref    TEXT,
    redirect_url TEXT,
    takes        BLOB NOT NULL,
    PRIMARY KEY (lead_id, no)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX copy_company ON copy (lead_id, company) WHERE state IN (1, 2, 3);
CREATE INDEX copy_by_campaign ON copy (campaign, at_ms);
CREATE INDEX copy_by_buyer ON copy (buyer, at_ms);
CREATE INDEX copy_by_publisher ON copy (publisher, at_ms);
CREATE INDEX copy_sold ON copy (buyer, sold_seq) WHERE sold_seq IS NOT NULL;

CREATE TABLE person (
    scope   TEXT NOT NULL,
    hmac    BLOB NOT NULL,
    lead_id BLOB NOT NULL,
    at_ms   INTEGER NOT NULL,
    PRIMARY KEY (scope, hmac)
) STRICT, WITHOUT ROWID;
CREATE INDEX person_by_lead ON person (lead_id);

-- source: the lead's id, or the operation's key. seq is the order of booking.
CREATE TABLE transfer (
    seq       INTEGER PRIMARY KEY,
    source    BLOB NOT NULL,
    no        INTEGER NOT NULL,
    kind      TEXT NOT NULL,
    part      INTEGER NOT NULL,
    at_ms     INTEGER NOT NULL,
    lead_id   BLOB,
    debit     TEXT NOT NULL,
    credit    TEXT NOT NULL,
    amount    INTEGER NOT NULL CHECK (amount > 0),
    reference TEXT
) STRICT;
CREATE UNIQUE INDEX transfer_source ON transfer (source, no, kind, part);
CREATE INDEX transfer_debit ON transfer (debit);
CREATE INDEX transfer_credit ON transfer (credit);
CREATE TRIGGER transfer_no_update BEFORE UPDATE ON transfer BEGIN SELECT RAISE(ABORT, 'a transfer is never changed'); END;
CREATE TRIGGER transfer_no_delete BEFORE DELETE ON transfer BEGIN SELECT RAISE(ABORT, 'a transfer is never deleted'); END;

-- What the catalog says of a limit. kind: 0 gate, 1 cap, 2 balance (lim = credit). active: in the newest catalog.
CREATE TABLE cap (
    id     TEXT NOT NULL PRIMARY KEY,
    kind   INTEGER NOT NULL,
    lim    INTEGER NOT NULL,
    active INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The number that counts. A take of n fits if used + held + n <= lim.
CREATE TABLE counter (
    id           INTEGER PRIMARY KEY,
    key          TEXT NOT NULL UNIQUE,
    limit_id     TEXT NOT NULL,
    window_start INTEGER NOT NULL,
    lim          INTEGER NOT NULL,
    used         INTEGER NOT NULL CHECK (used >= 0),
    held         INTEGER NOT NULL CHECK (held >= 0)
) STRICT;
CREATE INDEX counter_by_limit ON counter (limit_id, window_start);

-- due_at: when it may be claimed next (a leased one: when its lease ends); the largest integer: never, the buyer pulls it.
CREATE TABLE delivery (
    lead_id     BLOB NOT NULL,
    no          INTEGER NOT NULL,
    endpoint    TEXT NOT NULL,
    status      INTEGER NOT NULL,
    pulled      INTEGER NOT NULL,
    due_at      INTEGER NOT NULL,
    lease_owner TEXT,
    lease_until INTEGER NOT NULL,
    fence       INTEGER NOT NULL,
    attempts    INTEGER NOT NULL,
    created_ms  INTEGER NOT NULL,
    changed_ms  INTEGER NOT NULL,
    error       TEXT,
    PRIMARY KEY (lead_id, no, endpoint)
) STRICT, WITHOUT ROWID;
CREATE INDEX delivery_due ON delivery (due_at) WHERE status = 1 AND pulled = 0;
CREATE INDEX delivery_ended_badly ON delivery (status, lead_id) WHERE status IN (3, 4);

CREATE TABLE operation (
    scope  TEXT NOT NULL,
    key    TEXT NOT NULL,
    hash   BLOB NOT NULL,
    result BLOB NOT NULL,
    at_ms  INTEGER NOT NULL,
    PRIMARY KEY (scope, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE catalog_version (
    version INTEGER PRIMARY KEY,
    at_ms   INTEGER NOT NULL,
    author  TEXT NOT NULL,
    json    BLOB NOT NULL
) STRICT;

CREATE TABLE api_key (
    id         TEXT NOT NULL PRIMARY KEY,
    role       INTEGER NOT NULL,
    owner      TEXT NOT NULL,
    test       INTEGER NOT NULL,
    hash       BLOB NOT NULL UNIQUE,
    prefix     TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    revoked_ms INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE secret (
    name   TEXT NOT NULL PRIMARY KEY,
    sealed BLOB NOT NULL,
    at_ms  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE setting (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE sequence (
    name  TEXT NOT NULL PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO sequence (name, value) VALUES ('sold', 0);

CREATE TABLE audit (
    seq    INTEGER PRIMARY KEY,
    at_ms  INTEGER NOT NULL,
    who    TEXT NOT NULL,
    action TEXT NOT NULL,
    target TEXT NOT NULL,
    detail TEXT
) STRICT;
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'an audit entry is never changed'); END;
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'an audit entry is never deleted'); END;

-- A balance summed up to a booking, so that the next sum starts there. Only ever recomputable from transfer.
CREATE TABLE closing (
    account TEXT NOT NULL PRIMARY KEY,
    seq     INTEGER NOT NULL,
    balance INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
