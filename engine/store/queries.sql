-- Every query of the store. Parameters are `:name`; the text runs on SQLite and on PostgreSQL.

-- name: scenario_path
SELECT path FROM scenarios WHERE id = :id

-- name: set_scenario_path
INSERT INTO scenarios (id, path) VALUES (:id, :path)
ON CONFLICT (id) DO UPDATE SET path = excluded.path

-- name: scenarios
SELECT
    id, path, active, errors_in_row,
    (
        SELECT started_at FROM executions
        WHERE scenario_id = scenarios.id ORDER BY seq DESC LIMIT 1
    ) AS last_run_at,
    (
        SELECT COALESCE(SUM(unresolved + pending), 0) FROM causes
        WHERE scenario_id = scenarios.id
    ) AS incomplete,
    (
        SELECT COUNT(*) FROM events
        WHERE scenario_id = scenarios.id AND payload IS NOT NULL
    ) AS events
FROM scenarios
WHERE CAST(:id AS TEXT) IS NULL OR id = :id
ORDER BY id

-- name: set_active
UPDATE scenarios SET active = :active, errors_in_row = 0 WHERE id = :id

-- name: change_streak
UPDATE scenarios SET
    active = CASE
        WHEN :errors > 0 AND errors_in_row + :errors >= :limit THEN 0 ELSE active
    END,
    errors_in_row = CASE WHEN :over = 1 THEN 0 ELSE errors_in_row + :errors END
WHERE id = :id

-- name: begin_execution
INSERT INTO executions
    (id, seq, scenario_id, kind, status, started_at, ended_at, process, payload)
SELECT
    :id, COALESCE(MAX(seq), 0) + 1, :scenario_id, :kind, :status, :started_at, :ended_at,
    :process, :payload
FROM executions
WHERE true
ON CONFLICT (id) DO UPDATE SET
    status = excluded.status,
    ended_at = NULL,
    process = excluded.process,
    payload = excluded.payload

-- name: finish_execution
UPDATE executions
SET status = :status, ended_at = :ended_at, payload = :payload
WHERE id = :id

-- name: execution
SELECT * FROM executions WHERE id = :id

-- name: executions_like
SELECT id FROM executions WHERE id >= :prefix AND id < :beyond ORDER BY id LIMIT 3

-- name: executions
SELECT * FROM executions ORDER BY seq DESC LIMIT :limit

-- name: executions_of_scenario
SELECT * FROM executions WHERE scenario_id = :scenario_id ORDER BY seq DESC LIMIT :limit

-- name: keep_history
INSERT INTO histories (execution_id, scenario_id, seq, payload)
SELECT :id, :scenario_id, COALESCE(MAX(seq), 0) + 1, :payload
FROM histories
WHERE scenario_id = :scenario_id
ON CONFLICT (execution_id) DO UPDATE SET payload = excluded.payload

-- name: forget_histories
DELETE FROM histories
WHERE seq <= (
    SELECT later.seq FROM histories AS later
    WHERE later.scenario_id = histories.scenario_id ORDER BY later.seq DESC LIMIT 1 OFFSET :kept
)

-- name: oldest_histories
SELECT execution_id FROM histories JOIN executions ON executions.id = execution_id
ORDER BY executions.seq LIMIT :limit

-- name: forget_history
DELETE FROM histories WHERE execution_id = :id

-- name: first_young
SELECT MIN(seq) AS seq FROM executions WHERE started_at BETWEEN :before AND :confirmed

-- name: old_executions
SELECT id FROM executions
WHERE ended_at < :before
    AND seq < (
        SELECT MAX(latest.seq) FROM executions AS latest
        WHERE latest.scenario_id = executions.scenario_id
    )
    AND seq < COALESCE(:young, seq + 1)
    AND NOT EXISTS (
        SELECT 1 FROM incompletes
        WHERE execution_id = executions.id AND incompletes.status <> 'resolved'
    )
ORDER BY ended_at LIMIT :limit

-- name: forget_execution
DELETE FROM executions WHERE id = :id

-- name: looks
SELECT at FROM looks

-- name: remember_look
INSERT INTO looks (at) VALUES (:at)

-- name: forget_look
DELETE FROM looks WHERE at = :at

-- name: history
SELECT payload FROM histories WHERE execution_id = :id

-- name: marks
SELECT mark, value FROM marks WHERE scenario_id = :scenario_id AND node_id = :node_id

-- name: set_mark
INSERT INTO marks (scenario_id, node_id, mark, value)
VALUES (:scenario_id, :node_id, :mark, :value)
ON CONFLICT (scenario_id, node_id, mark) DO UPDATE SET value = excluded.value

-- name: remove_mark
DELETE FROM marks WHERE scenario_id = :scenario_id AND node_id = :node_id AND node_id = :node_id AND mark = :mark

-- name: reset_marks
DELETE FROM marks WHERE scenario_id = :scenario_id AND node_id = :node_id
