-- Templates as they stood at their providers when they were last pulled.
CREATE TABLE template (
    provider  TEXT    NOT NULL,   -- nxlink or cams
    account   TEXT    NOT NULL,   -- which account of it, without its secret
    id        TEXT    NOT NULL,   -- the provider's id; at CAMS one for all languages
    language  TEXT    NOT NULL,
    name      TEXT    NOT NULL,
    status    TEXT    NOT NULL,   -- in the provider's words
    snapshot  TEXT    NOT NULL,   -- with its definition, as JSON
    pulled_at INTEGER NOT NULL,
    PRIMARY KEY (provider, account, id, language)
) WITHOUT ROWID;

-- The template that the rows of a run were held against, where it was pulled from a provider; as in template.snapshot.
ALTER TABLE run ADD COLUMN template TEXT;
