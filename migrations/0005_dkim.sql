-- The domain whose DKIM signature was verified here when the mail came in. A mail in review is judged
-- again when its application is registered, and the key may be gone from the DNS by then.
ALTER TABLE messages ADD COLUMN dkim TEXT;
