-- How often an alert was handed over without word of whether it was shown, and when last: the process
-- may have been killed, or the notification server hang. Without it a program that dies of a notice
-- would show it at every start.
ALTER TABLE alerts ADD COLUMN attempts INTEGER NOT NULL DEFAULT 0;
ALTER TABLE alerts ADD COLUMN attempted_at INTEGER;
