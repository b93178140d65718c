-- Copies of tests that are held: few, and looked for now and then.
CREATE INDEX copy_held_test ON copy (at_ms) WHERE state = 1 AND is_test(lead_id);
