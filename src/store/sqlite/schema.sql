-- The tables of the store.
--
-- A row of a run has one key everywhere: (run.id << 40) | row. So the rows of a run lie next to each other in input
-- order, are appended in that order, and are read as one range. What is wide and written once (`recipient`) is kept
-- apart from what is narrow and changes (`delivery`).
--
-- Times are milliseconds since 1970, UTC. States are numbered as in model::State. A problem is a code with what a provider
-- said of it, as it came, in `error_message`; or, where the program knows it itself, with values as JSON in `error_values`
-- (see model::Known), of which model::problem::words makes sentences.

CREATE TABLE run (
    id              INTEGER PRIMARY KEY,
    name            TEXT    NOT NULL,             -- the campaign's name
    number          INTEGER NOT NULL,             -- name-number is the run's public id
    campaign        TEXT    NOT NULL,             -- the frozen campaign, as JSON
    campaign_hash   TEXT    NOT NULL,             -- of the campaign file's meaning
    recipients_hash TEXT    NOT NULL,             -- of the recipients
    columns         TEXT    NOT NULL DEFAULT '[]',-- the input's column names, as a JSON array
    template        TEXT,                         -- the pulled template its rows were checked against, as in template.snapshot
    only_new        INTEGER NOT NULL DEFAULT 0,   -- leaves out everyone that earlier runs of its name reached
    created_at      INTEGER NOT NULL,
    planned_at      INTEGER,                      -- all rows are in; before that nothing may be sent
    started_at      INTEGER,                      -- dispatch began
    dispatched_at   INTEGER,                      -- no row is left to send
    finished_at     INTEGER,                      -- no status is awaited any more
    cancelled_at    INTEGER,                      -- a person wants no further sends
    cancelled_by    TEXT,
    paused_at       INTEGER,                      -- a person wants a pause; NULL once it was lifted
    paused_by       TEXT,
    rate            INTEGER,                      -- requests in each rate_per, instead of the campaign's own
    rate_per        INTEGER,                      -- milliseconds
    rate_at         INTEGER,
    rate_by         TEXT,
    rows            INTEGER NOT NULL DEFAULT 0,   -- counts of the plan, frozen with it
    invalid         INTEGER NOT NULL DEFAULT 0,
    duplicate       INTEGER NOT NULL DEFAULT 0,
    suppressed      INTEGER NOT NULL DEFAULT 0,
    polls           INTEGER NOT NULL DEFAULT 0,   -- status requests made
    requeues        INTEGER NOT NULL DEFAULT 0,   -- commits by which a person had rows sent again
    UNIQUE (name, number)
);

-- How far a run has come. Narrow, since it is written with every claim.
CREATE TABLE progress (
    run        INTEGER PRIMARY KEY,
    next_row   INTEGER NOT NULL,   -- rows up to this key were claimed or scheduled
    limit_left INTEGER,            -- rows that the owner may still claim for the first time; NULL for all
    owner      INTEGER             -- the worker that may claim
);

-- Who works, or worked, on runs. A number is never used again.
CREATE TABLE worker (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    process    INTEGER NOT NULL,   -- the process id
    started_at INTEGER NOT NULL
);

-- What the plan made of each record of the input. Written once, at import.
CREATE TABLE recipient (
    id            INTEGER PRIMARY KEY,
    line          INTEGER NOT NULL,   -- the record's first line in its file
    state         INTEGER NOT NULL,   -- pending, invalid, duplicate or suppressed
    phone         INTEGER,            -- digits with country code, as a number; NULL where there is none
    raw_phone     TEXT,               -- the input's text where phone is NULL
    cells         TEXT    NOT NULL,   -- the record's cells, as a JSON array in the order of run.columns
    error_code    TEXT,               -- why the row cannot be sent
    error_message TEXT,
    error_values  TEXT
);

-- Where each row stands that was claimed or scheduled, with its latest attempt. A row to be sent that has no line here
-- was never claimed.
CREATE TABLE delivery (
    id               INTEGER PRIMARY KEY,
    run              INTEGER NOT NULL,
    state            INTEGER NOT NULL,
    claim            INTEGER NOT NULL DEFAULT 0, -- of the latest attempt: one more with each, never used again
    worker           INTEGER,                    -- who claimed it
    started_at       INTEGER,                    -- when it was claimed
    ended_at         INTEGER,                    -- when its outcome was known
    outcome          INTEGER,                    -- the state that this attempt alone led to; NULL until then, and where no request left
    attempts         INTEGER NOT NULL DEFAULT 0, -- requests that left, over the row's whole life
    charged_attempts INTEGER NOT NULL DEFAULT 0, -- those that count against dispatch.attempts, since a person last requeued the row
    deferrals        INTEGER NOT NULL DEFAULT 0, -- how often the recipient's own limits made it wait, since then
    requeues         INTEGER NOT NULL DEFAULT 0, -- how often a person had it sent again
    in_doubt         INTEGER NOT NULL DEFAULT 0, -- an attempt may have been accepted, though the row does not say so
    accepted_at      INTEGER,
    message_id       TEXT,
    provider_status  TEXT,                       -- the provider's word, where the documents do not name it
    delivered_at     INTEGER,
    read_at          INTEGER,
    error_code       TEXT,                       -- the last problem
    error_message    TEXT,
    error_values     TEXT,
    next_attempt_at  INTEGER,
    next_poll_at     INTEGER,
    last_poll_at     INTEGER,
    -- Pending means due: a claim clears the time and a release sets it, so that no row is ever forgotten.
    CHECK ((state = 0) = (next_attempt_at IS NOT NULL)),
    -- A row that is being sent has no message yet, so no status can be about it.
    CHECK (state <> 1 OR (message_id IS NULL AND outcome IS NULL AND claim > 0 AND worker IS NOT NULL)),
    -- Statuses are awaited of accepted messages only.
    CHECK (next_poll_at IS NULL OR state IN (2, 3, 4)),
    -- Who failed was not delivered.
    CHECK (state <> 6 OR (delivered_at IS NULL AND read_at IS NULL))
);
CREATE INDEX delivery_due ON delivery (run, next_attempt_at) WHERE next_attempt_at IS NOT NULL;
CREATE INDEX delivery_poll ON delivery (run, next_poll_at) WHERE next_poll_at IS NOT NULL;
CREATE INDEX delivery_sending ON delivery (run) WHERE state = 1;

