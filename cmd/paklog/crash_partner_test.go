package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/paklog/hub/edi/x12"
	"github.com/paklog/hub/edi/x12/x12gen"
)

// partner is the trading partner: he drops files, takes what lies in his outbox, and
// acknowledges it. What he got he keeps.
type partner struct {
	w   *world
	dir string

	mu      sync.Mutex
	control int            // his last ISA13 and GS06
	groups  map[string]int // groups he sent that are owed a 997, by GS06: 997s that came
	asked   map[string]bool
	po      map[string]bool
	given   map[string]bool // orders that the desk gives up
	got     []taken
	highest int // ISA13 taken so far
}

// taken is a document that the partner took.
type taken struct {
	at      time.Time
	name    string
	isa     int
	group   string // GS06
	set     string
	about   string   // the order of a 945, the PO of an 855, the group of a 997
	cartons []string // SSCC
	labels  []string // tracking numbers
	units   int64    // W03-01
}

func newPartner(w *world, dir string) *partner {
	return &partner{w: w, dir: dir, groups: map[string]int{}, asked: map[string]bool{}, po: map[string]bool{}, given: map[string]bool{}}
}

func (p *partner) inbox() string  { return filepath.Join(p.dir, "inbox") }
func (p *partner) outbox() string { return filepath.Join(p.dir, "outbox") }

// drop puts a file into the inbox, by one rename.
func (p *partner) drop(name string, data []byte) {
	err := errors.Join(
		os.MkdirAll(p.inbox(), 0o750),
		os.WriteFile(filepath.Join(p.inbox(), name+".tmp"), data, 0o600),
		os.Rename(filepath.Join(p.inbox(), name+".tmp"), filepath.Join(p.inbox(), name)),
	)
	if err != nil {
		p.w.fail("dropping %s: %v", name, err)
	}
}

func (p *partner) next() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.control++
	return p.control
}

// orderBy sends an interchange of orders for some of the items, and again under another name
// where twice is set. It returns their numbers.
func (p *partner) orderBy(set string, sets int, seed uint64, twice bool, items ...string) []string {
	name, data, numbers := p.write(set, sets, seed, items)
	p.drop(name+".edi", data)
	if twice {
		p.drop(name+again+".edi", data)
	}
	return numbers
}

// write writes an interchange of orders and expects what is due for it.
func (p *partner) write(set string, sets int, seed uint64, items []string) (name string, data []byte, numbers []string) {
	control := p.next()
	var buf bytes.Buffer
	orders, err := x12gen.Write(&buf, x12gen.Config{
		Seed: seed, Set: set, Sets: sets, MostLine: 2, Sender: partnerName, Control: control, OrderPrefix: "EDI-",
		Items: items, SCACs: []string{"UPSN"}, Options: x12.WriterOptions{LineEnd: "\n"},
	})
	if err != nil {
		p.w.fail("writing %s: %v", set, err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.groups[strconv.Itoa(control)] = 0
	for _, o := range orders {
		numbers = append(numbers, o.Number)
		if set == "940" {
			p.asked[o.Number] = true
		} else {
			p.po[o.Number] = true
		}
	}
	return fmt.Sprintf("%s-%d", set, control), buf.Bytes(), numbers
}

// orderUnknown sends an order for an item that nobody knows. It ships whole or not at all, so
// it is rejected, and its letter places it again: once the item is known, or never where the
// desk gives it up.
func (p *partner) orderUnknown(item string, seed uint64, e *errand) {
	name, data, numbers := p.write("940", 1, seed, []string{item})
	if len(numbers) == 1 {
		e.mark = "order " + numbers[0] + " "
		p.w.desk.takes(e)
		if e.drop != "" {
			p.givenUp(numbers[0])
		}
	}
	p.drop(name+".edi", data)
}

// givenUp says that an order will never be.
func (p *partner) givenUp(number string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.asked, number)
	p.given[number] = true
}

// again marks the name of a file that holds the bytes of another one.
const again = "-again"

// documentOf is the name of the first file with the bytes of this one.
func documentOf(file string) string { return strings.Replace(file, again, "", 1) }

// spoiled sends an order with a quantity that is none: its 997 rejects it and a letter is opened,
// which the desk drops where a reason is given.
func (p *partner) spoiled(drop string) {
	control := p.next()
	var buf bytes.Buffer
	if _, err := x12gen.Write(&buf, x12gen.Config{Set: "940", Sender: partnerName, Control: control, OrderPrefix: "BAD-", MostLine: 1, Items: plenty}); err != nil {
		p.w.fail("writing 940: %v", err)
		return
	}
	text := spoil(buf.String())
	p.mu.Lock()
	p.groups[strconv.Itoa(control)] = 0
	p.mu.Unlock()
	name := fmt.Sprintf("940-%d-spoiled.edi", control)
	p.w.expectLetter(name, drop)
	p.drop(name, []byte(text))
}

// nonsense sends what is no X12 at all: a letter, and no answer.
func (p *partner) nonsense(drop string) {
	control := p.next()
	name := fmt.Sprintf("note-%d.edi", control)
	p.w.expectLetter(name+" ", drop)
	p.drop(name, fmt.Appendf(nil, "dear warehouse, number %d", control))
}

// expectLetter says that there will be a letter about something: it stays, or is dropped for
// a reason.
func (w *world) expectLetter(mark, drop string) {
	if drop != "" {
		w.desk.takes(&errand{mark: mark, drop: drop})
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.letters++
}

// acknowledge sends 997s for groups of the hub.
func (p *partner) acknowledge(docs []taken) {
	if len(docs) == 0 {
		return
	}
	control := strconv.Itoa(p.next())
	var buf bytes.Buffer
	x := x12.NewWriter(&buf, x12.WriterOptions{LineEnd: "\n"})
	now := time.Now()
	err := errors.Join(
		x.BeginInterchange(x12.ISA{SenderQualifier: "ZZ", Sender: partnerName, ReceiverQualifier: "ZZ", Receiver: "PAKLOG",
			Date: now.Format("060102"), Time: now.Format("1504"), Version: "00401", Control: control, Usage: "P"}),
		x.BeginGroup(x12.GS{FunctionalID: "FA", Sender: partnerName, Receiver: "PAKLOG", Date: now.Format("20060102"),
			Time: now.Format("1504"), Control: control, Agency: "X", Version: "004010"}),
	)
	for i, d := range docs {
		id := map[string]string{"945": "SW", "855": "PR"}[d.set]
		err = errors.Join(err, x.WriteSet(x12.ST{ID: "997", Control: fmt.Sprintf("%04d", i+1)}, []x12.Out{
			x12.Seg("AK1", id, d.group), x12.Seg("AK9", "A", "1", "1", "1"),
		}))
	}
	if err = errors.Join(err, x.EndGroup(), x.EndInterchange(), x.Close()); err != nil {
		p.w.fail("writing 997: %v", err)
		return
	}
	p.drop("997-"+control+".edi", buf.Bytes())
}

// longAck acknowledges more groups than one unit of the splitter holds; none is the hub's.
func (p *partner) longAck() {
	docs := make([]taken, 1100)
	for i := range docs {
		docs[i] = taken{set: "945", group: strconv.Itoa(900_000 + i)}
	}
	p.acknowledge(docs)
}

func (p *partner) run(ctx context.Context) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			p.take()
		}
	}
}

