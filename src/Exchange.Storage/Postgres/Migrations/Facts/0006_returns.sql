-- What buyers say of copies after they bought them: that they give them back, and what became of them.

-- One for a copy, for ever. status: 1 requested, 2 accepted, 3 refused. booked: the copy's Reverse is durable (a note; copy.state is the truth).
-- sold_ms, buyer, campaign: of the copy, so that a month's returns are counted without it. sealed: the buyer's free text.
CREATE TABLE copy_return (
    lead_id    uuid NOT NULL,
    no         integer NOT NULL,
    buyer      text COLLATE "C" NOT NULL,
    campaign   text COLLATE "C" NOT NULL,
    status     smallint NOT NULL,
    reason     text COLLATE "C" NOT NULL,
    sealed     bytea NOT NULL,
    sold_ms    bigint NOT NULL,
    at_ms      bigint NOT NULL,
    decided_ms bigint,
    booked     boolean NOT NULL DEFAULT false,
    PRIMARY KEY (lead_id, no)
);
CREATE INDEX copy_return_by_buyer ON copy_return (buyer, sold_ms, campaign, status);
CREATE INDEX copy_return_by_time ON copy_return (at_ms, lead_id, no);
CREATE INDEX copy_return_waiting ON copy_return (at_ms) WHERE status = 1;
CREATE INDEX copy_return_unbooked ON copy_return (decided_ms) WHERE status = 2 AND NOT booked;

-- Of each word the newest.
CREATE TABLE copy_disposition (
    lead_id uuid NOT NULL,
    no      integer NOT NULL,
    word    text COLLATE "C" NOT NULL,
    value   bigint,
    sealed  bytea,
    at_ms   bigint NOT NULL,
    PRIMARY KEY (lead_id, no, word)
);

-- A copy that came back keeps its company's place in the lead: its buyer has it.
DROP INDEX copy_company;
CREATE UNIQUE INDEX copy_company ON copy (lead_id, company) WHERE state IN (1, 2, 3, 6);
