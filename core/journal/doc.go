// Package journal is the port of the one durable log that the hub stands on: event
// store, outbox, inbox and embedded bus in one. It holds no storage: a driver does
// (SQLite in adapters/sqlite, memory in journalmem), and [Judge] is the one place
// that says which unit may be written.
//
// A driver is written from this page and the comments of [Driver]'s parts, and is one when it
// passes journaltest. How it indexes and caches is its own.
//
// # What is kept
//
// A driver keeps two things: the log, and tables that fold from it.
//
// The log is a row per [Unit]. Positions number records, from 1, in commit order and
// without gaps; they and versions stay below 2^63. A unit takes a contiguous run of
// max(1, len(Records)) positions and is stored under its first, as the bytes of [AppendUnit], at
// most [MaxUnit] of them. They hold everything but what is not known before the commit: the
// versions of events, which a driver keeps beside them and gives back with every record that
// it reads. Whoever reads a unit decodes it by [DecodeUnit], so that bytes that changed on the
// disk are a [*DamageError] and never a record. Nothing removes a unit or changes one.
//
// The tables are heads of streams, balances of accounts, checkpoints of subscriptions and
// the keyed rows of [Table]. Each is a pure fold over the log by [Judge]; nothing may stand
// in a table that the log does not say, so that an auditor can fold the log again and
// compare byte by byte. Heads, balances and checkpoints are never removed; an account that was
// posted to exists at an amount of 0 too. Checkpoints alone also depend on what was delivered;
// their rule is in [Checkpoint], and their row is the bytes of [Checkpoint.Append].
//
// Names and keys are bytes, not text: at most 1,024 of them in a name, never a NUL in a name, but
// perhaps no UTF-8; keys of [Table] hold NULs and are up to 2,100 bytes long. They compare byte by byte,
// as Go's strings do. Amounts and floors use all of an int64. The value of a row is never empty.
//
// # Writing
//
// Write commits a [Batch] in one transaction, all of it or nothing:
//
//  1. Delivered is folded into the checkpoints, in order. What cannot be folded fails the batch.
//  2. Every unit in order is judged against the state that its predecessors in the batch
//     left, Delivered included. A refused unit leaves no trace, takes no position and does not
//     stop the units behind it, except those of its own lane ([Unit.Lane]): they were decided
//     after it and are refused with [RefusedLane]. A lane ends with the batch.
//  3. The units that passed and the last value of each key that they changed are written.
//
// A batch that is a copy of another journal's ([Batch.Copy]) is judged but for what was delivered, and
// written whole or not at all.
//
// [Staged] does 1 and 2, and says what 3 is: Stage is given a [View] of what is committed and
// the last position, fills First, Pos and Version of the caller's units, and lists units with
// their bytes, heads, balances, rows and checkpoints to be written as they are. It is thrown away
// where the transaction fails. A batch that changes nothing needs no transaction. Where several
// processes write, all of this is inside the transaction, under a lock on the last position.
//
// Write is called from one goroutine at a time. A context that ended before fails it with the
// context's error; once it has begun to write it goes on to the end. When it returns:
//
//   - no error: the batch survives a power cut, and every read that begins from then on sees it.
//   - [ErrFull]: nothing of the batch is written or ever visible. The same batch may be written
//     again, and is until there is room.
//   - [ErrBroken]: nobody knows (a sync that failed, a connection that was lost in the commit,
//     ownership that was lost). Every later Write returns it too, and the process ends. A driver
//     that can find out whether the commit happened does so before it answers, and need not break.
//   - any other: nothing of the batch is written or ever visible, and the driver works on. The hub
//     ends all the same: a driver tries again by itself what is worth it.
//
// # Reading
//
// Every read method is safe for concurrent use, while a write is under way too. Each call sees
// the journal as of one moment between batches: whole batches only, in order and without gaps. Two
// calls may be of two moments, and never go back. What they return is the caller's; records that
// were read have no Event. A limit of 0 or less returns nothing, and a page that is shorter than
// its limit was the last one at that moment: paging goes on behind the last key or position
// returned, and costs the same wherever it stands. An error that has a [*DamageError] in its chain
// is not tried again.
//
// # Opening and closing
//
// A store has one [Format] for all that is in it. One of a format that the program does not read
// is [ErrFormat], one that another process owns [ErrLocked]; neither changes the store. An older
// format may be migrated, after a backup. Close comes after the last Write has returned and gives
// the store free; a Write that comes after it fails, and nothing is read any more.
package journal
