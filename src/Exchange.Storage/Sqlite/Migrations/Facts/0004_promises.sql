-- promised: micros that the offers a post took add up to, where it came in time; null for tests, direct posts and posts after their offer's end.
ALTER TABLE lead ADD COLUMN promised INTEGER;
CREATE INDEX lead_promised ON lead (at_ms) WHERE promised IS NOT NULL;
