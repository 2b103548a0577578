-- Step 5: what answering cost too, beside what speaking did.

ALTER TABLE spending ADD COLUMN tokens BIGINT NOT NULL DEFAULT 0;  -- read and written, as the assistant's provider counts
