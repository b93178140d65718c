-- Bids whose turn came at or after a lead's post and that were never held, each campaign once for each reason. place: its rank among those of one moment.
CREATE TABLE passed_over (
    lead_id  uuid NOT NULL,
    campaign text COLLATE "C" NOT NULL,
    reason   smallint NOT NULL,
    buyer    text COLLATE "C" NOT NULL,
    price    bigint NOT NULL,
    place    integer NOT NULL,
    at_ms    bigint NOT NULL,
    PRIMARY KEY (lead_id, campaign, reason)
);
