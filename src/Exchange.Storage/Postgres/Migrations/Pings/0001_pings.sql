-- Ping records of one tenth of a second, some at a time: a row for each would cost more than the record itself. slot: the tenth of a second of
-- their ids (Unix milliseconds / 100). seq: the later of two blocks of one moment has the greater one. body: id (16 bytes), length, record, and so on.
-- One partition for each day (UTC), made ahead and dropped when it is too old; its name ends in the day's number since 1970.
CREATE SEQUENCE ping_block_seq;
CREATE TABLE ping_block (
    slot bigint NOT NULL,
    seq  bigint NOT NULL DEFAULT nextval('ping_block_seq'),
    body bytea  NOT NULL,
    PRIMARY KEY (slot, seq)
) PARTITION BY RANGE (slot);
-- Records are packed already: compressing them again costs more than it saves.
ALTER TABLE ping_block ALTER COLUMN body SET STORAGE EXTERNAL;
