-- Ping records: one encoded body per ping; the id's byte order is time order, so old ones go in one range.
CREATE TABLE ping (
    id   BLOB NOT NULL PRIMARY KEY,
    body BLOB NOT NULL
) STRICT, WITHOUT ROWID;
