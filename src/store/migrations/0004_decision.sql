-- What a person said of a row that was uncertain. Append only.
CREATE TABLE decision (
    id        INTEGER PRIMARY KEY,
    recipient INTEGER NOT NULL,   -- the row's key
    state     INTEGER NOT NULL,   -- where it put the row: sent, or exhausted (not sent)
    at        INTEGER NOT NULL,
    by        TEXT    NOT NULL,   -- who
    code      TEXT,               -- why the row was uncertain
    message   TEXT
);
CREATE INDEX decision_recipient ON decision (recipient);
