-- Moments at which it was looked what may be forgotten, at most two: a clock that was wrong for a
-- while confirms none. Ids of events that were acknowledged long ago are found without the others.

CREATE TABLE looks (
    at BIGINT PRIMARY KEY
);

CREATE INDEX events_acknowledged ON events (received_at) WHERE payload IS NULL;
