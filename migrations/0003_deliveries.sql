-- What became of an alert on each way to a person: `desktop`, or the name of a channel. Alerts are
-- delivered when the first way has taken them; every way has its own attempts.
CREATE TABLE deliveries (
    alert        INTEGER NOT NULL REFERENCES alerts (id),
    channel      TEXT    NOT NULL,
    -- How often it was handed over without word of what became of it, and when last: the process may
    -- have been killed, or the other side hang. Without it a program that dies of a notice would
    -- show it at every start.
    attempts     INTEGER NOT NULL DEFAULT 0,
    attempted_at INTEGER,
    delivered_at INTEGER,
    -- Why the last attempt failed.
    last_error   TEXT,
    PRIMARY KEY (alert, channel)
) STRICT, WITHOUT ROWID;

INSERT INTO deliveries (alert, channel, delivered_at, last_error)
SELECT id, 'desktop', delivered_at, last_error FROM alerts
WHERE delivered_at IS NOT NULL OR last_error IS NOT NULL;

ALTER TABLE alerts DROP COLUMN last_error;

CREATE INDEX alerts_by_delivery ON alerts (delivered_at) WHERE delivered_at IS NOT NULL;

-- Asked at each wake, and there may be as many of them as mails.
CREATE INDEX unreadable_by_age ON unreadable (host, user, first_seen);
