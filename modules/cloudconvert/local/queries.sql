-- Every statement of the server's own store. Moments are milliseconds since 1970, UTC.

-- name: schema
CREATE TABLE IF NOT EXISTS jobs (
    id TEXT PRIMARY KEY,
    tag TEXT,
    status TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    started_at INTEGER,
    ended_at INTEGER,
    webhook_url TEXT,
    cache_key TEXT
);
CREATE INDEX IF NOT EXISTS jobs_by_tag ON jobs (tag);
CREATE INDEX IF NOT EXISTS jobs_by_age ON jobs (created_at);
CREATE INDEX IF NOT EXISTS open_jobs ON jobs (id) WHERE ended_at IS NULL;
CREATE TABLE IF NOT EXISTS tasks (
    id TEXT PRIMARY KEY,
    job_id TEXT REFERENCES jobs (id) ON DELETE CASCADE,
    name TEXT,
    position INTEGER NOT NULL,
    operation TEXT NOT NULL,
    status TEXT NOT NULL,
    message TEXT,
    code TEXT,
    credits INTEGER,
    created_at INTEGER NOT NULL,
    started_at INTEGER,
    ended_at INTEGER,
    retry_of TEXT,
    engine TEXT,
    engine_version TEXT,
    ignore_error INTEGER NOT NULL,
    excused INTEGER NOT NULL,
    inputs TEXT NOT NULL,
    payload TEXT NOT NULL,
    files TEXT NOT NULL,
    facts TEXT NOT NULL DEFAULT '{}'
);
CREATE INDEX IF NOT EXISTS tasks_by_job ON tasks (job_id, position);
CREATE INDEX IF NOT EXISTS tasks_by_status ON tasks (status);
CREATE INDEX IF NOT EXISTS tasks_by_standing ON tasks (job_id, status);
CREATE INDEX IF NOT EXISTS open_lone_tasks ON tasks (id) WHERE job_id IS NULL AND ended_at IS NULL;
CREATE TABLE IF NOT EXISTS edges (
    input_id TEXT NOT NULL,
    task_id TEXT NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
    PRIMARY KEY (input_id, task_id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS edges_by_task ON edges (task_id);
CREATE INDEX IF NOT EXISTS tasks_by_origin ON tasks (retry_of) WHERE retry_of IS NOT NULL;

CREATE TABLE IF NOT EXISTS webhooks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    url TEXT NOT NULL,
    events TEXT NOT NULL,
    signing_secret TEXT NOT NULL UNIQUE,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    disabled INTEGER NOT NULL DEFAULT 0,
    failing INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS deliveries (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    webhook_id INTEGER REFERENCES webhooks (id) ON DELETE CASCADE,
    url TEXT NOT NULL,
    event TEXT NOT NULL,
    job_id TEXT REFERENCES jobs (id) ON DELETE CASCADE,
    task_id TEXT REFERENCES tasks (id) ON DELETE CASCADE,
    attempts INTEGER NOT NULL DEFAULT 0,
    due_at INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS deliveries_by_time ON deliveries (due_at);
CREATE INDEX IF NOT EXISTS deliveries_by_job ON deliveries (job_id);
CREATE INDEX IF NOT EXISTS deliveries_by_task ON deliveries (task_id);

-- name: columns
SELECT name FROM pragma_table_info(:of);

-- name: add_facts
ALTER TABLE tasks ADD COLUMN facts TEXT NOT NULL DEFAULT '{}';

-- name: add_cache_key
ALTER TABLE jobs ADD COLUMN cache_key TEXT;

-- name: late_indexes
CREATE INDEX IF NOT EXISTS jobs_by_cache_key ON jobs (cache_key) WHERE cache_key IS NOT NULL;

-- name: insert_job
INSERT INTO jobs (id, tag, status, created_at, started_at, ended_at, webhook_url, cache_key)
VALUES (:id, :tag, :status, :created_at, :started_at, :ended_at, :webhook_url, :cache_key);

-- name: insert_task
INSERT INTO tasks (
    id, job_id, name, position, operation, status, message, code, credits, created_at, started_at,
    ended_at, retry_of, engine, engine_version, ignore_error, excused, inputs, payload, files,
    facts
) VALUES (
    :id, :job_id, :name, :position, :operation, :status, :message, :code, :credits, :created_at,
    :started_at, :ended_at, :retry_of, :engine, :engine_version, :ignore_error, :excused, :inputs,
    :payload, :files, :facts
);

-- name: insert_edges
INSERT OR IGNORE INTO edges (input_id, task_id)
SELECT value, :id FROM json_each(:inputs);

-- name: fill_edges
INSERT OR IGNORE INTO edges (input_id, task_id)
SELECT value, tasks.id FROM tasks, json_each(inputs) WHERE status = 'waiting';

-- name: job
SELECT * FROM jobs WHERE id = :id;

-- name: cached_job
SELECT * FROM jobs WHERE cache_key = :cache_key AND status <> 'error'
ORDER BY created_at DESC, rowid DESC
LIMIT 1;

-- name: task
SELECT * FROM tasks WHERE id = :id;

-- name: tasks_of_jobs
SELECT * FROM tasks WHERE job_id IN (SELECT value FROM json_each(:ids)) ORDER BY position;

-- name: tasks_by_id
SELECT * FROM tasks WHERE id IN (SELECT value FROM json_each(:ids));

-- name: standings
SELECT id, status, excused FROM tasks WHERE id IN (SELECT value FROM json_each(:ids));

-- name: open_task
SELECT 1 FROM tasks WHERE job_id = :job_id AND status IN ('waiting', 'processing') LIMIT 1;

-- name: standings_in_job
SELECT id, status, excused FROM tasks WHERE job_id = :job_id;

-- name: list_jobs
SELECT * FROM jobs
WHERE (:status IS NULL OR status = :status) AND (:tag IS NULL OR tag = :tag)
ORDER BY created_at DESC, rowid DESC
LIMIT :limit OFFSET :offset;

-- name: list_tasks
SELECT * FROM tasks
WHERE (:status IS NULL OR status = :status)
    AND (:job_id IS NULL OR job_id = :job_id)
    AND (:operation IS NULL OR operation = :operation)
ORDER BY created_at DESC, rowid DESC
LIMIT :limit OFFSET :offset;

-- name: waiting_on
SELECT tasks.* FROM edges CROSS JOIN tasks ON tasks.id = task_id
WHERE input_id = :id AND status = 'waiting'
ORDER BY created_at, position;

-- name: waiting
SELECT * FROM tasks WHERE status = 'waiting' ORDER BY created_at, position;

-- name: retries_of
SELECT * FROM tasks WHERE retry_of = :id ORDER BY created_at, rowid;

-- name: begin_task
UPDATE tasks SET status = 'processing', message = NULL, started_at = :at WHERE id = :id;

-- name: end_task
UPDATE tasks
SET status = :status, message = :message, code = :code, credits = :credits,
    started_at = COALESCE(started_at, :at), ended_at = :at, excused = :excused, engine = :engine,
    engine_version = :engine_version, files = :files, facts = :facts
WHERE id = :id;

-- name: end_job
UPDATE jobs SET status = :status, ended_at = :at WHERE id = :id;

-- name: requeue
UPDATE tasks SET status = 'waiting', started_at = NULL WHERE status = 'processing';

-- name: open_jobs
SELECT * FROM jobs WHERE ended_at IS NULL;

-- name: count_open
SELECT (SELECT COUNT(*) FROM jobs WHERE ended_at IS NULL)
    + (SELECT COUNT(*) FROM tasks WHERE job_id IS NULL AND ended_at IS NULL) AS count;

-- name: expired_jobs
SELECT * FROM jobs WHERE ended_at IS NOT NULL AND ended_at < :before;

-- name: expired_tasks
SELECT * FROM tasks WHERE job_id IS NULL AND ended_at IS NOT NULL AND ended_at < :before;

-- name: forgotten_uploads
SELECT * FROM tasks
WHERE status = 'waiting' AND operation = 'import/upload' AND created_at < :before;

-- name: task_ids
SELECT id FROM tasks;

-- name: delete_job
DELETE FROM jobs WHERE id = :id;

-- name: delete_task
DELETE FROM tasks WHERE id = :id;

-- name: adopt_jobs
INSERT OR IGNORE INTO main.jobs SELECT * FROM other.jobs ORDER BY rowid;

-- name: adopt_tasks
INSERT OR IGNORE INTO main.tasks SELECT * FROM other.tasks ORDER BY rowid;

-- name: adopt_webhooks
INSERT OR IGNORE INTO main.webhooks (
    url, events, signing_secret, created_at, updated_at, disabled, failing
)
SELECT url, events, signing_secret, created_at, updated_at, disabled, failing
FROM other.webhooks ORDER BY id;

-- name: adopt_deliveries
INSERT INTO main.deliveries (webhook_id, url, event, job_id, task_id, attempts, due_at)
SELECT ours.id, theirs.url, event, job_id, task_id, attempts, due_at
FROM other.deliveries AS theirs
LEFT JOIN other.webhooks AS hook ON hook.id = theirs.webhook_id
LEFT JOIN main.webhooks AS ours ON ours.signing_secret = hook.signing_secret
ORDER BY theirs.id;

-- name: forget_adopted_deliveries
DELETE FROM other.deliveries;

-- name: insert_webhook
INSERT INTO webhooks (url, events, signing_secret, created_at, updated_at)
VALUES (:url, :events, :signing_secret, :at, :at)
RETURNING *;

-- name: webhook
SELECT * FROM webhooks WHERE id = :id;

-- name: list_webhooks
SELECT * FROM webhooks WHERE :url IS NULL OR url = :url
ORDER BY id DESC
LIMIT :limit OFFSET :offset;

-- name: delete_webhook
DELETE FROM webhooks WHERE id = :id;

-- name: mark_webhook
UPDATE webhooks
SET failing = :failing, disabled = :disabled, updated_at = :at
WHERE id = :id AND (failing <> :failing OR disabled <> :disabled);

-- name: wanted_events
SELECT DISTINCT value AS event FROM webhooks, json_each(events) WHERE NOT disabled;

-- name: tell
INSERT INTO deliveries (webhook_id, url, event, job_id, task_id, due_at)
SELECT id, url, :event, :job_id, :task_id, :at
FROM webhooks
WHERE NOT disabled AND EXISTS (SELECT 1 FROM json_each(events) WHERE value = :event)
ORDER BY id;

-- name: tell_the_jobs_own
INSERT INTO deliveries (url, event, job_id, due_at)
SELECT webhook_url, :event, id, :at FROM jobs WHERE id = :job_id AND webhook_url IS NOT NULL;

-- name: due_deliveries
SELECT *, MIN(id) AS first FROM deliveries
WHERE due_at <= :now OR due_at > :latest
GROUP BY webhook_id, url
ORDER BY first;

-- name: next_delivery
SELECT MIN(due_at) AS at FROM deliveries WHERE due_at > :now;

-- name: postpone_delivery
UPDATE deliveries SET attempts = attempts + 1, due_at = :due_at WHERE id = :id;

-- name: delete_delivery
DELETE FROM deliveries WHERE id = :id;

-- name: delete_deliveries_of
DELETE FROM deliveries WHERE webhook_id = :id;
