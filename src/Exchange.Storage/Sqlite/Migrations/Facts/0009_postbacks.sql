-- What publishers are told of their leads: written by the transaction that makes it so. event: 1 sold, 2 unsold, 3 returned. no: the copy, 0 where none is meant.
-- change: how much more the lead earns by it, in micros. status, leases, fences and attempts as of deliveries.
CREATE TABLE postback (
    lead_id     BLOB NOT NULL,
    event       INTEGER NOT NULL,
    no          INTEGER NOT NULL,
    publisher   TEXT NOT NULL,
    change      INTEGER NOT NULL,
    status      INTEGER NOT NULL,
    due_at      INTEGER NOT NULL,
    lease_owner TEXT,
    lease_until INTEGER NOT NULL,
    fence       INTEGER NOT NULL,
    attempts    INTEGER NOT NULL,
    created_ms  INTEGER NOT NULL,
    changed_ms  INTEGER NOT NULL,
    error       TEXT,
    PRIMARY KEY (lead_id, event, no)
) STRICT, WITHOUT ROWID;
CREATE INDEX postback_due ON postback (due_at) WHERE status = 1;
CREATE INDEX postback_dead ON postback (lead_id) WHERE status = 4;
