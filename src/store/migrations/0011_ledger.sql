-- The ledger by the range, as intents are since format 8. Messages of one commit that were accepted the first time they were
-- tried are one line where they lie side by side; when each of them was accepted stands in delivery.
CREATE TABLE attempts (
    id       INTEGER PRIMARY KEY,
    first    INTEGER NOT NULL,     -- the rows' keys, without a gap
    last     INTEGER NOT NULL,
    attempt  INTEGER NOT NULL,     -- from 1, over each row's whole life
    at       INTEGER NOT NULL,     -- when the intents became durable
    ended_at INTEGER NOT NULL,     -- when the last outcome was known
    outcome  INTEGER NOT NULL,     -- the state it led to: accepted, pending (try again), rejected, exhausted, uncertain
    code     TEXT                  -- the problem's code
);
INSERT INTO attempts (id, first, last, attempt, at, ended_at, outcome, code)
    SELECT id, recipient, recipient, attempt, at, ended_at, outcome, code FROM attempt ORDER BY id;
DROP TABLE attempt;
ALTER TABLE attempts RENAME TO attempt;
