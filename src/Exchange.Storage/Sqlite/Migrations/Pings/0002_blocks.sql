-- Records of one tenth of a second, some at a time: a row for each would cost more than the record itself. slot: the tenth of a second of their
-- ids (Unix milliseconds / 100) times 65536, plus a number. body: id (16 bytes), length, record, and so on.
-- The table ping keeps what was written before, until it is too old.
CREATE TABLE ping_block (
    slot INTEGER PRIMARY KEY,
    body BLOB NOT NULL
) STRICT;
