-- What is resolved is forgotten after a time, from when it was first seen so.

ALTER TABLE incompletes ADD COLUMN resolved_at BIGINT;

CREATE INDEX incompletes_resolved ON incompletes (resolved_at) WHERE status = 'resolved';
