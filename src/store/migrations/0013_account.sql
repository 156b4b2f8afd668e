-- What a provider asked of an account. Kept, so that a restart does not forget it.
CREATE TABLE account (
    key          TEXT PRIMARY KEY, -- a fingerprint of the address and the credential
    provider     TEXT NOT NULL,    -- what campaigns call it
    paused_until INTEGER NOT NULL  -- no request before this, in milliseconds
) WITHOUT ROWID;
