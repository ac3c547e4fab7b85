-- Processes that share the journal, each with what it can run. Its beat moves while it breathes.
CREATE TABLE member (
	id bigint PRIMARY KEY, beat bigint NOT NULL, fenced bool NOT NULL DEFAULT false,
	session text NOT NULL, who text NOT NULL, knows int NOT NULL, offers text[] NOT NULL
) WITH (fillfactor = 50);

-- Who runs what, 0 for nobody; epoch moves whenever it changes hands.
CREATE TABLE lease (name text PRIMARY KEY, holder bigint NOT NULL, epoch bigint NOT NULL) WITH (fillfactor = 50);

-- Moves under the head row's lock with any lease and any member that is shut out, so that each
-- batch sees whether it has to look.
ALTER TABLE head ADD leases bigint NOT NULL DEFAULT 0;

-- A release that does not know a migration goes on working unless it is marked.
ALTER TABLE migration ADD breaking bool NOT NULL DEFAULT false;
