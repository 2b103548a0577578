-- Step 4: who has a conversation and where it stands in a flow, what a desk calls it, and two more kinds of lanes:
-- 2 desk (what people are told), 3 later (wake-ups, without entries).

ALTER TABLE conversation ADD COLUMN custody TEXT NOT NULL DEFAULT '';      -- JSON; '' = the assistant ever since
ALTER TABLE conversation ADD COLUMN flow    TEXT NOT NULL DEFAULT '';      -- JSON; '' = in none
ALTER TABLE conversation ADD COLUMN place   TEXT NOT NULL DEFAULT '';      -- JSON with sorted keys: its ids at a desk

-- Few of a provider's ids are a desk's: when two contacts turn out to be one, theirs are found without a walk.
CREATE INDEX provider_id_desk ON provider_id (conversation) WHERE kind = 2;
