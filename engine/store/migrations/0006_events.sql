-- Events of hooks, the hooks, and the moment by which it is known that the clock has gone back.

CREATE TABLE events (
    scenario_id TEXT NOT NULL,
    id TEXT NOT NULL,           -- the sender's
    seq BIGINT NOT NULL,        -- order of arrival among those of its scenario that are there
    received_at BIGINT NOT NULL,
    attempts INTEGER NOT NULL,
    due_at BIGINT,
    payload BLOB,               -- NULL: acknowledged, only the id is remembered
    PRIMARY KEY (scenario_id, id)
);

CREATE INDEX events_seq ON events (scenario_id, seq);

CREATE TABLE hooks (
    scenario_id TEXT PRIMARY KEY,
    node_id TEXT NOT NULL,
    url TEXT NOT NULL,
    data BLOB NOT NULL
);

CREATE TABLE moments (
    name TEXT PRIMARY KEY,
    latest BIGINT NOT NULL
);
