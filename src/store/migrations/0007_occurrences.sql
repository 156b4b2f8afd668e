-- From when on the times of a campaign's schedule count: since they were first seen. Another schedule counts anew.
CREATE TABLE schedule (
    name  TEXT PRIMARY KEY,   -- the campaign's name
    rule  TEXT NOT NULL,      -- its times and time zone
    since INTEGER NOT NULL
);

-- The times at which a scheduled campaign was due, and what became of each. The key is what makes each happen at most
-- once, however many processes there are and whatever the clock does.
CREATE TABLE occurrence (
    name       TEXT    NOT NULL,
    due_at     INTEGER NOT NULL,
    run        INTEGER,          -- the run that it became; NULL where it was skipped
    reason     TEXT,             -- why it was skipped
    decided_at INTEGER NOT NULL,
    PRIMARY KEY (name, due_at)
) WITHOUT ROWID;
CREATE INDEX occurrence_run ON occurrence (run) WHERE run IS NOT NULL;
