-- What buyers say of copies after they bought them: that they give them back, and what became of them.

-- One for a copy, for ever. status: 1 requested, 2 accepted, 3 refused. booked: the copy's Reverse is durable (a note; copy.state is the truth).
-- sold_ms, buyer, campaign: of the copy, so that a month's returns are counted without it. sealed: the buyer's free text.
CREATE TABLE copy_return (
    lead_id    BLOB NOT NULL,
    no         INTEGER NOT NULL,
    buyer      TEXT NOT NULL,
    campaign   TEXT NOT NULL,
    status     INTEGER NOT NULL,
    reason     TEXT NOT NULL,
    sealed     BLOB NOT NULL,
    sold_ms    INTEGER NOT NULL,
    at_ms      INTEGER NOT NULL,
    decided_ms INTEGER,
    booked     INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (lead_id, no)
) STRICT, WITHOUT ROWID;
CREATE INDEX copy_return_by_buyer ON copy_return (buyer, sold_ms, campaign, status);
CREATE INDEX copy_return_by_time ON copy_return (at_ms, lead_id, no);
CREATE INDEX copy_return_waiting ON copy_return (at_ms) WHERE status = 1;
CREATE INDEX copy_return_unbooked ON copy_return (decided_ms) WHERE status = 2 AND booked = 0;

-- Of each word the newest.
CREATE TABLE copy_disposition (
    lead_id BLOB NOT NULL,
    no      INTEGER NOT NULL,
    word    TEXT NOT NULL,
    value   INTEGER,
    sealed  BLOB,
    at_ms   INTEGER NOT NULL,
    PRIMARY KEY (lead_id, no, word)
) STRICT, WITHOUT ROWID;

-- A copy that came back keeps its company's place in the lead: its buyer has it.
DROP INDEX copy_company;
CREATE UNIQUE INDEX copy_company ON copy (lead_id, company) WHERE state IN (1, 2, 3, 6);

-- Copies name the counters they took from by number, and what comes back long after still does: no number is given twice, also when old rows are gone.
CREATE TABLE counter_of_its_own (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    key          TEXT NOT NULL UNIQUE,
    limit_id     TEXT NOT NULL,
    window_start INTEGER NOT NULL,
    lim          INTEGER NOT NULL,
    used         INTEGER NOT NULL CHECK (used >= 0),
    held         INTEGER NOT NULL CHECK (held >= 0),
    seeded       INTEGER DEFAULT 0,
    over         INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO counter_of_its_own (id, key, limit_id, window_start, lim, used, held, seeded, over)
SELECT id, key, limit_id, window_start, lim, used, held, seeded, over FROM counter;
DROP TABLE counter;
ALTER TABLE counter_of_its_own RENAME TO counter;
CREATE INDEX counter_by_limit ON counter (limit_id, window_start);
CREATE TRIGGER counter_lowered AFTER UPDATE OF lim ON counter WHEN NEW.used + NEW.held > NEW.lim AND NEW.lim < OLD.lim BEGIN
    UPDATE counter SET over = NEW.used + NEW.held WHERE id = NEW.id;
END;
