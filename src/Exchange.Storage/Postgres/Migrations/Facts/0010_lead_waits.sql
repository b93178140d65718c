-- Leads that wait before a tree is asked; at most one wait of a lead at a time, the last one stays. kind: 1 a moment, 2 fields; until_ms: its latest end.
-- due_at: when it is looked at next, which a claim moves to the end of its lease; null: the wait is over. plan: what the next walk needs, JSON.
CREATE TABLE lead_wait (
    lead_id uuid PRIMARY KEY,
    kind smallint NOT NULL,
    until_ms bigint NOT NULL,
    due_at bigint,
    fence bigint NOT NULL,
    begun_ms bigint NOT NULL,
    plan text NOT NULL
);
CREATE INDEX lead_wait_due ON lead_wait (due_at) WHERE due_at IS NOT NULL;
