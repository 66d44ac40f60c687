-- The journal, and which files somebody needs. Parameters are `:name`.

-- name: files_in_use
SELECT sha256
FROM incomplete_files JOIN incompletes ON incompletes.id = incomplete_files.incomplete_id
WHERE incompletes.status <> 'resolved'
UNION
SELECT sha256 FROM journal_files

-- name: keep_origin
INSERT INTO origins (execution_id, payload) VALUES (:id, :payload)
ON CONFLICT (execution_id) DO UPDATE SET payload = excluded.payload

-- name: forget_origin
DELETE FROM origins WHERE execution_id = :id

-- name: unfinished
SELECT executions.*, origins.payload AS origin
FROM executions JOIN origins ON origins.execution_id = executions.id
WHERE COALESCE(executions.scenario_id, '') = :scenario_id    -- of few origins, not of many runs
ORDER BY executions.seq

-- name: write_entry
INSERT INTO journal (execution_id, node_id, path, stage, record_id, payload)
VALUES (:execution_id, :node_id, :path, :stage, '', :payload)
ON CONFLICT (execution_id, node_id, path) DO UPDATE SET
    stage = excluded.stage,
    payload = excluded.payload

-- name: entry_is_stored
INSERT INTO journal (execution_id, node_id, path, stage, record_id, payload)
VALUES (:execution_id, :node_id, :path, :stage, :record_id, :payload)
ON CONFLICT (execution_id, node_id, path) DO UPDATE SET record_id = excluded.record_id

-- name: entry
SELECT stage, record_id, payload FROM journal
WHERE execution_id = :execution_id AND node_id = :node_id AND path = :path

-- name: tally
SELECT
    node_id,
    SUM(CASE WHEN stage = 'gave' THEN 1 ELSE 0 END) AS gave,
    SUM(CASE WHEN stage = 'failed' THEN 1 ELSE 0 END) AS failed,
    SUM(CASE WHEN stage = 'begun' AND record_id = '' THEN 1 ELSE 0 END) AS in_doubt
FROM journal
WHERE execution_id = :id AND stage <> 'passed'
GROUP BY node_id
ORDER BY node_id

-- name: forget_journal
DELETE FROM journal WHERE execution_id = :id

-- name: name_journal_file
INSERT INTO journal_files (execution_id, sha256) VALUES (:id, :sha256)
ON CONFLICT (execution_id, sha256) DO NOTHING

-- name: forget_journal_files
DELETE FROM journal_files WHERE execution_id = :id
