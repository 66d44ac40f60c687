-- Queries of `glance.py`: ids for somebody who types, the latest first.

-- name: glance_runs
SELECT id, scenario_id AS about FROM executions ORDER BY seq DESC LIMIT 200

-- name: glance_incompletes
SELECT id, scenario_id || ' ' || node_id AS about FROM incompletes
WHERE status <> 'resolved' ORDER BY seq DESC LIMIT 200

-- name: glance_scenarios
SELECT id, '' AS about FROM scenarios ORDER BY id LIMIT 1000

-- name: glance_nodes
SELECT nodes.key AS id, '' AS about
FROM executions, json_each(CAST(executions.payload AS TEXT), '$.nodes') AS nodes
WHERE executions.seq = (
    SELECT MAX(seq) FROM executions WHERE substr(id, 1, length(:run)) = :run
)
