-- Executions that ended long ago are found without looking at the others.

CREATE INDEX executions_ended ON executions (ended_at);
