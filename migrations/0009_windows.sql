-- The earliest day on which an entry of the company was liquidated, as a civil date; and, from the
-- evaluation, the next day after which a refund is lost while the account is missing.
ALTER TABLE applications ADD COLUMN liquidated_on TEXT;
ALTER TABLE applications ADD COLUMN next_cliff TEXT;

-- 1: a refund is lost soon if nothing comes of the alert.
ALTER TABLE alerts ADD COLUMN pressing INTEGER NOT NULL DEFAULT 0;

-- Told alerts of an application are looked up, too, when a deadline is moved.
DROP INDEX alerts_to_withdraw;
CREATE INDEX alerts_by_application ON alerts (application) WHERE application IS NOT NULL;
