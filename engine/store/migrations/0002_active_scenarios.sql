-- Inactive scenarios run only by hand; errors in a row deactivate them.

ALTER TABLE scenarios ADD COLUMN active INTEGER NOT NULL DEFAULT 1;
ALTER TABLE scenarios ADD COLUMN errors_in_row INTEGER NOT NULL DEFAULT 0;
