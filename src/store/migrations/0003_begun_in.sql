-- Which file a run is sent from, so that a copy of it is not sent from too. See `identity` in the store.
ALTER TABLE run ADD COLUMN begun_in INTEGER;
