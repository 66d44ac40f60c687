-- Every statement of the server's own store. Moments are milliseconds since 1970, UTC.

-- name: schema
CREATE TABLE IF NOT EXISTS jobs (
    id TEXT PRIMARY KEY,
    tag TEXT,
    status TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    started_at INTEGER,
    ended_at INTEGER,
    webhook_url TEXT
);
CREATE INDEX IF NOT EXISTS jobs_by_tag ON jobs (tag);
CREATE INDEX IF NOT EXISTS jobs_by_age ON jobs (created_at);
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
CREATE INDEX IF NOT EXISTS tasks_by_origin ON tasks (retry_of) WHERE retry_of IS NOT NULL;

-- name: columns
SELECT name FROM pragma_table_info('tasks');

-- name: add_facts
ALTER TABLE tasks ADD COLUMN facts TEXT NOT NULL DEFAULT '{}';

-- name: insert_job
INSERT INTO jobs (id, tag, status, created_at, started_at, ended_at, webhook_url)
VALUES (:id, :tag, :status, :created_at, :started_at, :ended_at, :webhook_url);

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

-- name: job
SELECT * FROM jobs WHERE id = :id;

-- name: task
SELECT * FROM tasks WHERE id = :id;

-- name: tasks_of_jobs
SELECT * FROM tasks WHERE job_id IN (SELECT value FROM json_each(:ids)) ORDER BY position;

-- name: tasks_by_id
SELECT * FROM tasks WHERE id IN (SELECT value FROM json_each(:ids));

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
SELECT * FROM tasks
WHERE status = 'waiting' AND EXISTS (SELECT 1 FROM json_each(inputs) WHERE value = :id)
ORDER BY position;

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