// list is what lies in the outbox. A folder that is read while files appear may show a later
// one and not an earlier one, so of a second look all up to the highest of the first counts.
func (p *partner) list() []string {
	look := func() []string {
		entries, err := os.ReadDir(p.outbox())
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			p.w.fail("reading the outbox: %v", err)
		}
		var names []string
		for _, e := range entries {
			names = append(names, e.Name())
		}
		slices.SortFunc(names, func(a, b string) int { return isaOf(a) - isaOf(b) })
		return names
	}
	first := look()
	if len(first) == 0 {
		return nil
	}
	last := isaOf(first[len(first)-1])
	second := look()
	return second[:slices.IndexFunc(append(second, ""), func(n string) bool { return n == "" || isaOf(n) > last })]
}

// isaOf is the interchange number in a file's name: set-number-id.edi.
func isaOf(name string) int {
	parts := strings.Split(name, "-")
	if len(parts) < 2 {
		return 0
	}
	n, _ := strconv.Atoi(parts[1])
	return n
}

// take reads and removes what lies in the outbox.
func (p *partner) take() {
	var owed []taken
	for _, name := range p.list() {
		path := filepath.Join(p.outbox(), name)
		data, err := os.ReadFile(path)
		if err != nil {
			p.w.fail("reading %s: %v", name, err)
			continue
		}
		d, err := readTaken(data)
		if err != nil {
			p.w.fail("%s: %v", name, err)
		}
		d.name = name
		if err := os.Remove(path); err != nil {
			p.w.fail("taking %s: %v", name, err)
		}
		p.mu.Lock()
		if d.isa <= p.highest {
			p.w.fail("%s came after interchange %d", name, p.highest)
		}
		p.highest = max(p.highest, d.isa)
		p.got = append(p.got, d)
		p.mu.Unlock()
		if d.set != "997" {
			owed = append(owed, d)
		}
	}
	p.acknowledge(owed)
}

// readTaken reads one document of the hub.
func readTaken(data []byte) (taken, error) {
	d := taken{at: time.Now()}
	sets := 0
	for r := x12.NewBytesReader(data, x12.Limits{}); ; {
		part, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return d, err
		}
		if len(part.Findings) > 0 {
			return d, errors.New(part.Findings[0].String())
		}
		if part.Kind != x12.TransactionSet {
			continue
		}
		sets++
		d.isa, err = strconv.Atoi(part.ISA.Control)
		if err != nil {
			return d, err
		}
		d.group, d.set = part.GS.Control, part.ST.ID
		for _, s := range part.Segments.All() {
			switch s.ID() {
			case "W06":
				d.about = s.Value(2)
			case "BAK":
				d.about = s.Value(3)
			case "AK1":
				d.about = s.Value(2)
			case "MAN":
				d.cartons = append(d.cartons, s.Value(2))
			case "N9":
				if s.Value(1) == "2I" {
					d.labels = append(d.labels, s.Value(2))
				}
			case "W03":
				if d.units, err = strconv.ParseInt(s.Value(1), 10, 64); err != nil {
					return d, err
				}
			}
		}
	}
	if sets != 1 {
		return d, fmt.Errorf("it holds %d sets", sets)
	}
	return d, nil
}
