-- Deliveries that wait before they are called. wait: 0 none, 1 a moment, 2 fields, 3 the sale of its copy. wait_ms: the latest end of that wait.
-- A claim of a waiting delivery is no attempt. endpoint '*': its destination is not chosen yet.
-- A sold copy whose deliveries all wait has no place in sold yet: its buyer does not see it before.
ALTER TABLE delivery ADD COLUMN wait smallint NOT NULL DEFAULT 0;
ALTER TABLE delivery ADD COLUMN wait_ms bigint NOT NULL DEFAULT 0;
