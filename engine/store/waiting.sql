-- Queries of events, hooks and retries.

-- name: add_event
INSERT INTO events (scenario_id, id, seq, received_at, attempts, due_at, payload)
SELECT :scenario_id, :id, COALESCE(MAX(seq), 0) + 1, :received_at, :attempts, :due_at, :payload
FROM events
WHERE scenario_id = :scenario_id
ON CONFLICT (scenario_id, id) DO NOTHING

-- name: first_event
SELECT * FROM events
WHERE scenario_id = :scenario_id AND payload IS NOT NULL ORDER BY seq LIMIT 1

-- name: waiting_events
SELECT COUNT(*) AS waiting FROM events
WHERE scenario_id = :scenario_id AND payload IS NOT NULL

-- name: payloads_waiting
SELECT scenario_id, id, payload FROM events WHERE payload IS NOT NULL

-- name: postpone_event
UPDATE events SET attempts = :attempts, due_at = :due_at
WHERE scenario_id = :scenario_id AND id = :id AND payload IS NOT NULL

-- name: acknowledge_event
UPDATE events SET payload = NULL, due_at = NULL WHERE scenario_id = :scenario_id AND id = :id

-- name: old_events
SELECT scenario_id, id FROM events
WHERE payload IS NULL AND received_at < :before ORDER BY received_at LIMIT :limit

-- name: forget_event
DELETE FROM events WHERE scenario_id = :scenario_id AND id = :id

-- name: set_hook
INSERT INTO hooks (scenario_id, node_id, url, data) VALUES (:scenario_id, :node_id, :url, :data)
ON CONFLICT (scenario_id) DO UPDATE SET
    node_id = excluded.node_id, url = excluded.url, data = excluded.data

-- name: remove_hook
DELETE FROM hooks WHERE scenario_id = :scenario_id

-- name: hooks
SELECT * FROM hooks ORDER BY scenario_id

-- name: due
SELECT id, scenario_id, claimed_by FROM incompletes
WHERE status = 'pending' AND due_at <= :now
    AND (CAST(:scenario_id AS TEXT) IS NULL OR scenario_id = :scenario_id)
ORDER BY created_at, seq

-- name: next_due
SELECT MIN(due_at) AS due_at FROM incompletes
WHERE status = 'pending' AND (CAST(:scenario_id AS TEXT) IS NULL OR scenario_id = :scenario_id)

-- name: postpone
UPDATE incompletes SET due_at = :due_at WHERE id = :id AND status = 'pending'

-- name: latest_moment
SELECT latest FROM moments

-- name: set_latest_moment
INSERT INTO moments (name, latest) VALUES ('retries', :now)
ON CONFLICT (name) DO UPDATE SET latest = excluded.latest

-- name: bring_retries_back
UPDATE incompletes SET due_at = due_at - :back WHERE status = 'pending' AND due_at IS NOT NULL

-- name: bring_events_back
UPDATE events SET due_at = due_at - :back WHERE due_at IS NOT NULL
