// Package postgres is the driver of core/journal on PostgreSQL 15 or newer, by pgx.
//
// # What is stored
//
// The journal is a schema of its own in any database. Units are stored as in the embedded store: one
// row for as many units of a batch as stand on a page, one for every 512 positions of a topic and
// batch, heads, balances, keyed rows and checkpoints once a batch. A stream's row lists where its
// latest events stand, and every 64 versions that list moves into a row of its own: a page of
// a stream costs three queries, wherever it stands. Names and keys are bytea, which compares byte
// by byte as Go's strings do.
//
// # One transaction a batch, two round trips
//
// The first takes the lock on the head row, which says where the log ends, and reads what the batch
// is judged by and is not in memory. The second writes and commits. So positions are given out
// under the lock: they have no gaps and stand in commit order, however many processes write.
//
// One process owns the journal: it holds an advisory lock, and the head row names it. Where
// [Options.Shared] is set several write, and what a process remembers of what others may change is
// forgotten when the head row shows that another one wrote.
//
// # Several processes
//
// Each subscription is run by the process that holds its lease. A process shows by a counter
// that it breathes; who watches counts, by a clock of his own, how long it has not moved, and no clock is
// compared with another. One that is taken for dead is shut out: its sessions are ended, and under the
// lock of the head row its leases are freed and it is marked. Each batch looks at its
// leases and at that mark under the same lock whenever a counter beside the lock has turned, so nothing
// of a process is written once it was shut out, however late it wakes up.
//
// # Failure
//
// A server that restarts or fails over is waited for, by reads and by writes, as long as
// [Options.Patience]. A connection that is lost before the commit was sent lost nothing: the batch is
// written anew. One that is lost in the commit leaves it open whether it happened, and the
// driver asks: each process notes its batches in a row of its own, and that row is read under the
// lock of the head row, which the lost session has only given back when it has ended. What cannot be
// asked within the patience is [journal.ErrBroken], and so is a journal that another process took.
package postgres
