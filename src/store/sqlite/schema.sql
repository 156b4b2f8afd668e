-- The tables of the store.
--
-- A row of a run has one key everywhere: (run.id << 40) | row. So the rows of a run are next to each other in input
-- order, are appended in that order, and are read as one range. Wide columns written once (`recipient`) are kept
-- apart from narrow columns that change (`delivery`).
--
-- Times are milliseconds since 1970, UTC. States are numbered as in model::State. A problem is a code with what a provider
-- said of it, as it came, in `error_message`; or, where the program knows it itself, with values as JSON in `error_values`
-- (see model::Known), of which model::problem::words makes sentences.

CREATE TABLE run (
    id              INTEGER PRIMARY KEY,
    name            TEXT    NOT NULL,             -- the campaign's name
    number          INTEGER NOT NULL,             -- name-number is the run's public id
    campaign        TEXT    NOT NULL,             -- the stored campaign, as JSON
    campaign_hash   TEXT    NOT NULL,             -- of the campaign's content
    recipients_hash TEXT    NOT NULL,             -- of the recipients
    columns         TEXT    NOT NULL DEFAULT '[]',-- the input's column names, as a JSON array
    template        TEXT,                         -- the pulled template its rows were checked against, as in template.snapshot
    only_new        INTEGER NOT NULL DEFAULT 0,   -- skips everyone whom earlier runs of its name reached
    is_served       INTEGER NOT NULL DEFAULT 0,   -- a person asked the service to send it
    created_at      INTEGER NOT NULL,
    planned_at      INTEGER,                      -- all rows are imported; before that nothing may be sent
    started_at      INTEGER,                      -- dispatch started
    account         TEXT,                         -- through which its owner last sent, as account.key
    dispatched_at   INTEGER,                      -- no row is left to send
    finished_at     INTEGER,                      -- no status is awaited any more
    cancelled_at    INTEGER,                      -- a person cancelled the run
    cancelled_by    TEXT,
    paused_at       INTEGER,                      -- a person paused the run; NULL once it was resumed
    paused_by       TEXT,
    stopped_at      INTEGER,                      -- the last process that sent stopped before the end; NULL while one sends
    stopped_why     TEXT,
    rate            INTEGER,                      -- requests per rate_per, in place of the campaign's own
    rate_per        INTEGER,                      -- milliseconds
    rate_at         INTEGER,
    rate_by         TEXT,
    rows            INTEGER NOT NULL DEFAULT 0,   -- counts of the plan
    invalid         INTEGER NOT NULL DEFAULT 0,
    duplicate       INTEGER NOT NULL DEFAULT 0,
    suppressed      INTEGER NOT NULL DEFAULT 0,
    polls           INTEGER NOT NULL DEFAULT 0,   -- status requests made
    requeues        INTEGER NOT NULL DEFAULT 0,   -- commits in which a person requeued rows
    purged_at       INTEGER,                      -- a person purged the run: its rows are being deleted, or are gone
    purged_by       TEXT,
    purged_counts   TEXT,                         -- what its counts were, as JSON; saved before any row is deleted
    purge_ended_at  INTEGER,                      -- all of its rows are gone
    UNIQUE (name, number)
);

-- The progress of a run. Narrow, because every claim writes it.
CREATE TABLE progress (
    run        INTEGER PRIMARY KEY,
    next_row   INTEGER NOT NULL,   -- rows up to this key were claimed or scheduled
    limit_left INTEGER,            -- rows that the owner may still claim for the first time; NULL for no limit
    owner      INTEGER             -- the worker that may claim
);

-- Workers of runs, present and past. A number is never reused.
CREATE TABLE worker (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    process    INTEGER NOT NULL,   -- the process id
    started_at INTEGER NOT NULL,
    reference_key BLOB NOT NULL    -- signs the references of its attempts (see model::ReferenceKey)
);

