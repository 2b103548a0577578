-- Step 1: the lanes, what they carry, and the facts beside them.
--
-- Every time is milliseconds since the Unix epoch, UTC. The types are chosen so that SQLite and PostgreSQL read the
-- same text: SQLite gives BYTEA no meaning of its own and keeps bytes as bytes. /*clustered*/ is filled in by
-- storage/lanes.py where the engine can store a table in the order of its primary key.

CREATE TABLE schema_version (
  version INTEGER NOT NULL PRIMARY KEY,
  at      BIGINT  NOT NULL
);

CREATE TABLE lane (
  kind     SMALLINT NOT NULL,              -- 0 in (turns), 1 out (deliveries)
  key      TEXT     NOT NULL,              -- the conversation
  tail     BIGINT   NOT NULL DEFAULT 0,    -- the last entry appended   } (head, tail] is pending
  head     BIGINT   NOT NULL DEFAULT 0,    -- the last entry consumed   }
  last_at  BIGINT   NOT NULL DEFAULT 0,    -- when the last entry was accepted: entry.at never falls in a lane
  wake_at  BIGINT,                         -- the only scheduling column: window, retry or lease end; NULL = asleep
  due_at   BIGINT,                         -- the window of what nobody has claimed yet
  first_at BIGINT,                         -- the first of those: it bounds the wait
  retry_at BIGINT   NOT NULL DEFAULT 0,    -- the floor a backoff sets under wake_at
  epoch    BIGINT   NOT NULL DEFAULT 0,    -- the fence, with owner
  owner    TEXT,                           -- random per process start
  tries    INTEGER  NOT NULL DEFAULT 0,    -- claims since the last success, crashes included
  folds    INTEGER  NOT NULL DEFAULT 0,    -- drafts thrown away since the last success
  busy     SMALLINT NOT NULL DEFAULT 0,
  hold     TEXT,                           -- why the lane is paused; NULL = it is not
  ripe_at  BIGINT,                         -- when the running claim became due: lateness for free
  PRIMARY KEY (kind, key)
) /*clustered*/;

-- Idle lanes are not in here: a million of them cost a claim nothing.
CREATE INDEX lane_wake ON lane (kind, wake_at) WHERE wake_at IS NOT NULL;

-- Never updated. A conversation's entries lie together, so its last twenty cost the same in a database of any size.
CREATE TABLE entry (
  kind   SMALLINT NOT NULL,
  key    TEXT     NOT NULL,
  seq    BIGINT   NOT NULL,
  dedup  TEXT     NOT NULL,                -- in: the provider's message id; out: <turn>:<part>
  digest TEXT     NOT NULL,
  body   TEXT     NOT NULL,
  at     BIGINT   NOT NULL,
  PRIMARY KEY (kind, key, seq),
  UNIQUE (kind, key, dedup)
) /*clustered*/;

CREATE TABLE conversation (
  id          TEXT   NOT NULL PRIMARY KEY,
  channel     TEXT   NOT NULL,
  contact     TEXT   NOT NULL,
  name        TEXT   NOT NULL,
  queue       TEXT   NOT NULL,
  hold_queue  TEXT,
  hold_reason TEXT,
  hold_at     BIGINT,                      -- NULL = no person has it
  created_at  BIGINT NOT NULL
) /*clustered*/;

CREATE INDEX conversation_held ON conversation (hold_at) WHERE hold_at IS NOT NULL;

-- The primary key is the law "at most one settle per claim".
CREATE TABLE turn (
  conversation TEXT   NOT NULL,
  epoch        BIGINT NOT NULL,
  id           TEXT   NOT NULL,
  head         BIGINT NOT NULL,
  tail         BIGINT NOT NULL,
  started_at   BIGINT NOT NULL,
  ended_at     BIGINT NOT NULL,
  outcome      TEXT   NOT NULL,
  reason       TEXT   NOT NULL,
  timeline     TEXT   NOT NULL,            -- JSON
  reply        TEXT,                       -- JSON
  PRIMARY KEY (conversation, epoch)
) /*clustered*/;

CREATE INDEX turn_tail ON turn (conversation, tail);

CREATE TABLE receipt (
  conversation TEXT   NOT NULL,
  n            BIGINT NOT NULL,            -- the order in which facts became known
  delivery     TEXT   NOT NULL,
  status       TEXT   NOT NULL,
  at           BIGINT NOT NULL,
  provider_id  TEXT   NOT NULL,
  detail       TEXT   NOT NULL,
  PRIMARY KEY (conversation, n)
) /*clustered*/;

CREATE TABLE dead (
  conversation TEXT     NOT NULL,
  kind         SMALLINT NOT NULL,
  seq          BIGINT   NOT NULL,
  reason       TEXT     NOT NULL,
  at           BIGINT   NOT NULL,
  PRIMARY KEY (conversation, kind, seq)
) /*clustered*/;

CREATE TABLE media (
  id       TEXT             NOT NULL PRIMARY KEY,
  mime     TEXT             NOT NULL,
  bytes    BIGINT           NOT NULL,
  seconds  DOUBLE PRECISION,
  waveform BYTEA            NOT NULL       -- one byte a sample, 0 to 100
) /*clustered*/;

CREATE TABLE media_open (
  media        TEXT NOT NULL,
  conversation TEXT NOT NULL,
  PRIMARY KEY (media, conversation)
) /*clustered*/;

CREATE TABLE heard (
  media    TEXT NOT NULL PRIMARY KEY,
  text     TEXT NOT NULL,
  language TEXT NOT NULL
) /*clustered*/;

CREATE TABLE sealed (
  name TEXT  NOT NULL PRIMARY KEY,
  blob BYTEA NOT NULL
) /*clustered*/;
