-- What operations have done in executions that have not finished, so that they can be resumed.

CREATE TABLE origins (
    execution_id TEXT PRIMARY KEY REFERENCES executions (id) ON DELETE CASCADE,
    payload BLOB NOT NULL       -- what the execution needs to run again from its beginning
);

CREATE TABLE journal (
    execution_id TEXT NOT NULL REFERENCES executions (id) ON DELETE CASCADE,
    node_id TEXT NOT NULL,
    path TEXT NOT NULL,         -- which bundle of the node
    stage TEXT NOT NULL,
    record_id TEXT NOT NULL,    -- incomplete execution that keeps its failure; empty: none
    payload BLOB NOT NULL,
    PRIMARY KEY (execution_id, node_id, path)
);

CREATE TABLE journal_files (
    execution_id TEXT NOT NULL REFERENCES executions (id) ON DELETE CASCADE,
    sha256 TEXT NOT NULL,
    PRIMARY KEY (execution_id, sha256)
);
