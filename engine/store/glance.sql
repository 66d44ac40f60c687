-- Queries of `glance.py`: ids for somebody who types, the latest first.

-- name: glance_runs
SELECT id, scenario_id AS about FROM executions ORDER BY seq DESC LIMIT 200

-- name: glance_incompletes
SELECT id, scenario_id || ' ' || node_id AS about FROM incompletes
WHERE status <> 'resolved' ORDER BY seq DESC LIMIT 200

-- name: glance_unfinished
SELECT id, scenario_id AS about FROM executions WHERE ended_at IS NULL ORDER BY seq DESC LIMIT 200

-- name: glance_failed_nodes
SELECT DISTINCT node_id AS id, scenario_id AS about FROM incompletes
WHERE status <> 'resolved' ORDER BY node_id LIMIT 200

-- name: glance_failed_types
SELECT DISTINCT error_type AS id, '' AS about FROM incompletes
WHERE status <> 'resolved' ORDER BY error_type LIMIT 200

-- name: glance_causes
SELECT id, node_id || ' ' || error_type AS about FROM causes
WHERE unresolved + pending > 0 ORDER BY unresolved + pending DESC LIMIT 200

-- name: glance_scenarios
SELECT id, '' AS about FROM scenarios ORDER BY id LIMIT 1000

-- name: glance_nodes
SELECT nodes.key AS id, '' AS about
FROM executions, json_each(CAST(executions.payload AS TEXT), '$.nodes') AS nodes
WHERE executions.seq = (
    SELECT MAX(seq) FROM executions WHERE substr(id, 1, length(:run)) = :run
)
