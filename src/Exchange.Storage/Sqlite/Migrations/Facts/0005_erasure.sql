-- Whom nobody may send again, by the HMAC of a phone number or an address; the one thing that is kept of an erased person. lead_id: whose erasure it was.
CREATE TABLE suppressed (
    hmac    BLOB NOT NULL PRIMARY KEY,
    lead_id BLOB NOT NULL,
    at_ms   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Doubts are read by how long they last.
CREATE INDEX copy_in_doubt ON copy (changed_ms, lead_id, no) WHERE state = 2;