-- The records of the input as planned. Written once, at import.
CREATE TABLE recipient (
    id            INTEGER PRIMARY KEY,
    line          INTEGER NOT NULL,   -- the record's first line in its file
    state         INTEGER NOT NULL,   -- pending, invalid, duplicate or suppressed
    phone         INTEGER,            -- digits with country code, as a number; NULL if there is none
    raw_phone     TEXT,               -- the input's text where phone is NULL
    cells         TEXT    NOT NULL,   -- the record's cells, as a JSON array in the order of run.columns
    error_code    TEXT,               -- why the row cannot be sent
    error_message TEXT,
    error_values  TEXT
);

-- The state of each row that was claimed or scheduled, with its latest attempt. A row to be sent without a line here
-- was never claimed.
CREATE TABLE delivery (
    id               INTEGER PRIMARY KEY,
    run              INTEGER NOT NULL,
    state            INTEGER NOT NULL,
    claim            INTEGER NOT NULL DEFAULT 0, -- of the latest attempt: it grows with every claim, and is never reused
    worker           INTEGER,                    -- the worker that claimed it
    started_at       INTEGER,                    -- when it was claimed
    ended_at         INTEGER,                    -- when its outcome was known
    outcome          INTEGER,                    -- the state that this attempt alone led to; NULL until then, and if no request left
    attempts         INTEGER NOT NULL DEFAULT 0, -- requests that left, over the row's whole life
    charged_attempts INTEGER NOT NULL DEFAULT 0, -- those that count against dispatch.attempts, since a person last requeued the row
    deferrals        INTEGER NOT NULL DEFAULT 0, -- how often the recipient's own limits made it wait, since then
    requeues         INTEGER NOT NULL DEFAULT 0, -- how often a person requeued it
    in_doubt         INTEGER NOT NULL DEFAULT 0, -- an attempt may have been accepted, even if the state does not say so
    accepted_at      INTEGER,
    message_id       TEXT,
    provider_status  TEXT,                       -- the provider's status word, if the documents do not define it
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
    -- A row that is being sent has no message yet, so it has no status.
    CHECK (state <> 1 OR (message_id IS NULL AND outcome IS NULL AND claim > 0 AND worker IS NOT NULL)),
    -- Statuses are awaited only for accepted messages.
    CHECK (next_poll_at IS NULL OR state IN (2, 3, 4)),
    -- A failed message was not delivered.
    CHECK (state <> 6 OR (delivered_at IS NULL AND read_at IS NULL))
);
CREATE INDEX delivery_due ON delivery (run, next_attempt_at) WHERE next_attempt_at IS NOT NULL;
CREATE INDEX delivery_poll ON delivery (run, next_poll_at) WHERE next_poll_at IS NOT NULL;
CREATE INDEX delivery_sending ON delivery (run) WHERE state = 1;

-- The numbers of ended runs, sorted within stretches of rows, so that one person is found without reading every
-- run (see `find`).
CREATE TABLE number (
    stretch INTEGER NOT NULL,   -- a row's key without its last bits
    phone   INTEGER NOT NULL,
    place   INTEGER NOT NULL,   -- these last bits
    PRIMARY KEY (stretch, phone, place)
) WITHOUT ROWID;

-- Attempts whose request left, but that are no longer their row's latest.
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

-- Messages of which the provider reported a second one for the same attempt: the person got both.
CREATE TABLE double_send (
    row        INTEGER NOT NULL,   -- the row's key
    claim      INTEGER NOT NULL,
    message_id TEXT    NOT NULL,   -- the second one's
    seen_at    INTEGER NOT NULL,
    PRIMARY KEY (row, claim, message_id)
) WITHOUT ROWID;

-- Statuses that arrived before their message. Kept for a while.
CREATE TABLE early_status (
    id            INTEGER PRIMARY KEY,
    message_id    TEXT    NOT NULL,
    row           INTEGER,            -- the key of the row that its reference names
    claim         INTEGER,            -- the claim that its reference names
    status        TEXT    NOT NULL,
    delivered_at  INTEGER,
    read_at       INTEGER,
    error_code    TEXT    NOT NULL,   -- why it failed; empty if no reason was given
    error_message TEXT,
    received_at   INTEGER NOT NULL,
    UNIQUE (message_id, status, error_code)
);
CREATE INDEX early_status_received ON early_status (received_at);
CREATE INDEX early_status_attempt ON early_status (row, claim) WHERE row IS NOT NULL;

