-- What publishers are told of their leads: written by the transaction that makes it so. event: 1 sold, 2 unsold, 3 returned. no: the copy, 0 where none is meant.
-- change: how much more the lead earns by it, in micros. status, leases, fences and attempts as of deliveries.
CREATE TABLE postback (
    lead_id     uuid NOT NULL,
    event       smallint NOT NULL,
    no          integer NOT NULL,
    publisher   text COLLATE "C" NOT NULL,
    change      bigint NOT NULL,
    status      smallint NOT NULL,
    due_at      bigint NOT NULL,
    lease_owner text COLLATE "C",
    lease_until bigint NOT NULL,
    fence       bigint NOT NULL,
    attempts    integer NOT NULL,
    created_ms  bigint NOT NULL,
    changed_ms  bigint NOT NULL,
    error       text,
    PRIMARY KEY (lead_id, event, no)
);
CREATE INDEX postback_due ON postback (due_at) WHERE status = 1;
CREATE INDEX postback_dead ON postback (lead_id) WHERE status = 4;
