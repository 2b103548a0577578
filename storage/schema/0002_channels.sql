-- Step 2: what channels of providers need to be remembered: how to find a contact, by which names it goes, what a
-- provider's id stands for, and what could not be read or fetched.

ALTER TABLE conversation ADD COLUMN address TEXT NOT NULL DEFAULT '';      -- JSON with sorted keys; '' = none
ALTER TABLE conversation ADD COLUMN grouped SMALLINT NOT NULL DEFAULT 0;

-- Without it a fact that came twice would be looked for among all facts of a long conversation.
CREATE INDEX receipt_delivery ON receipt (conversation, delivery, status);

-- The first word on an id stays.
CREATE TABLE provider_id (
  channel      TEXT     NOT NULL,
  id           TEXT     NOT NULL,
  conversation TEXT     NOT NULL,
  kind         SMALLINT NOT NULL,
  seq          BIGINT   NOT NULL,          -- 0 = only the delivery is known
  dedup        TEXT     NOT NULL,
  PRIMARY KEY (channel, id)
) /*clustered*/;

-- A contact with aliases is its own alias too, so that one look tells whether there is something to learn.
-- Never a chain: `contact` is a name in use.
CREATE TABLE alias (
  channel TEXT NOT NULL,
  alias   TEXT NOT NULL,
  contact TEXT NOT NULL,
  lasting SMALLINT NOT NULL DEFAULT 0,     -- 1 = never given to anybody else, as a phone number is
  PRIMARY KEY (channel, alias)
) /*clustered*/;

CREATE INDEX alias_contact ON alias (channel, contact);

CREATE TABLE fact (
  conversation TEXT   NOT NULL,
  name         TEXT   NOT NULL,
  at           BIGINT NOT NULL,            -- since when
  PRIMARY KEY (conversation, name)
) /*clustered*/;

CREATE TABLE fetched (
  conversation TEXT    NOT NULL,
  seq          BIGINT  NOT NULL,           -- of the inbound entry
  n            INTEGER NOT NULL,           -- the place among its attachments, from 0
  media        TEXT,                       -- NULL = it cannot be had
  problem      TEXT    NOT NULL,
  PRIMARY KEY (conversation, seq, n)
) /*clustered*/;

CREATE TABLE unread (
  channel TEXT   NOT NULL,
  n       BIGINT NOT NULL,                 -- the order in which they came
  at      BIGINT NOT NULL,
  why     TEXT   NOT NULL,
  body    BYTEA  NOT NULL,
  PRIMARY KEY (channel, n)
) /*clustered*/;
