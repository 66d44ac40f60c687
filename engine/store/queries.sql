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
        SELECT COUNT(*) FROM incompletes
        WHERE scenario_id = scenarios.id AND status <> 'resolved'
    ) AS incomplete
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

-- name: finish_execution
UPDATE executions
SET status = :status, ended_at = :ended_at, payload = :payload
WHERE id = :id

-- name: execution
SELECT * FROM executions WHERE id = :id

-- name: executions_like
SELECT id FROM executions WHERE substr(id, 1, :length) = :prefix ORDER BY seq LIMIT 3

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
WHERE scenario_id = :scenario_id AND seq <= (
    SELECT seq FROM histories
    WHERE scenario_id = :scenario_id ORDER BY seq DESC LIMIT 1 OFFSET :kept
)

-- name: history
SELECT payload FROM histories WHERE execution_id = :id

-- name: park
INSERT INTO incompletes
    (id, seq, scenario_id, execution_id, node_id, status, claimed_by, created_at, due_at, payload)
SELECT
    :id, COALESCE(MAX(seq), 0) + 1, :scenario_id, :execution_id, :node_id, :status, :claimed_by,
    :created_at, :due_at, :payload
FROM incompletes
WHERE true
ON CONFLICT (id) DO UPDATE SET
    scenario_id = excluded.scenario_id,
    execution_id = excluded.execution_id,
    node_id = excluded.node_id,
    status = excluded.status,
    claimed_by = excluded.claimed_by,
    created_at = excluded.created_at,
    due_at = excluded.due_at,
    payload = excluded.payload

-- name: forget_files
DELETE FROM incomplete_files WHERE incomplete_id = :id

-- name: name_file
INSERT INTO incomplete_files (incomplete_id, sha256) VALUES (:id, :sha256)

-- name: incomplete
SELECT * FROM incompletes WHERE id = :id

-- name: incompletes_like
SELECT id FROM incompletes WHERE substr(id, 1, :length) = :prefix ORDER BY seq LIMIT 3

-- name: incompletes
SELECT * FROM incompletes
WHERE (CAST(:scenario_id AS TEXT) IS NULL OR scenario_id = :scenario_id)
    AND (CAST(:execution_id AS TEXT) IS NULL OR execution_id = :execution_id)
    AND (claimed_by IS NOT NULL OR status IN (:unresolved, :pending, :resolved))
ORDER BY created_at, seq

-- name: claim
UPDATE incompletes SET claimed_by = :process WHERE id = :id

-- name: files_of_unresolved
SELECT DISTINCT sha256
FROM incomplete_files JOIN incompletes ON incompletes.id = incomplete_files.incomplete_id
WHERE incompletes.status <> 'resolved'

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
