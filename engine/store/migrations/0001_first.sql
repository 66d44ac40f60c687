-- Ids are text, moments are microseconds since 1970 in UTC, payloads are JSON.

CREATE TABLE scenarios (
    id TEXT PRIMARY KEY,
    path BLOB NOT NULL          -- of the scenario file, as the system encodes it
);

CREATE TABLE executions (
    id TEXT PRIMARY KEY,
    seq BIGINT NOT NULL,        -- order of arrival
    scenario_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    status INTEGER NOT NULL,
    started_at BIGINT NOT NULL,
    ended_at BIGINT,
    process TEXT NOT NULL,      -- that runs it, or ran it
    payload BLOB NOT NULL
);

CREATE INDEX executions_seq ON executions (seq);
CREATE INDEX executions_scenario ON executions (scenario_id, seq);

CREATE TABLE incompletes (
    id TEXT PRIMARY KEY,
    seq BIGINT NOT NULL,
    scenario_id TEXT NOT NULL,
    execution_id TEXT NOT NULL,
    node_id TEXT NOT NULL,
    status TEXT NOT NULL,       -- never 'in progress': that is a claim by a living process
    claimed_by TEXT,            -- process that replays it
    created_at BIGINT NOT NULL,
    due_at BIGINT,
    payload BLOB NOT NULL
);

CREATE INDEX incompletes_seq ON incompletes (seq);
CREATE INDEX incompletes_scenario ON incompletes (scenario_id, status);
CREATE INDEX incompletes_execution ON incompletes (execution_id);

CREATE TABLE incomplete_files (
    incomplete_id TEXT NOT NULL REFERENCES incompletes (id) ON DELETE CASCADE,
    sha256 TEXT NOT NULL,
    PRIMARY KEY (incomplete_id, sha256)
);

CREATE TABLE marks (
    scenario_id TEXT NOT NULL,
    node_id TEXT NOT NULL,
    mark TEXT NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (scenario_id, node_id, mark)
);
