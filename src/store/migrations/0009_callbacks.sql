-- What people sent back, as the provider called back with it.
CREATE TABLE reply (
    id         INTEGER PRIMARY KEY,
    inbound_id TEXT    NOT NULL UNIQUE, -- the provider's id of it: one that comes twice is the same one
    row        INTEGER,                 -- the row's key whose message it answers; NULL as long as none is known
    answers    TEXT,                    -- the provider's id of the message that it answers, if it says so
    phone      INTEGER,                 -- who sent it, if the provider says so by number
    at         INTEGER NOT NULL,
    kind       TEXT    NOT NULL,        -- button_reply, list_reply, button, text, or another word of the provider's
    choice     TEXT,                    -- the id of the button or the list's row
    title      TEXT,                    -- what that says
    text       TEXT,                    -- what the person wrote
    opt_out    TEXT,                    -- where it asks for nothing more: by which words
    came_at    INTEGER NOT NULL
);
CREATE INDEX reply_row ON reply (row) WHERE row IS NOT NULL;
CREATE INDEX reply_loose ON reply (came_at) WHERE row IS NULL AND answers IS NOT NULL;

-- Statuses that the provider called back with before the message's id was in delivery. Kept for a while.
CREATE TABLE early (
    id         INTEGER PRIMARY KEY,
    message_id TEXT    NOT NULL,
    status     TEXT    NOT NULL,
    at         INTEGER,
    code       TEXT,
    message    TEXT,
    came_at    INTEGER NOT NULL,
    UNIQUE (message_id, status)
);
CREATE INDEX early_came ON early (came_at);
