-- Step 6: what the processes of a fleet agree on: who does what only one may do, and how fast all of them may go.

CREATE TABLE lease (
  name    TEXT   NOT NULL PRIMARY KEY,
  owner   TEXT   NOT NULL,
  ends_at BIGINT NOT NULL
) /*clustered*/;

CREATE TABLE pace (
  name    TEXT   NOT NULL PRIMARY KEY,
  full_at BIGINT NOT NULL                  -- microseconds: when all the room that was taken is there again
) /*clustered*/;
