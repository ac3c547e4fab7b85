package journal

import (
	"context"
	"errors"
	"io"
)

// Errors of opening and of a store that can no longer be trusted.
var (
	ErrLocked = errors.New("journal is owned by another process")
	ErrFormat = errors.New("journal is of a format that this program does not read")
	ErrBroken = errors.New("journal is broken: a write to disk failed and nothing can be promised until it is reopened")
	ErrFull   = errors.New("no space left for the journal")
	// ErrMoved is of a store whose journal is in another one by now, or on its way there.
	ErrMoved = errors.New("journal was moved")
	// ErrNoUnit is of [Log.Holding]: the position was never written.
	ErrNoUnit = errors.New("no unit of the journal holds this position")
)

// ErrFenced is [ErrBroken] of a process that shares its journal: it stood still for too long, or was cut
// off, and others run by now what it ran. Nothing it decided since is written.
var ErrFenced error = fenced{}

type fenced struct{}

func (fenced) Error() string {
	return "this process showed no breath for too long and was shut out: others have taken its routes over"
}

func (fenced) Is(target error) bool { return target == ErrBroken }

// Batch is what one transaction writes.
type Batch struct {
	// Delivered are the records handed to subscriptions since the last batch. They are folded
	// before the units are judged, so that a unit may finish what comes in its own batch.
	Delivered []Delivery
	// Units are judged and written in order. Write fills First, and Pos and Version of their
	// records, where it writes them; of a unit that is refused these mean nothing. A driver
	// keeps nothing of a unit after it returned.
	Units []*Unit
	// Copy says that another journal wrote the units, each where its First says, and delivered what they
	// finished. They are judged but for that, and one that is refused or comes to stand elsewhere fails the
	// batch. Nothing is in Delivered. Only with Checkpoints are those of the journal right again.
	Copy bool
	// Checkpoints of a Copy stand as they do in the other journal once its log ends where this one does.
	Checkpoints []CheckpointRow
}

// Delivery says that a subscription's partition saw the record at Pos, or, where
// Skip is set, that every record up to Pos that is not delivered belongs to others. It is
// folded by [Checkpoint.Deliver] and [Checkpoint.Skip].
//
// Pos was committed before the batch. Positions of a partition are delivered in ascending
// order and each once; a Skip that lies behind is none. Anything else, more than [MaxOpen] open records,
// a partition that does not exist or a subscription without a name fails the batch.
type Delivery struct {
	Sub  string
	Part uint8
	Pos  Pos
	Skip bool
}

// Writer makes batches durable. See the package comment for what Write promises.
type Writer interface {
	// Write returns one entry a unit, in their order: nil where it was written. The error is
	// for the whole batch, and comes without entries; the package comment says what it means.
	Write(ctx context.Context, b *Batch) ([]*Refusal, error)
}

// View is the state that a unit is judged against. What was never written is the zero value,
// and no error.
type View interface {
	Head(ctx context.Context, stream string) (Head, error)
	Balance(ctx context.Context, book, account string) (Balance, error)
	// Row is a keyed row's value, nil when absent. The caller does not change it.
	Row(ctx context.Context, t Table, key string) ([]byte, error)
	// Checkpoint of a driver is the caller's own, to be changed, and the zero value for a
	// partition that never moved. nil is for a view that judges no marks (a working set).
	Checkpoint(ctx context.Context, sub string, part uint8) (*Checkpoint, error)
}

// Scanner reads tables in key order, byte by byte. An empty after begins at the beginning.
type Scanner interface {
	// Scan returns up to limit rows of t whose key begins with prefix and sorts after
	// the key after, which need not exist nor begin with prefix.
	Scan(ctx context.Context, t Table, prefix, after string, limit int) ([]Row, error)
	// Balances returns up to limit accounts in (book, account) order after the given
	// one, for the auditor.
	Balances(ctx context.Context, book, account string, limit int) ([]BalanceRow, error)
	// Heads returns up to limit streams in name order after the given one.
	Heads(ctx context.Context, after string, limit int) ([]HeadRow, error)
	// Checkpoints returns the partitions of sub that ever moved, in order; of all
	// subscriptions, by name, for "".
	Checkpoints(ctx context.Context, sub string) ([]CheckpointRow, error)
}

