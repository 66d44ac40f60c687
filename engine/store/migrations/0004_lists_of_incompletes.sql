-- Lists of incomplete executions read what stands beside the data, not the data, and counts are
-- kept per cause. Triggers keep the counts, whatever changes a row.

CREATE TABLE causes (
    id TEXT PRIMARY KEY,
    scenario_id TEXT NOT NULL,
    node_id TEXT NOT NULL,
    error_type TEXT NOT NULL,
    message TEXT NOT NULL,      -- without what varies
    unresolved BIGINT NOT NULL DEFAULT 0,
    pending BIGINT NOT NULL DEFAULT 0,
    resolved BIGINT NOT NULL DEFAULT 0
);

CREATE TABLE incomplete_payloads (
    incomplete_id TEXT PRIMARY KEY REFERENCES incompletes (id) ON DELETE CASCADE,
    payload BLOB NOT NULL
);

INSERT INTO incomplete_payloads (incomplete_id, payload) SELECT id, payload FROM incompletes;
ALTER TABLE incompletes DROP COLUMN payload;

ALTER TABLE incompletes ADD COLUMN confidential INTEGER NOT NULL DEFAULT 0;
ALTER TABLE incompletes ADD COLUMN attempts INTEGER NOT NULL DEFAULT 0;
ALTER TABLE incompletes ADD COLUMN allowed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE incompletes ADD COLUMN error_type TEXT NOT NULL DEFAULT '';
ALTER TABLE incompletes ADD COLUMN cause TEXT NOT NULL DEFAULT '';
ALTER TABLE incompletes ADD COLUMN message TEXT NOT NULL DEFAULT '';
ALTER TABLE incompletes ADD COLUMN hint TEXT NOT NULL DEFAULT '';
ALTER TABLE incompletes ADD COLUMN words TEXT NOT NULL DEFAULT '';

-- Of what is encrypted nothing can be told here.
UPDATE incompletes SET confidential = 1
WHERE id IN (SELECT incomplete_id FROM incomplete_payloads WHERE substr(payload, 1, 1) <> X'7B');

UPDATE incompletes SET
    attempts = json_extract(CAST(payload AS TEXT), '$.attempts'),
    allowed = json_extract(CAST(payload AS TEXT), '$.allowed'),
    error_type = json_extract(CAST(payload AS TEXT), '$.failure.type'),
    message = CAST(json_extract(CAST(payload AS TEXT), '$.failure.message') AS TEXT),
    words = COALESCE((
        SELECT lower(group_concat(atom, char(10)))
        FROM json_tree(CAST(payload AS TEXT), '$.bundles') WHERE atom IS NOT NULL
    ), '')
FROM incomplete_payloads
WHERE incomplete_id = incompletes.id AND confidential = 0;

INSERT INTO causes (id, scenario_id, node_id, error_type, message, unresolved, pending, resolved)
SELECT
    lower(hex(randomblob(6))), scenario_id, node_id, error_type, message,
    SUM(status = 'unresolved'), SUM(status = 'pending'), SUM(status = 'resolved')
FROM incompletes
GROUP BY scenario_id, node_id, error_type, message;

UPDATE incompletes SET cause = (
    SELECT causes.id FROM causes
    WHERE causes.scenario_id = incompletes.scenario_id AND causes.node_id = incompletes.node_id
        AND causes.error_type = incompletes.error_type AND causes.message = incompletes.message
);

CREATE TRIGGER incompletes_come AFTER INSERT ON incompletes BEGIN
    UPDATE causes SET
        unresolved = unresolved + (new.status = 'unresolved'),
        pending = pending + (new.status = 'pending'),
        resolved = resolved + (new.status = 'resolved')
    WHERE id = new.cause;
END;

CREATE TRIGGER incompletes_go AFTER DELETE ON incompletes BEGIN
    UPDATE causes SET
        unresolved = unresolved - (old.status = 'unresolved'),
        pending = pending - (old.status = 'pending'),
        resolved = resolved - (old.status = 'resolved')
    WHERE id = old.cause;
END;

CREATE TRIGGER incompletes_change AFTER UPDATE OF status, cause ON incompletes BEGIN
    UPDATE causes SET
        unresolved = unresolved - (old.status = 'unresolved'),
        pending = pending - (old.status = 'pending'),
        resolved = resolved - (old.status = 'resolved')
    WHERE id = old.cause;
    UPDATE causes SET
        unresolved = unresolved + (new.status = 'unresolved'),
        pending = pending + (new.status = 'pending'),
        resolved = resolved + (new.status = 'resolved')
    WHERE id = new.cause;
END;

CREATE INDEX causes_scenario ON causes (scenario_id);

DROP INDEX incompletes_scenario;
CREATE INDEX incompletes_created ON incompletes (created_at, seq);
CREATE INDEX incompletes_open ON incompletes (created_at, seq) WHERE status <> 'resolved';
CREATE INDEX incompletes_scenario ON incompletes (scenario_id, created_at, seq)
    WHERE status <> 'resolved';
CREATE INDEX incompletes_cause ON incompletes (cause, created_at, seq) WHERE status <> 'resolved';
CREATE INDEX incompletes_due ON incompletes (due_at) WHERE status = 'pending';
CREATE INDEX incompletes_claimed ON incompletes (claimed_by) WHERE claimed_by IS NOT NULL;
