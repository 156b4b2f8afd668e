-- How often a row's recipient was put off (WhatsApp's limits for one recipient) since the row was first taken up or put
-- back: what the next wait grows from.
ALTER TABLE delivery ADD COLUMN put_off INTEGER NOT NULL DEFAULT 0;
