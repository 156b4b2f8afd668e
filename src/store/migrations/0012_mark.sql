-- Which store this is and how far it has come; held against the mark file beside it. See `mark` in the store.
CREATE TABLE mark (
    key      INTEGER PRIMARY KEY CHECK (key = 1), -- one line
    store    INTEGER NOT NULL,                    -- random; another one after a person's --moved
    claims   INTEGER NOT NULL,                    -- commits that claimed rows, over all runs
    has_file INTEGER NOT NULL                     -- the mark file was made
);
INSERT INTO mark (key, store, claims, has_file) VALUES (1, random(), 0, 0);

-- Whether a run leaves out everyone that earlier runs of its name reached (`--only-new`).
ALTER TABLE run ADD COLUMN only_new INTEGER NOT NULL DEFAULT 0;

-- The mark file tells which file the store is in.
ALTER TABLE run DROP COLUMN begun_in;
