-- Written by the first released schema; never changed. Its key is 32 zero bytes.
PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE [SchemaVersions] (
    SchemaVersionID INTEGER CONSTRAINT [PK_SchemaVersions_Id] PRIMARY KEY AUTOINCREMENT NOT NULL,
    ScriptName TEXT NOT NULL,
    Applied DATETIME NOT NULL
);
INSERT INTO SchemaVersions VALUES(1,'Exchange.Storage.Sqlite.Migrations.Facts.0001_facts.sql','2026-11-22 19:57:28.5695623');
CREATE TABLE request (
    publisher TEXT NOT NULL,
    key       TEXT NOT NULL,
    lead_id   BLOB NOT NULL,
    hash      BLOB NOT NULL,
    PRIMARY KEY (publisher, key)
) STRICT, WITHOUT ROWID;
INSERT INTO request VALUES('p','key-1',X'01a20320a20000010000000000000001',X'72231043bc1807e6f740b235eb7511ecb33255a6a375435631196de8a9750d4b');
INSERT INTO request VALUES('p','key-3',X'01a20320a20000010000000000000003',X'72231043bc1807e6f740b235eb7511ecb33255a6a375435631196de8a9750d4b');
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
INSERT INTO lead VALUES(X'01a20320a20000010000000000000001','p','auto','kw-17',0,2,0,1,1,1,1,1795348800000,X'72231043bc1807e6f740b235eb7511ecb33255a6a375435631196de8a9750d4b',X'7b7d',X'010203');
INSERT INTO lead VALUES(X'01a20320a20000010000000000000002','p','auto','kw-17',0,1,0,1,1,1,1,1795348800000,X'72231043bc1807e6f740b235eb7511ecb33255a6a375435631196de8a9750d4b',NULL,X'010203');
INSERT INTO lead VALUES(X'01a20320a20000010000000000000003','p','auto','kw-17',0,5,0,1,0,0,1,1795348800000,X'72231043bc1807e6f740b235eb7511ecb33255a6a375435631196de8a9750d4b',X'7b7d',X'010203');
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
INSERT INTO copy VALUES(X'01a20320a20000010000000000000001',1,'1','a1','a','a','p',1,3,11000000,8800000,1795348800000,1795348800000,0,1,NULL,NULL,X'060104c0b19f05');
INSERT INTO copy VALUES(X'01a20320a20000010000000000000002',1,'1','b1','b','b','p',1,1,11000000,8800000,1795348800000,1795348800000,0,NULL,NULL,NULL,X'05c0b19f05');
CREATE TABLE person (
    scope   TEXT NOT NULL,
    hmac    BLOB NOT NULL,
    lead_id BLOB NOT NULL,
    at_ms   INTEGER NOT NULL,
    PRIMARY KEY (scope, hmac)
) STRICT, WITHOUT ROWID;
INSERT INTO person VALUES('auto',X'2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881',X'01a20320a20000010000000000000001',1795348800000);
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
INSERT INTO transfer VALUES(1,X'01a20320a20000010000000000000001',1,'payout',0,1795348800000,X'01a20320a20000010000000000000001','buyer:a','publisher:p',8800000,NULL);
INSERT INTO transfer VALUES(2,X'01a20320a20000010000000000000001',1,'margin',1,1795348800000,X'01a20320a20000010000000000000001','buyer:a','house',2200000,NULL);
INSERT INTO transfer VALUES(3,X'66756e643a613a776972652d31',0,'fund',0,1795348800000,NULL,'bank','buyer:a',5000000,'wire-1');
CREATE TABLE cap (
    id     TEXT NOT NULL PRIMARY KEY,
    kind   INTEGER NOT NULL,
    lim    INTEGER NOT NULL,
    active INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO cap VALUES('bal:a',2,1000000000,1);
INSERT INTO cap VALUES('bal:b',2,1000000000,1);
INSERT INTO cap VALUES('c:a1:leads:day:UTC',1,100,1);
INSERT INTO cap VALUES('open:a1:1',0,0,1);
INSERT INTO cap VALUES('open:b1:1',0,0,1);
INSERT INTO cap VALUES('open:publisher:p:1',0,0,1);
CREATE TABLE counter (
    id           INTEGER PRIMARY KEY,
    key          TEXT NOT NULL UNIQUE,
    limit_id     TEXT NOT NULL,
    window_start INTEGER NOT NULL,
    lim          INTEGER NOT NULL,
    used         INTEGER NOT NULL CHECK (used >= 0),
    held         INTEGER NOT NULL CHECK (held >= 0)
) STRICT;
INSERT INTO counter VALUES(1,'open:publisher:p:1','open:publisher:p:1',0,0,0,0);
INSERT INTO counter VALUES(2,'open:a1:1','open:a1:1',0,0,0,0);
INSERT INTO counter VALUES(3,'open:b1:1','open:b1:1',0,0,0,0);
INSERT INTO counter VALUES(4,'bal:a','bal:a',0,1005000000,11000000,0);
INSERT INTO counter VALUES(5,'bal:b','bal:b',0,1000000000,0,11000000);
INSERT INTO counter VALUES(6,'cap:c:a1:leads:day:UTC:1795305600','c:a1:leads:day:UTC',1795305600,100,1,0);
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
INSERT INTO delivery VALUES(X'01a20320a20000010000000000000001',1,'hook',1,0,1795348815000,'88b97b0c7ee34a05a6baceb8860790ff',1795348815000,1,1,1795348800000,1795348800000,NULL);
INSERT INTO delivery VALUES(X'01a20320a20000010000000000000001',1,'inbox',1,1,9223372036854775807,NULL,0,0,0,1795348800000,1795348800000,NULL);
INSERT INTO delivery VALUES(X'01a20320a20000010000000000000002',1,'hook',1,0,1795348815000,'88b97b0c7ee34a05a6baceb8860790ff',1795348815000,1,1,1795348800000,1795348800000,NULL);
CREATE TABLE operation (
    scope  TEXT NOT NULL,
    key    TEXT NOT NULL,
    hash   BLOB NOT NULL,
    result BLOB NOT NULL,
    at_ms  INTEGER NOT NULL,
    PRIMARY KEY (scope, key)
) STRICT, WITHOUT ROWID;
INSERT INTO operation VALUES('fund:a','wire-1',X'00000000004c4b40',X'',1795348800000);
CREATE TABLE catalog_version (
    version INTEGER PRIMARY KEY,
    at_ms   INTEGER NOT NULL,
    author  TEXT NOT NULL,
    json    BLOB NOT NULL
) STRICT;
INSERT INTO catalog_version VALUES(1,1795348800000,'tests',X'7b7d');
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
INSERT INTO setting VALUES('vault.fingerprint','9c46d47d2632e2f2');
CREATE TABLE sequence (
    name  TEXT NOT NULL PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO sequence VALUES('sold',1);
CREATE TABLE audit (
    seq    INTEGER PRIMARY KEY,
    at_ms  INTEGER NOT NULL,
    who    TEXT NOT NULL,
    action TEXT NOT NULL,
    target TEXT NOT NULL,
    detail TEXT
) STRICT;
CREATE TABLE closing (
    account TEXT NOT NULL PRIMARY KEY,
    seq     INTEGER NOT NULL,
    balance INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
DELETE FROM sqlite_sequence;
INSERT INTO sqlite_sequence VALUES('SchemaVersions',1);
CREATE UNIQUE INDEX lead_by_id ON lead (lead_id);
CREATE INDEX lead_by_publisher ON lead (publisher, lead_id);
CREATE INDEX lead_unsettled ON lead (state, lead_id) WHERE state IN (1, 3, 4);
CREATE UNIQUE INDEX copy_company ON copy (lead_id, company) WHERE state IN (1, 2, 3);
CREATE INDEX copy_by_campaign ON copy (campaign, at_ms);
CREATE INDEX copy_by_buyer ON copy (buyer, at_ms);
CREATE INDEX copy_by_publisher ON copy (publisher, at_ms);
CREATE INDEX copy_sold ON copy (buyer, sold_seq) WHERE sold_seq IS NOT NULL;
CREATE INDEX person_by_lead ON person (lead_id);
CREATE UNIQUE INDEX transfer_source ON transfer (source, no, kind, part);
CREATE INDEX transfer_debit ON transfer (debit);
CREATE INDEX transfer_credit ON transfer (credit);
CREATE TRIGGER transfer_no_update BEFORE UPDATE ON transfer BEGIN SELECT RAISE(ABORT, 'a transfer is never changed'); END;
CREATE TRIGGER transfer_no_delete BEFORE DELETE ON transfer BEGIN SELECT RAISE(ABORT, 'a transfer is never deleted'); END;
CREATE INDEX counter_by_limit ON counter (limit_id, window_start);
CREATE INDEX delivery_due ON delivery (due_at) WHERE status = 1 AND pulled = 0;
CREATE INDEX delivery_ended_badly ON delivery (status, lead_id) WHERE status IN (3, 4);
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'an audit entry is never changed'); END;
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'an audit entry is never deleted'); END;
COMMIT;
