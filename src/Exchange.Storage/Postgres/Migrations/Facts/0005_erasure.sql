-- Whom nobody may send again, by the HMAC of a phone number or an address; the one thing that is kept of an erased person. lead_id: whose erasure it was.
CREATE TABLE suppressed (
    hmac    bytea NOT NULL PRIMARY KEY,
    lead_id uuid NOT NULL,
    at_ms   bigint NOT NULL
);
CREATE INDEX suppressed_by_time ON suppressed (at_ms);

-- Doubts are read by how long they last.
CREATE INDEX copy_in_doubt ON copy (changed_ms, lead_id, no) WHERE state = 2;
