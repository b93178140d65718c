-- Bids whose turn came at or after a lead's post and that were never held, each campaign once for each reason. place: its rank among those of one moment.
CREATE TABLE passed_over (
    lead_id  BLOB NOT NULL,
    campaign TEXT NOT NULL,
    reason   INTEGER NOT NULL,
    buyer    TEXT NOT NULL,
    price    INTEGER NOT NULL,
    place    INTEGER NOT NULL,
    at_ms    INTEGER NOT NULL,
    PRIMARY KEY (lead_id, campaign, reason)
) STRICT, WITHOUT ROWID;
