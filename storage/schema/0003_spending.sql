-- Step 3: what speaking cost, and what it would have cost, for each queue and day: budgets must outlive the process.

CREATE TABLE spending (
  queue      TEXT             NOT NULL,
  day        TEXT             NOT NULL,              -- YYYY-MM-DD, UTC; compared as text
  characters BIGINT           NOT NULL DEFAULT 0,    -- charged by the provider
  seconds    DOUBLE PRECISION NOT NULL DEFAULT 0,    -- of speech
  saved      BIGINT           NOT NULL DEFAULT 0,    -- characters that were there already and cost nothing
  PRIMARY KEY (queue, day)
) /*clustered*/;
