// Package bulk imports files of orders, master data and stock, as CSV (RFC 4180) or NDJSON, row
// by row through the doors, and exports what it imports.
//
// An import may be stopped anywhere and run again: the key of each row is made of the file's
// hash and the row's number, so a second run gets the stored answers and repeats nothing.
// Stock has no number of its own that would tell a row from its repetition, so a row of it is
// known by what it says, under the file's name (see identity): a file that was mended books
// what was refused alone.
// What is wrong with a row is reported with its line and place and stops no other row.
// Memory is bounded by the size of a row times how many are under way, and some 30 bytes for each
// order of a table or row of stock.
package bulk

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/scope"
)

// Kinds of files.
const (
	Orders     = "orders"
	Owners     = "owners"
	Crossrefs  = "crossrefs" // what codes of partners mean
	Items      = "items"
	Locations  = "locations"
	Facilities = "facilities"
	Workers    = "workers"
	Stock      = "stock"
	Opening    = "opening" // stock that lies there already when the hub begins
)

// Kinds are what may be imported.
func Kinds() []string {
	return []string{Orders, Owners, Crossrefs, Items, Locations, Facilities, Workers, Stock, Opening}
}

// Formats of files.
const (
	CSV    = "csv"
	NDJSON = "ndjson"
)

// Config of an import. Zero values are the defaults named.
type Config struct {
	Kind   string
	Format string
	// Scope is what rows leave out: tenant, owner, facility.
	Scope scope.Scope
	// Name is the file's, for the source of its orders.
	Name string
	// As is what rows of stock are known under: Name for receipts, one name for all opening
	// stock, which lies there once.
	As string
	// Update lets master data that is known be changed to what the file says.
	Update bool
	// Parallel is how many things are under way at once: 64.
	Parallel int
	// MaxRow is the most bytes of a row: 256 KiB.
	MaxRow int
	// Progress is told, from one goroutine, how far it is: about four times a second
	// and at the end.
	Progress func(Progress)
	// Now is the clock of the progress.
	Now func() time.Time
}

// Progress of an import.
type Progress struct {
	Bytes, Total int64
	Rows         int
	Elapsed      time.Duration
}

// Percent of the bytes that are read.
func (p Progress) Percent() int {
	if p.Total == 0 {
		return 100
	}
	return int(p.Bytes * 100 / p.Total)
}

// Rate in rows a second.
func (p Progress) Rate() int {
	if p.Elapsed <= 0 {
		return 0
	}
	return int(int64(p.Rows) * int64(time.Second) / int64(p.Elapsed))
}

// Outcomes of a row.
const (
	Created  = "created"
	Exists   = "exists"   // it is there already, the same
	Repeated = "repeated" // an earlier run of this file did it
	Held     = "held"     // its order is accepted, and this line waits until its item or unit is known
	Refused  = "refused"  // it must be corrected
	Failed   = "failed"   // the hub could not take it now: run the import again
)

// Result is what became of a row.
type Result struct {
	Row     int    `json:"row"`          // of the data, from 1
	Line    int    `json:"line"`         // of the file, from 1
	ID      string `json:"id,omitempty"` // the order's number, the item, whatever the row is about
	Outcome string `json:"outcome"`
	Place   string `json:"place,omitempty"`
	Message string `json:"message,omitempty"`
}

// Summary counts rows by their outcome.
type Summary struct {
	Rows     int `json:"rows"`
	Created  int `json:"created"`
	Exists   int `json:"exists"`
	Repeated int `json:"repeated"`
	Held     int `json:"held"`
	Refused  int `json:"refused"`
	Failed   int `json:"failed"`
}

func (s *Summary) add(outcome string) {
	s.Rows++
	switch outcome {
	case Created:
		s.Created++
	case Exists:
		s.Exists++
	case Repeated:
		s.Repeated++
	case Held:
		s.Held++
	case Refused:
		s.Refused++
	case Failed:
		s.Failed++
	}
}

// ErrStopped says that the hub could take no more: what was done stands, and the same
// import run again goes on.
var ErrStopped = errors.New("the hub takes nothing now: run the same import again, nothing is done twice")

// thing is what one door call is made of: one row, or the rows of an order.
type thing struct {
	door    string
	ask     door.Ask
	hash    [32]byte
	rows    []at   // in the order of the file
	table   bool   // each row is a line of it
	id      string // of its claim; empty is its first row
	err     error  // why it is not even asked
	bytes   int64
	answers chan []Result
	stop    bool // nothing more may be asked
}

