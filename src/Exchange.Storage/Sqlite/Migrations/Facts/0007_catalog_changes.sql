-- A version's json is the whole catalog, or where it has a base the merge patch (RFC 7396) that makes it of that whole version.
ALTER TABLE catalog_version ADD COLUMN base INTEGER REFERENCES catalog_version (version);
