-- Intents by the range. Rows are taken up one after the other, so those that one commit takes up are one line here, which
-- goes when the last of them has its outcome. What writing ahead costs is then a line a commit, not one a message.
CREATE TABLE intents (
    id      INTEGER PRIMARY KEY,
    first   INTEGER NOT NULL,     -- the rows' keys, without a gap
    last    INTEGER NOT NULL,
    again   INTEGER NOT NULL,     -- a single row that was taken up before and has a line in delivery
    attempt INTEGER NOT NULL,
    at      INTEGER NOT NULL
);
INSERT INTO intents (first, last, again, attempt, at)
    SELECT id, id, EXISTS (SELECT 1 FROM delivery d WHERE d.id = intent.id), attempt, at FROM intent ORDER BY id;
DROP TABLE intent;
ALTER TABLE intents RENAME TO intent;

-- The rows in the air: taken up, and without an outcome. States: 0 pending, 1 sending.
CREATE VIEW air AS
    SELECT r.id AS id, i.id AS intent, i.again AS again, i.attempt AS attempt, i.at AS at
    -- CROSS: from the few lines of intents to their rows, never the other way.
    FROM intent i CROSS JOIN recipient r ON r.id BETWEEN i.first AND i.last LEFT JOIN delivery d ON d.id = r.id
    WHERE r.state = 0 AND CASE WHEN i.again THEN d.state = 1 ELSE d.id IS NULL END;