// at is where a row stands: its number among the data, and the line where it begins.
type at struct {
	row, line int
	// err is set in a row that stands between those of a thing and is none of them: it cannot
	// be read, and id is whose it says it is.
	err error
	id  string
}

// own is which of the rows are the thing's.
func (t *thing) own() []int {
	out := make([]int, 0, len(t.rows))
	for i, r := range t.rows {
		if r.err == nil {
			out = append(out, i)
		}
	}
	return out
}

// first is the number of the thing's first row: what it is known by when the file comes again.
func (t *thing) first() int {
	if own := t.own(); len(own) > 0 {
		return t.rows[own[0]].row
	}
	return t.rows[0].row
}

// reader makes things of a file; io.EOF ends it.
type reader interface {
	next() (*thing, error)
}

// Import reads a file for its hash, a table of orders or buildings for whose rows stand apart, and
// then row by row. Each row's result goes to report in
// the order of the file. The error is of the file as a whole (a missing column, an unreadable
// disk) or wraps [ErrStopped].
func Import(ctx context.Context, src io.ReadSeeker, to door.Caller, cfg Config, report func(Result) error) (Summary, error) {
	cfg = cfg.withDefaults()
	h := sha256.New()
	total, err := io.Copy(h, src)
	if err == nil {
		_, err = src.Seek(0, io.SeekStart)
	}
	if err != nil {
		return Summary{}, fmt.Errorf("reading the file: %w", err)
	}
	file := hex.EncodeToString(h.Sum(nil))
	apart, err := cfg.apart(src)
	if err != nil {
		return Summary{}, err
	}
	s, err := newSource(src)
	if err != nil {
		return Summary{}, err
	}
	things, err := cfg.open(s, file, apart)
	if err != nil {
		return Summary{}, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	im := &importer{cfg: cfg, to: to, scope: strings.Join([]string{"import", cfg.Kind, cfg.Scope.Tenant, cfg.Scope.Owner, cfg.Scope.Facility, file}, "/"), total: total, report: report}
	if cfg.Kind == Stock || cfg.Kind == Opening {
		im.said = map[uint64]int{}
	}
	return im.run(ctx, cancel, things)
}

func (c Config) withDefaults() Config {
	if c.Parallel <= 0 {
		c.Parallel = 64
	}
	if c.MaxRow <= 0 {
		c.MaxRow = 256 << 10
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

func (c Config) open(s *source, file string, apart apart) (reader, error) {
	if !slices.Contains(Kinds(), c.Kind) {
		return nil, fmt.Errorf("kind %q: there are %s", c.Kind, strings.Join(Kinds(), ", "))
	}
	switch c.Format {
	case NDJSON:
		return &jsonLines{src: s, cfg: c, file: file}, nil
	case CSV:
		t, err := openTable(s, c, file)
		if err != nil {
			return nil, err
		}
		t.apart = apart
		return t, nil
	}
	return nil, fmt.Errorf("format %q: there are %s and %s", c.Format, CSV, NDJSON)
}

type importer struct {
	cfg    Config
	to     door.Caller
	scope  string
	total  int64
	report func(Result) error
	said   map[uint64]int // how often a row of stock came so far
}

// run keeps up to Parallel things under way and reports them in order.
func (im *importer) run(ctx context.Context, cancel func(), things reader) (Summary, error) {
	queue := make(chan *thing, im.cfg.Parallel)
	var readErr error
	var workers sync.WaitGroup
	// What has one key goes through one lane, in the order of the file. A lane has room
	// for all that the queue bounds, so it never holds up the reader.
	lanes := make([]chan *thing, im.cfg.Parallel)
	for i := range lanes {
		lane := make(chan *thing, im.cfg.Parallel+2)
		lanes[i] = lane
		workers.Go(func() {
			for t := range lane {
				t.answers <- im.ask(ctx, t)
			}
		})
	}
	workers.Go(func() {
		defer close(queue)
		defer func() {
			for _, lane := range lanes {
				close(lane)
			}
		}()
		for {
			t, err := things.next()
			if err != nil {
				if !errors.Is(err, io.EOF) {
					readErr = fmt.Errorf("reading the file: %w", err)
				}
				return
			}
			im.identify(t)
			t.answers = make(chan []Result, 1)
			select {
			case queue <- t:
			case <-ctx.Done():
				return
			}
			lanes[t.lane(len(lanes))] <- t
		}
	})
	var sum Summary
	var stop error
	begun, told := im.cfg.Now(), time.Time{}
	var read int64
	tell := func(force bool) {
		now := im.cfg.Now()
		if im.cfg.Progress != nil && (force || now.Sub(told) >= 250*time.Millisecond) {
			told = now
			im.cfg.Progress(Progress{Bytes: read, Total: im.total, Rows: sum.Rows, Elapsed: now.Sub(begun)})
		}
	}
	for t := range queue {
		results := <-t.answers
		for _, r := range results {
			sum.add(r.Outcome)
			if err := im.report(r); err != nil && stop == nil {
				stop = fmt.Errorf("writing the report: %w", err)
				cancel()
			}
		}
		read = t.bytes
		if t.stop && stop == nil {
			last := results[len(results)-1]
			stop = fmt.Errorf("stopped at line %d (%s): %w", last.Line, last.Message, ErrStopped)
			cancel()
		}
		tell(false)
	}
	workers.Wait()
	if stop == nil {
		stop = readErr
	}
	if stop == nil && ctx.Err() != nil {
		stop = fmt.Errorf("%w: %w", ctx.Err(), ErrStopped)
	}
	tell(true)
	return sum, stop
}

// lane is where a thing waits its turn. Receipts commute, so that a file of one hot item
// does not wait for itself.
func (t *thing) lane(n int) int {
	if t.door == door.Stock || t.ask.ID == "" {
		return t.first() % n
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(t.ask.Scope.Owner + "\x00" + t.ask.ID)) // a hash never fails
	return int(h.Sum32() % uint32(n))
}

// ask calls the door for a thing and says what became of its rows.
func (im *importer) ask(ctx context.Context, t *thing) []Result {
	if t.err != nil || len(t.own()) == 0 {
		return refused(t, t.err)
	}
	t.ask.Key = &door.Key{Scope: im.scope, ID: strconv.Itoa(t.first()), Hash: t.hash}
	if t.id != "" {
		t.ask.Key.Scope, t.ask.Key.ID = im.stockScope(), t.id
	}
	t.ask.Actor = "import"
	r, err := im.call(ctx, t)
	said := said{}
	if err == nil {
		said, err = read(t, r)
	}
	if err == nil && r.Repeat && said.waits() {
		// That is what an earlier run was told. Somebody may have helped meanwhile: the number
		// of the order says how it stands now, and places again what was rejected.
		t.ask.Key = nil
		if r, err = im.call(ctx, t); err == nil {
			r.Repeat = !r.Created
			said, err = read(t, r)
		}
	}
	switch {
	case err == nil && said.Rejected:
		return refused(t, &order.InvalidError{Problems: said.Problems})
	case err == nil && r.Repeat:
		return said.held(t, every(t, Repeated))
	case err == nil && r.Created:
		return said.held(t, every(t, Created))
	case err == nil:
		return said.held(t, every(t, Exists))
	}
	switch fault.KindOf(err) {
	case fault.Invalid, fault.Rejected:
		return refused(t, err)
	case fault.Internal:
		// A mistake of ours about this thing is none about the next.
		t.stop = ctx.Err() != nil
	default:
		t.stop = true
	}
	out := every(t, Failed)
	for _, i := range t.own() {
		out[i].Message = sentence(err)
	}
	return out
}

// call asks the door, and again where it was only too late.
func (im *importer) call(ctx context.Context, t *thing) (door.Reply, error) {
	const tries = 3
	var got any
	var err error
	for range tries {
		if got, err = im.to.Call(ctx, t.door, t.ask); fault.KindOf(err) != fault.Transient || ctx.Err() != nil {
			break
		}
	}
	if err != nil {
		return door.Reply{}, err
	}
	r, ok := got.(door.Reply)
	if !ok {
		return r, fault.E("bulk.ask", fault.Internal, fmt.Errorf("door %s answered %T", t.door, got))
	}
	return r, nil
}

// every gives all rows of a thing one outcome, but for those in between that are none of it.
func every(t *thing, outcome string) []Result {
	out := make([]Result, len(t.rows))
	for i, r := range t.rows {
		out[i] = Result{Row: r.row, Line: r.line, ID: t.ask.ID, Outcome: outcome}
		if r.err != nil {
			out[i].ID, out[i].Outcome, out[i].Message = r.id, Refused, sentence(r.err)
		}
	}
	return out
}
