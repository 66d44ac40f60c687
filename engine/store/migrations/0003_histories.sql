-- What is kept of the operations of the latest executions of each scenario.

CREATE TABLE histories (
    execution_id TEXT PRIMARY KEY REFERENCES executions (id) ON DELETE CASCADE,
    scenario_id TEXT NOT NULL,
    seq BIGINT NOT NULL,        -- order of arrival in its scenario
    payload BLOB NOT NULL
);

CREATE INDEX histories_scenario ON histories (scenario_id, seq);
