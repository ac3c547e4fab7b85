// Package journal is the port of the one durable log that the hub stands on: event
// store, outbox, inbox and embedded bus in one. It holds no storage: a driver does
// (SQLite in adapters/sqlite, memory in journalmem), and [Judge] is the one place
// that says which unit may be written.
//
// # The contract of a driver
//
// A driver keeps two things: the log, and tables that fold from it.
//
// The log is a row per [Unit]. Positions number records, from 1, in commit order and
// without gaps. A unit takes a contiguous run of max(1, len(Records)) positions and is
// stored under its first, encoded by [AppendUnit]. What a driver adds to a stored unit is
// only what is not known before the commit: positions, versions of records and each
// event's link to the previous position of its stream.
//
// The tables are heads of streams, balances of accounts, checkpoints of subscriptions and
// the keyed rows of [Table]. Each is a pure fold over the log by [Judge]; nothing may stand
// in a table that the log does not say, so that an auditor can fold the log again and
// compare byte by byte. Checkpoints alone also depend on what was delivered; their rule
// is in [Checkpoint].
//
// Write commits a [Batch] in one transaction: first Delivered is folded into the
// checkpoints, then every unit in order is judged against the state its predecessors in
// the batch left, and either all of it is written or none. A refused unit leaves no trace
// and does not stop the units behind it, except those of its own lane ([Unit.Lane]): they were
// decided after it and are refused with [RefusedLane]. When Write returns without an
// error, the batch survives a power cut. When it returns an error, nothing of the batch
// may ever become visible; a driver that cannot tell (an fsync that failed) must return
// [ErrBroken] from then on, and the process ends.
//
// Readers see whole batches only, in order and without gaps, and may read while a write
// is under way. Every read method is safe for concurrent use. Write is called from one
// goroutine at a time.
//
// A driver opened on a store that another process owns returns [ErrLocked], one written by
// a newer format [ErrFormat]; neither changes the store.
package journal
