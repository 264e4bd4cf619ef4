-- What became of an alert on the desktop. A notice is known by the server that shows it, which is one
-- owner of the name on one bus, and by the id that this server gave to it. Elsewhere the id means
-- nothing. Several alerts may share a notice.
ALTER TABLE deliveries ADD COLUMN server TEXT;
ALTER TABLE deliveries ADD COLUMN notice INTEGER;
-- accepted, closed, expired, acted, replaced, taken_back or lost; NULL before it was accepted, and for
-- ways that say nothing of it.
ALTER TABLE deliveries ADD COLUMN state TEXT;
ALTER TABLE deliveries ADD COLUMN state_at INTEGER;
-- The button that was pressed.
ALTER TABLE deliveries ADD COLUMN action TEXT;
-- The message that carried it, so that notices can be counted.
ALTER TABLE deliveries ADD COLUMN message TEXT;

CREATE INDEX deliveries_by_notice ON deliveries (server, notice) WHERE notice IS NOT NULL;
CREATE INDEX deliveries_by_attempt ON deliveries (channel, attempted_at);
CREATE INDEX deliveries_open ON deliveries (state) WHERE state IN ('accepted', 'expired', 'lost');

-- When what an alert told of no longer held: it was answered, acknowledged, put off or decided.
ALTER TABLE alerts ADD COLUMN settled_at INTEGER;
