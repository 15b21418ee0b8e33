-- What was sent to whom: decided here before and after a message goes out, so that nothing is sent twice.

CREATE TABLE notifications (
    notification_id VARCHAR PRIMARY KEY,
    kind VARCHAR NOT NULL,
    subject VARCHAR NOT NULL,
    channel VARCHAR NOT NULL,
    recipient VARCHAR NOT NULL,
    status VARCHAR NOT NULL CHECK (status IN ('pending', 'sending', 'sent', 'failed', 'unknown')),
    attempts INTEGER NOT NULL,
    message_id VARCHAR,
    created_at TIMESTAMP NOT NULL,
    sending_at TIMESTAMP,
    settled_at TIMESTAMP,
    error VARCHAR,
    run_id VARCHAR NOT NULL,
    UNIQUE (kind, subject, channel, recipient)
);

COMMENT ON TABLE notifications IS 'One row per thing told (a report of an edition and period, a firing or reopening of an alert), channel and recipient; written before anything is sent, never deleted';
COMMENT ON COLUMN notifications.notification_id IS 'Hash of kind, subject, channel and recipient';
COMMENT ON COLUMN notifications.kind IS 'What is told: report, alert or failure';
COMMENT ON COLUMN notifications.subject IS 'Of a report: report/edition/period, and /team where it is a team''s; of an alert: its id/how often it was told anew';
COMMENT ON COLUMN notifications.channel IS 'By what: mail, or a channel''s name in the configuration';
COMMENT ON COLUMN notifications.recipient IS 'To whom: an address, or a channel''s name; never a password or a secret address';
COMMENT ON COLUMN notifications.status IS 'pending: to be sent; sending: a run is at it, or died in it; sent: taken by the server; failed: not taken, tried again; unknown: nobody can say, never sent again';
COMMENT ON COLUMN notifications.attempts IS 'How often it was tried';
COMMENT ON COLUMN notifications.message_id IS 'Id of the message it went out with last; those of one message share it; NULL before the first attempt';
COMMENT ON COLUMN notifications.created_at IS 'When it was first due, UTC';
COMMENT ON COLUMN notifications.sending_at IS 'When the last attempt began, UTC; NULL before the first';
COMMENT ON COLUMN notifications.settled_at IS 'When the last attempt ended, UTC; NULL while it has not';
COMMENT ON COLUMN notifications.error IS 'Why the last attempt failed, or why nobody can say; NULL for the others';
COMMENT ON COLUMN notifications.run_id IS 'Run that wrote it last, as in runs';
