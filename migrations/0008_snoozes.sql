-- Up to when an event holds: the end of a snooze, and how far the deadlines were known that a person
-- acknowledged.
ALTER TABLE events ADD COLUMN until_at INTEGER;

-- From the evaluation, for the overview: until when nothing is told of what the clock raises, and
-- since when a person knows of all that is overdue.
ALTER TABLE applications ADD COLUMN snoozed_until INTEGER;
ALTER TABLE applications ADD COLUMN acked_at INTEGER;

-- A person may name a ticket number, too, and then no mail does; their word outlives that of a mail.
CREATE TABLE noted_tickets (
    ticket      TEXT    NOT NULL,
    application INTEGER NOT NULL REFERENCES applications (id),
    message     INTEGER REFERENCES messages (id),
    PRIMARY KEY (ticket, application)
) STRICT, WITHOUT ROWID;

INSERT INTO noted_tickets SELECT ticket, application, message FROM tickets;
DROP TABLE tickets;
ALTER TABLE noted_tickets RENAME TO tickets;