-- Attempts that ended in each second, by outcome: read for rates, estimates and daily quotas.
CREATE TABLE timeline (
    run       INTEGER NOT NULL,
    second    INTEGER NOT NULL,   -- since 1970
    accepted  INTEGER NOT NULL,
    uncertain INTEGER NOT NULL,
    refused   INTEGER NOT NULL,   -- rejected or exhausted
    PRIMARY KEY (run, second)
) WITHOUT ROWID;

-- A person's decisions about uncertain rows. Append only.
CREATE TABLE resolution (
    id            INTEGER PRIMARY KEY,
    row           INTEGER NOT NULL,   -- the row's key
    state         INTEGER NOT NULL,   -- the row's new state: sent, or exhausted (not sent)
    at            INTEGER NOT NULL,
    by            TEXT    NOT NULL,   -- who
    error_code    TEXT,               -- why the row was uncertain
    error_message TEXT,
    error_values  TEXT
);
CREATE INDEX resolution_row ON resolution (row);

-- Numbers that no run sends to.
CREATE TABLE suppression (
    phone    INTEGER PRIMARY KEY,
    reason   TEXT,
    added_at INTEGER NOT NULL
);

-- Messages that a person sent to a number of their own to try a campaign out (`campaigner test`). They belong to no run.
CREATE TABLE test_message (
    id            INTEGER PRIMARY KEY AUTOINCREMENT, -- never reused: a process writes to its own after others are purged
    name          TEXT    NOT NULL,   -- the campaign's name
    row           INTEGER NOT NULL,   -- the row of the list whose message it is
    phone         INTEGER NOT NULL,
    started_at    INTEGER NOT NULL,   -- recorded before the request
    outcome       TEXT,               -- of the request; NULL while it is in flight or if the process ended
    message_id    TEXT,
    status        TEXT,               -- the last one that the provider reported
    error_code    TEXT,
    error_message TEXT,
    error_values  TEXT
);
CREATE INDEX test_message_phone ON test_message (phone);

