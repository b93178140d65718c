-- Copies of tests that are held: few, and looked for now and then. The first bit of the id's ninth byte says test.
CREATE INDEX copy_held_test ON copy (at_ms) WHERE state = 1 AND substr(lead_id, 9, 1) >= x'80';
