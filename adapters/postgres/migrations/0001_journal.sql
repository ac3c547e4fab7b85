-- The journal. Positions are below 2^63; names, keys and values are bytes.

-- Where the log ends, under whose lock batches are written; owner is the writer
-- that has the journal for itself, 0 where several share it.
CREATE TABLE head (
	one bool PRIMARY KEY DEFAULT true CHECK (one),
	last bigint NOT NULL, batch bigint NOT NULL, owner bigint NOT NULL, writers bigint NOT NULL
) WITH (fillfactor = 10);
INSERT INTO head (last, batch, owner, writers) VALUES (0, 0, 0, 0);

-- A row for each process that opened the journal, and the last batch that it wrote.
CREATE TABLE writer (
	id bigint PRIMARY KEY, batch bigint NOT NULL, who text NOT NULL, opened timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 50);

-- Units as they stand behind one another, up to a page of them in a row: kept
-- inline as they are, for they do not compress well and a page is read at once.
CREATE TABLE stretch (pos bigint PRIMARY KEY, data bytea NOT NULL, parts bytea NOT NULL) WITH (toast_tuple_target = 8160);
ALTER TABLE stretch ALTER data SET STORAGE EXTERNAL, ALTER parts SET STORAGE EXTERNAL;

-- Ids are the position of the first record of the topic or stream.
CREATE TABLE topic_name (name bytea PRIMARY KEY, id bigint NOT NULL);
CREATE TABLE topic (id bigint, last bigint, run bytea NOT NULL, PRIMARY KEY (id, last));
CREATE TABLE stream (name bytea PRIMARY KEY, id bigint NOT NULL, version bigint NOT NULL, last bigint NOT NULL, tail bytea NOT NULL) WITH (fillfactor = 70);
CREATE TABLE milestone (id bigint, version bigint, run bytea NOT NULL, PRIMARY KEY (id, version));

CREATE TABLE balance (key bytea PRIMARY KEY, amount bigint NOT NULL, floor bigint NOT NULL) WITH (fillfactor = 70);
CREATE TABLE checkpoint (sub bytea, part smallint, value bytea NOT NULL, PRIMARY KEY (sub, part)) WITH (fillfactor = 50);

CREATE TABLE row_state (key bytea PRIMARY KEY, value bytea NOT NULL) WITH (fillfactor = 70);
CREATE TABLE row_claim (key bytea PRIMARY KEY, value bytea NOT NULL);
CREATE TABLE row_timer (key bytea PRIMARY KEY, value bytea NOT NULL);
CREATE TABLE row_park (key bytea PRIMARY KEY, value bytea NOT NULL);
CREATE TABLE row_letter (key bytea PRIMARY KEY, value bytea NOT NULL);
CREATE TABLE row_effect (key bytea PRIMARY KEY, value bytea NOT NULL);
CREATE TABLE row_snapshot (key bytea PRIMARY KEY, value bytea NOT NULL);
