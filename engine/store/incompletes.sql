-- Queries of incomplete executions. `{conditions}` stands for some of the conditions at the end,
-- joined by AND: the database can then use an index that an optional parameter would hide.

-- name: park
INSERT INTO incompletes (
    id, seq, scenario_id, execution_id, node_id, status, claimed_by, created_at, due_at,
    confidential, attempts, allowed, error_type, cause, message, hint, words
)
SELECT
    :id, COALESCE(MAX(seq), 0) + 1, :scenario_id, :execution_id, :node_id, :status, :claimed_by,
    :created_at, :due_at, :confidential, :attempts, :allowed, :error_type, :cause, :message, :hint,
    :words
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
    confidential = excluded.confidential,
    attempts = excluded.attempts,
    allowed = excluded.allowed,
    error_type = excluded.error_type,
    cause = excluded.cause,
    message = excluded.message,
    hint = excluded.hint,
    words = excluded.words

-- name: keep_payload
INSERT INTO incomplete_payloads (incomplete_id, payload) VALUES (:id, :payload)
ON CONFLICT (incomplete_id) DO UPDATE SET payload = excluded.payload

-- name: know_cause
INSERT INTO causes (id, scenario_id, node_id, error_type, message)
VALUES (:id, :scenario_id, :node_id, :error_type, :message)
ON CONFLICT (id) DO NOTHING

-- name: forget_causes
DELETE FROM causes WHERE unresolved + pending + resolved = 0

-- name: forget_files
DELETE FROM incomplete_files WHERE incomplete_id = :id

-- name: name_file
INSERT INTO incomplete_files (incomplete_id, sha256) VALUES (:id, :sha256)

-- name: incomplete
SELECT incompletes.*, payload
FROM incompletes JOIN incomplete_payloads ON incomplete_id = id
WHERE id = :id

-- name: incomplete_row
SELECT * FROM incompletes WHERE id = :id

-- name: incompletes_like
SELECT id FROM incompletes WHERE id >= :prefix AND id < :beyond ORDER BY id LIMIT 3

-- name: incompletes
SELECT incompletes.*, payload
FROM incompletes JOIN incomplete_payloads ON incomplete_id = id
WHERE (CAST(:scenario_id AS TEXT) IS NULL OR scenario_id = :scenario_id)
    AND (CAST(:execution_id AS TEXT) IS NULL OR execution_id = :execution_id)
    AND (claimed_by IS NOT NULL OR status IN (:unresolved, :pending, :resolved))
ORDER BY created_at, seq

-- name: incomplete_claim
SELECT id, status, claimed_by FROM incompletes WHERE id = :id

-- name: claim
UPDATE incompletes SET claimed_by = :process WHERE id = :id

-- name: let_go
UPDATE incompletes SET claimed_by = NULL WHERE id = :id AND claimed_by = :process

-- name: resolve
UPDATE incompletes SET status = 'resolved', claimed_by = NULL, due_at = NULL
WHERE id = :id AND status <> 'resolved'

-- name: delete_incomplete
DELETE FROM incompletes WHERE id = :id

-- name: incomplete_page
SELECT
    id, seq, scenario_id, execution_id, node_id, status, claimed_by, created_at, due_at,
    attempts, allowed, error_type, cause, message, hint
FROM incompletes
WHERE {conditions}
ORDER BY created_at, seq
LIMIT :limit

-- name: incomplete_count
SELECT COUNT(*) AS count FROM incompletes WHERE {conditions}

-- name: incomplete_claims
SELECT status, claimed_by FROM incompletes WHERE {conditions}

-- name: incomplete_causes
SELECT cause AS id, COUNT(*) AS count FROM incompletes WHERE {conditions} GROUP BY cause

-- name: incomplete_newest
SELECT MAX(created_at) AS newest FROM incompletes WHERE {conditions}

-- name: causes
SELECT * FROM causes WHERE {conditions} ORDER BY unresolved + pending DESC, id

-- name: if_all
TRUE

-- name: if_open
status <> 'resolved'

-- name: if_status
(status IN (:unresolved, :pending, :resolved) OR claimed_by IS NOT NULL)

-- name: if_stored
status IN (:unresolved, :pending, :resolved)

-- name: if_claimed
claimed_by IS NOT NULL

-- name: if_scenario_id
scenario_id = :scenario_id

-- name: if_node_id
node_id = :node_id

-- name: if_error_type
error_type = :error_type

-- name: if_cause
cause = :cause

-- name: if_cause_id
id = :cause

-- name: if_before
created_at < :before

-- name: if_since
created_at >= :since

-- name: if_text
words LIKE :words ESCAPE '\'

-- name: if_after
(created_at, seq) > (:after_at, :after_seq)

-- name: see_resolved
UPDATE incompletes SET resolved_at = :now WHERE status = 'resolved' AND resolved_at IS NULL

-- name: see_unresolved
UPDATE incompletes SET resolved_at = NULL WHERE status <> 'resolved' AND resolved_at IS NOT NULL

-- name: old_resolved
SELECT id FROM incompletes
WHERE status = 'resolved' AND resolved_at < :before ORDER BY resolved_at LIMIT :limit
