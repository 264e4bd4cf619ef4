-- The rule that decided; NULL where the envelope told, and for what came in before this migration.
ALTER TABLE messages ADD COLUMN rule TEXT;
-- 1: a mail of CBP's whose wording no rule knows, and nobody has looked at it yet.
ALTER TABLE messages ADD COLUMN unrecognised INTEGER NOT NULL DEFAULT 0;
-- `raw` is from here on kept after the review, too, so that new rules can read a mail again; the
-- content of attached files is left out of it.

CREATE INDEX messages_unrecognised ON messages (received_at) WHERE unrecognised = 1;
CREATE INDEX messages_kept ON messages (recorded_at)
    WHERE raw IS NOT NULL AND review IS NOT 'open';