-- Replies, as received in the provider's webhooks.
CREATE TABLE reply (
    id               INTEGER PRIMARY KEY,
    inbound_id       TEXT    NOT NULL UNIQUE, -- the provider's id: a repeated reply has the same one
    row              INTEGER,              -- the key of the row whose message it answers; NULL while none is known
    in_reply_to      TEXT,                 -- the provider's id of the message that it answers, if it says so
    phone            INTEGER,              -- the sender's number, if it is known
    user_id          TEXT,                 -- the provider's id of the sender, if it reports one
    parent_user_id   TEXT,                 -- the sender's id that several businesses share, if it reports one
    at               INTEGER NOT NULL,
    kind             TEXT    NOT NULL,     -- button_reply, list_reply, button, text, or another word of the provider
    choice           TEXT,                 -- the id of the button or the list's row
    title            TEXT,                 -- its title
    text             TEXT,                 -- what the person wrote
    opt_out          TEXT,                 -- the words that opt out; NULL if it does not
    possible_opt_out INTEGER NOT NULL,     -- it may ask for an opt-out; 0 if not, or once a person dismissed it
    received_at      INTEGER NOT NULL
);
CREATE INDEX reply_possible_opt_out ON reply (id) WHERE possible_opt_out = 1;
CREATE INDEX reply_row ON reply (row) WHERE row IS NOT NULL;
CREATE INDEX reply_user_id ON reply (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX reply_parent_user_id ON reply (parent_user_id) WHERE parent_user_id IS NOT NULL;
CREATE INDEX reply_loose ON reply (received_at) WHERE row IS NULL AND in_reply_to IS NOT NULL;

-- The phone numbers of people by the provider's ids of them: an opt-out may come without a number. A person may have two,
-- because some countries write numbers differently.
CREATE TABLE user_phone (
    user_id TEXT    NOT NULL,
    phone   INTEGER NOT NULL,
    PRIMARY KEY (user_id, phone)
) WITHOUT ROWID;

-- People who opted out in replies that were purged, by the provider's ids of them: their numbers may only be learned
-- later.
CREATE TABLE opted_out_user (
    user_id TEXT    PRIMARY KEY,
    opt_out TEXT    NOT NULL,   -- as reply.opt_out
    at      INTEGER NOT NULL
) WITHOUT ROWID;

-- Ids of people to whom messages went that are not known yet: their statuses came first. Kept for a while.
CREATE TABLE early_user (
    message_id  TEXT    NOT NULL,
    user_id     TEXT    NOT NULL,
    received_at INTEGER NOT NULL,
    PRIMARY KEY (message_id, user_id)
) WITHOUT ROWID;
CREATE INDEX early_user_received ON early_user (received_at);

-- Templates as last pulled from their providers.
CREATE TABLE template (
    provider  TEXT    NOT NULL,   -- nxlink or cams
    account   TEXT    NOT NULL,   -- the provider account, without its secret
    id        TEXT    NOT NULL,   -- the provider's id; CAMS has one for all languages
    language  TEXT    NOT NULL,
    name      TEXT    NOT NULL,
    status    TEXT    NOT NULL,   -- in the provider's words
    snapshot  TEXT    NOT NULL,   -- with its definition, as JSON
    pulled_at INTEGER NOT NULL,
    PRIMARY KEY (provider, account, id, language)
) WITHOUT ROWID;

-- When each campaign's schedule was first seen: its times count from then. A changed schedule starts over.
CREATE TABLE schedule (
    name  TEXT PRIMARY KEY,   -- the campaign's name
    rule  TEXT NOT NULL,      -- its times and time zone
    since INTEGER NOT NULL
);

-- The times at which a scheduled campaign was due, and the decision about each. The key makes each happen at most
-- once, with any number of processes and any change of the clock.
CREATE TABLE occurrence (
    name       TEXT    NOT NULL,
    due_at     INTEGER NOT NULL,
    run        INTEGER,          -- the run that it became; NULL if it was skipped
    reason     TEXT,             -- why it was skipped
    decided_at INTEGER NOT NULL,
    PRIMARY KEY (name, due_at)
) WITHOUT ROWID;
CREATE INDEX occurrence_run ON occurrence (run) WHERE run IS NOT NULL;

-- Pauses that providers asked of accounts. Stored so that they survive a restart.
CREATE TABLE account (
    key          TEXT PRIMARY KEY, -- a fingerprint of the address and the credential
    provider     TEXT NOT NULL,    -- its name in campaigns
    paused_until INTEGER NOT NULL  -- no request before this
) WITHOUT ROWID;

-- When webhooks of an account last arrived.
CREATE TABLE account_webhook (
    account TEXT PRIMARY KEY, -- as account.key
    at      INTEGER NOT NULL
) WITHOUT ROWID;

-- What providers last reported of their own accord about accounts and templates.
CREATE TABLE account_event (
    business_account TEXT    NOT NULL, -- the provider's id
    account          TEXT,             -- as account.key; NULL if it is about another account than the receiver's
    template         TEXT    NOT NULL, -- its name; empty if it is about the account
    language         TEXT    NOT NULL, -- the template's; empty if it is about the account
    kind             TEXT    NOT NULL, -- template_state, template_quality and so on
    value            TEXT    NOT NULL, -- the provider's word
    reason           TEXT,             -- the provider's words
    at               INTEGER NOT NULL,
    PRIMARY KEY (business_account, template, language, kind)
) WITHOUT ROWID;

-- The store's id and its number of commits that claimed rows; compared with the mark file next to it (see `mark`).
CREATE TABLE mark (
    key      INTEGER PRIMARY KEY CHECK (key = 1), -- one line
    store    INTEGER NOT NULL,                    -- random; replaced when a person passes --moved
    claims   INTEGER NOT NULL,                    -- commits that claimed rows, over all runs
    has_file INTEGER NOT NULL                     -- the mark file was created
);
INSERT INTO mark (key, store, claims, has_file) VALUES (1, random(), 0, 0);
