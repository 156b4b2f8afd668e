-- The rows in the air as in format 8, found in no other way than by the lines of intents. The pluses keep SQLite from what
-- looks as cheap to it and reads every row of a run: an index of its own over the states, or the bounds that a query sets.
DROP VIEW air;
CREATE VIEW air AS
    SELECT +r.id AS id, i.id AS intent, i.again AS again, i.attempt AS attempt, i.at AS at
    FROM intent i CROSS JOIN recipient r ON r.id BETWEEN i.first AND i.last LEFT JOIN delivery d ON d.id = r.id
    WHERE +r.state = 0 AND CASE WHEN i.again THEN d.state = 1 ELSE d.id IS NULL END;