-- The numbers of runs that have ended, sorted within stretches of rows, so that one person is found without reading every
-- run (see `find`).
CREATE TABLE number (
    stretch INTEGER NOT NULL,   -- a row's key without its last bits
    phone   INTEGER NOT NULL,
    place   INTEGER NOT NULL,   -- these last bits
    PRIMARY KEY (stretch, phone, place)
) WITHOUT ROWID;

-- Attempts whose request left and that are no longer their row's latest.
CREATE TABLE past_attempt (
    row             INTEGER NOT NULL,   -- the row's key
    claim           INTEGER NOT NULL,
    worker          INTEGER NOT NULL,
    started_at      INTEGER NOT NULL,
    ended_at        INTEGER NOT NULL,
    outcome         INTEGER NOT NULL,   -- accepted, pending (try again), rejected, exhausted, uncertain; or the last status
    accepted_at     INTEGER,
    message_id      TEXT,
    provider_status TEXT,
    delivered_at    INTEGER,
    read_at         INTEGER,
    error_code      TEXT,
    error_message   TEXT,
    error_values    TEXT,
    PRIMARY KEY (row, claim)
) WITHOUT ROWID;

-- Statuses whose message was not there yet. Kept for a while.
CREATE TABLE early_status (
    id            INTEGER PRIMARY KEY,
    message_id    TEXT    NOT NULL,
    status        TEXT    NOT NULL,
    delivered_at  INTEGER,
    read_at       INTEGER,
    error_code    TEXT    NOT NULL,   -- why it failed; empty where nobody said so
    error_message TEXT,
    received_at   INTEGER NOT NULL,
    UNIQUE (message_id, status, error_code)
);
CREATE INDEX early_status_received ON early_status (received_at);

-- Attempts that ended in each second, by what came of them: what rates, estimates and daily quotas read.
CREATE TABLE timeline (
    run       INTEGER NOT NULL,
    second    INTEGER NOT NULL,   -- since 1970
    accepted  INTEGER NOT NULL,
    uncertain INTEGER NOT NULL,
    refused   INTEGER NOT NULL,   -- rejected or exhausted
    PRIMARY KEY (run, second)
) WITHOUT ROWID;

-- What a person said of a row that was uncertain. Append only.
CREATE TABLE resolution (
    id            INTEGER PRIMARY KEY,
    row           INTEGER NOT NULL,   -- the row's key
    state         INTEGER NOT NULL,   -- where it put the row: sent, or exhausted (not sent)
    at            INTEGER NOT NULL,
    by            TEXT    NOT NULL,   -- who
    error_code    TEXT,               -- why the row was uncertain
    error_message TEXT,
    error_values  TEXT
);
CREATE INDEX resolution_row ON resolution (row);

-- Numbers that get nothing from any run.
CREATE TABLE suppression (
    phone    INTEGER PRIMARY KEY,
    reason   TEXT,
    added_at INTEGER NOT NULL
);

-- What people sent back, as the provider's webhook brought it.
CREATE TABLE reply (
    id          INTEGER PRIMARY KEY,
    inbound_id  TEXT    NOT NULL UNIQUE, -- the provider's id of it: one that comes twice is the same one
    row         INTEGER,                 -- the row's key whose message it answers; NULL as long as none is known
    in_reply_to TEXT,                    -- the provider's id of the message that it answers, if it says so
    phone       INTEGER,                 -- who sent it, if the provider says so by number
    at          INTEGER NOT NULL,
    kind        TEXT    NOT NULL,        -- button_reply, list_reply, button, text, or another word of the provider's
    choice      TEXT,                    -- the id of the button or the list's row
    title       TEXT,                    -- what that says
    text        TEXT,                    -- what the person wrote
    opt_out     TEXT,                    -- where it asks for nothing more: by which words
    received_at INTEGER NOT NULL
);
CREATE INDEX reply_row ON reply (row) WHERE row IS NOT NULL;
CREATE INDEX reply_loose ON reply (received_at) WHERE row IS NULL AND in_reply_to IS NOT NULL;

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

-- Since when the times of a campaign's schedule count: since they were first seen. Another schedule counts from then.
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

-- What a provider asked of an account. Kept, so that a restart does not forget it.
CREATE TABLE account (
    key          TEXT PRIMARY KEY, -- a fingerprint of the address and the credential
    provider     TEXT NOT NULL,    -- what campaigns call it
    paused_until INTEGER NOT NULL  -- no request before this
) WITHOUT ROWID;

-- Which store this is and how many commits claimed rows; compared with the mark file beside it (see `mark`).
CREATE TABLE mark (
    key      INTEGER PRIMARY KEY CHECK (key = 1), -- one line
    store    INTEGER NOT NULL,                    -- random; another one after a person's --moved
    claims   INTEGER NOT NULL,                    -- commits that claimed rows, over all runs
    has_file INTEGER NOT NULL                     -- the mark file was made
);
INSERT INTO mark (key, store, claims, has_file) VALUES (1, random(), 0, 0);
