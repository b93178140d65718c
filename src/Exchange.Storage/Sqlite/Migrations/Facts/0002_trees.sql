-- Trees and tiers of copies, persons of copies, leads held at their ping, limits by weekday.

-- offer_ms: above 0, the copies were held at the ping, nothing was posted, and the offer ends then.
ALTER TABLE lead ADD COLUMN channel TEXT;
ALTER TABLE lead ADD COLUMN offer_ms INTEGER NOT NULL DEFAULT 0;
CREATE INDEX lead_offered ON lead (state, offer_ms) WHERE offer_ms > 0;

-- trees: ids from the outermost in, parted by slashes; empty in copies that were made before trees were kept.
-- called: the buyer was or is being told; a copy that never was may expire. Every copy was called at once so far.
ALTER TABLE copy ADD COLUMN tier TEXT NOT NULL DEFAULT '';
ALTER TABLE copy ADD COLUMN trees TEXT NOT NULL DEFAULT '';
ALTER TABLE copy ADD COLUMN called INTEGER NOT NULL DEFAULT 1;
CREATE INDEX copy_by_trees ON copy (trees, at_ms) WHERE trees <> '';

-- no: the copy that claimed; 0 the lead. was_: whose place was taken because it was too old for the window then, put back if the claim is freed.
ALTER TABLE person ADD COLUMN no INTEGER NOT NULL DEFAULT 0;
ALTER TABLE person ADD COLUMN was_lead BLOB;
ALTER TABLE person ADD COLUMN was_no INTEGER;
ALTER TABLE person ADD COLUMN was_ms INTEGER;
CREATE INDEX person_was ON person (was_lead) WHERE was_lead IS NOT NULL;

-- weekdays: seven limits, Monday first, parted by commas. keep_s: how long after its beginning a window's row is kept, seconds; 0 for ever.
ALTER TABLE cap ADD COLUMN weekdays TEXT;
ALTER TABLE cap ADD COLUMN keep_s INTEGER NOT NULL DEFAULT 6220800;
