// Package sqlite is the embedded driver of core/journal: one SQLite file in WAL mode with
// synchronous=FULL, owned by one process.
//
// # What is stored
//
// One row a unit, under its first position, with a link for each event (its version and how
// far back the previous event of its stream stands). One row for every 512 positions of a
// topic and batch, so that a page of a topic costs what it returns. Streams have integer ids;
// every 64th version of a stream has a row that says where it stands, so that reading forward
// from the middle of a long stream walks back over at most 63 events more than it returns.
// Heads, balances, keyed rows and checkpoints are written once a batch, last value wins.
//
// # One sync a batch
//
// A batch is one transaction and so one sync of the WAL. At 16 MB of WAL a second connection
// copies it back into the database while the writer goes on, and the writer copies the
// little that came since, between two batches, and begins the WAL anew. Its file keeps its
// size: a sync that writes over old frames need not also write where new blocks are.
//
// # Failure
//
// A full disk refuses the batch with [journal.ErrFull] and the store stays usable. Any other
// failure of a write or a sync means that nobody knows what is on the disk: every later
// Write returns [journal.ErrBroken], and the process is to end and to open the folder again.
package sqlite