// Log reads records and units. Limits bound how much one call holds in memory. Every record
// carries Pos, and Version where it is an event.
type Log interface {
	// Last is the highest committed position, 0 of an empty log.
	Last(ctx context.Context) (Pos, error)
	// Topics returns up to limit records, in all, of the given topics after a position, in
	// order, each once, and as of one moment: what stands before a record that is returned is
	// returned too. A topic that nothing was written to holds nothing; records without a
	// topic are in none. The cost is that of what is returned, however long the log is and
	// however seldom the topics are in it.
	Topics(ctx context.Context, topics []string, after Pos, limit int) ([]Record, error)
	// Stream returns up to limit events of a stream with versions above after, in order:
	// versions have no gaps. The cost is that of what is returned, wherever in the stream
	// it stands and however far apart its events are.
	Stream(ctx context.Context, stream string, after uint64, limit int) ([]Record, error)
	// Units returns up to limit units whose first position is at or above from: a unit that
	// only reaches to from is not among them. Where a unit cannot be read, those before it are
	// returned beside the error.
	Units(ctx context.Context, from Pos, limit int) ([]Stored, error)
	// Holding returns the unit that holds a position, which may be in the middle of its run;
	// [ErrNoUnit] where none does.
	Holding(ctx context.Context, pos Pos) (Stored, error)
}

// Driver is a journal's storage.
type Driver interface {
	Writer
	View
	Scanner
	Log
	io.Closer
}

// Stored is a unit as the log holds it; its records carry Pos and Version.
type Stored struct {
	First Pos
	Unit  Unit
}

// At is the record at a position of the unit, or false when the unit holds none there.
func (s Stored) At(pos Pos) (Record, bool) {
	if pos < s.First || pos-s.First >= Pos(len(s.Unit.Records)) {
		return Record{}, false
	}
	return s.Unit.Records[pos-s.First], true
}

// Row is one row of a keyed table.
type Row struct {
	Key   string
	Value []byte
}

// BalanceRow is one account with its balance.
type BalanceRow struct {
	Book, Account string
	Balance
}

// HeadRow is one stream with its head.
type HeadRow struct {
	Stream string
	Head
}

// CheckpointRow is one partition's checkpoint.
type CheckpointRow struct {
	Sub  string
	Part uint8
	*Checkpoint
}

// Team are the processes that share a journal. Each call is one transaction, and is safe beside Write. A
// member that was fenced gets [ErrBroken] from each of them and from Write: it has to end.
type Team interface {
	// Me is this process's own id, never given to another.
	Me() int64
	// Beat shows that this process breathes and what it can run, and calls the roll. From the
	// first Beat on, Write refuses with [ErrBroken] a batch that delivers to, or finishes
	// something of, a subscription whose lease this process does not hold.
	Beat(ctx context.Context, offers []string) (Roll, error)
	// Take takes those of names that nobody holds, and returns them.
	Take(ctx context.Context, names []string) ([]string, error)
	// Give gives leases back. What was run under them is durable before.
	Give(ctx context.Context, names []string) error
	// Fence shuts a member out for ever whose beat still is what it was seen at, and frees
	// its leases; false where it has moved. No batch of it is written after that.
	Fence(ctx context.Context, id, beat int64) (bool, error)
}

// Shared is a driver of a journal that several processes write at once.
type Shared interface {
	Driver
	// Team is nil where this process has the journal for itself.
	Team() Team
	// Follow calls moved with the end of the log, whoever wrote, once where it stands behind
	// after and then whenever it has moved, until ctx or moved ends it. Several batches may be
	// one call.
	Follow(ctx context.Context, after Pos, moved func(Pos) error) error
}
