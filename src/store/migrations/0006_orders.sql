-- What people order of a run while it is at work, whichever process works on it.
ALTER TABLE run ADD COLUMN paused_at INTEGER;   -- a person asked for a pause; NULL once it was lifted
ALTER TABLE run ADD COLUMN rate INTEGER;        -- requests in each rate_per instead of the campaign's own
ALTER TABLE run ADD COLUMN rate_per INTEGER;    -- milliseconds
