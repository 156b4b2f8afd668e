-- The first format of the store.
--
-- Keys. A row of a run has one key everywhere: (run.id << 40) | row. So the rows of a run lie side by side in input
-- order, are appended in that order, and can be read as one range.
--
-- What is wide and written once (the frozen cells) lies apart from what is narrow and changes (delivery).
-- Times are milliseconds since the Unix epoch, UTC. States are numbered as in model::State.

CREATE TABLE run (
    id               INTEGER PRIMARY KEY,
    name             TEXT    NOT NULL,           -- the campaign's name
    number           INTEGER NOT NULL,           -- name-number is the run's public id
    campaign         TEXT    NOT NULL,           -- the frozen campaign, as JSON
    campaign_print   TEXT    NOT NULL,           -- fingerprint of the campaign file's meaning
    recipients_print TEXT    NOT NULL,           -- fingerprint of the recipients
    columns          TEXT    NOT NULL DEFAULT '[]', -- the input's column names, as a JSON array
    created_at       INTEGER NOT NULL,
    planned_at       INTEGER,                    -- all rows are in; before that nothing may be sent
    started_at       INTEGER,                    -- dispatch began
    dispatched_at    INTEGER,                    -- no row is left to send
    finished_at      INTEGER,                    -- no status is waited for any more
    cancelled_at     INTEGER,                    -- a person asked for no further sends
    rows             INTEGER NOT NULL DEFAULT 0, -- counts of the plan, frozen with it
    invalid          INTEGER NOT NULL DEFAULT 0,
    duplicate        INTEGER NOT NULL DEFAULT 0,
    suppressed       INTEGER NOT NULL DEFAULT 0,
    polls            INTEGER NOT NULL DEFAULT 0, -- status requests made
    UNIQUE (name, number)
);

-- What the plan made of each record of the input. Written once, at import.
CREATE TABLE recipient (
    id      INTEGER PRIMARY KEY,
    line    INTEGER NOT NULL,   -- the record's first line in its file
    state   INTEGER NOT NULL,   -- pending, invalid, duplicate or suppressed
    phone   INTEGER,            -- digits with country code, as a number; NULL where there is none
    raw     TEXT,               -- the input's text where phone is NULL
    cells   TEXT    NOT NULL,   -- the record's cells, as a JSON array in the order of run.columns
    code    TEXT,               -- why the row is not sendable
    message TEXT
);

-- Write-ahead: a row is here from before the first byte of its request may leave until its outcome is recorded.
-- What is found here when a run is taken up again may or may not have been accepted.
CREATE TABLE intent (
    id      INTEGER PRIMARY KEY,  -- the row's key: a row can be in the air only once
    attempt INTEGER NOT NULL,
    at      INTEGER NOT NULL
);

-- The ledger of attempts whose outcome is known (or known to be unknown). Append only.
CREATE TABLE attempt (
    id        INTEGER PRIMARY KEY,
    recipient INTEGER NOT NULL,   -- the row's key
    attempt   INTEGER NOT NULL,   -- from 1, over the row's whole life
    at        INTEGER NOT NULL,   -- when the intent became durable
    ended_at  INTEGER NOT NULL,
    outcome   INTEGER NOT NULL,   -- the state it led to: accepted, pending (try again), rejected, exhausted, uncertain
    code      TEXT                -- the problem's code
);

-- Where each row stands that was tried at least once. A sendable row without one was never tried.
CREATE TABLE delivery (
    id              INTEGER PRIMARY KEY,
    run             INTEGER NOT NULL,
    state           INTEGER NOT NULL,
    attempts        INTEGER NOT NULL,   -- requests made
    tries           INTEGER NOT NULL,   -- tries used up: throttled attempts do not count, a person's put-back starts anew
    put_back        INTEGER NOT NULL DEFAULT 0, -- how often a person had it sent again
    doubted         INTEGER NOT NULL DEFAULT 0, -- an attempt since then may have been accepted all the same
    tried_at        INTEGER,            -- the last attempt
    accepted_at     INTEGER,
    message_id      TEXT,
    provider_status TEXT,               -- the provider's word, where the documents do not name it
    delivered_at    INTEGER,
    read_at         INTEGER,
    code            TEXT,               -- the last problem
    message         TEXT,
    due_at          INTEGER,            -- next try not before; only while pending
    poll_at         INTEGER,            -- next status poll not before; only while a status is awaited
    polled_at       INTEGER             -- last status poll
);
CREATE INDEX delivery_due ON delivery (run, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX delivery_poll ON delivery (run, poll_at) WHERE poll_at IS NOT NULL;

-- Numbers that get nothing from any run.
CREATE TABLE suppression (
    phone    INTEGER PRIMARY KEY,
    reason   TEXT,
    added_at INTEGER NOT NULL
);
