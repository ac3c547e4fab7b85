-- Where the journal was before it came here, if it was moved at all: at most one row. State is
-- 'copying', 'here', 'leaving', 'left' or 'settled'; position is where the log ended when it came.
CREATE TABLE origin (
	one bool PRIMARY KEY DEFAULT true CHECK (one),
	move text NOT NULL, state text NOT NULL, place text NOT NULL, position bigint NOT NULL, changed timestamptz NOT NULL
);
