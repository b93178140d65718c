-- What a campaign id stands for, for ever: asked when an id comes that the version before did not have.
CREATE TABLE campaign_identity (
    id       TEXT NOT NULL PRIMARY KEY,
    buyer    TEXT NOT NULL,
    vertical TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Read off the versions there are, the newest first.
INSERT OR IGNORE INTO campaign_identity (id, buyer, vertical)
SELECT campaign.key, json_extract(campaign.value, '$.buyer'), json_extract(campaign.value, '$.vertical')
FROM catalog_version, json_each(CAST(catalog_version.json AS TEXT), '$.campaigns') AS campaign
ORDER BY catalog_version.version DESC;
