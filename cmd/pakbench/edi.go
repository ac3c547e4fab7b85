package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"

	"github.com/paklog/hub/edi/x12"
	"github.com/paklog/hub/edi/x12/ack"
	"github.com/paklog/hub/edi/x12/grammar"
	"github.com/paklog/hub/edi/x12/x12gen"
	"github.com/paklog/hub/edi/x12/x12json"
)

// ediBytes is the least size of the file that is measured on.
const ediBytes = 16 << 20

// ediFile is varied 940 and 850 documents, none like another, in interchanges of
// 200 sets. In each hundredth set a number became a word: where is in bad.
type ediFile struct {
	data []byte
	sets int
	bad  []int64
}

func newEDIFile() (*ediFile, error) {
	f := &ediFile{}
	for control := 1; len(f.data) < ediBytes; control++ {
		set, element := "940", "W01*"
		if control%2 == 0 {
			set, element = "850", "*EA*"
		}
		var b bytes.Buffer
		if _, err := x12gen.Write(&b, x12gen.Config{Seed: 7, Set: set, Sets: 200, Control: control}); err != nil {
			return nil, err
		}
		text := b.Bytes()
		for _, n := range []string{"0100", "0200"} {
			at := bytes.Index(text, []byte("ST*"+set+"*"+n))
			// The quantity: of a W01 its first element, of a PO1 that before the unit.
			q := at + bytes.Index(text[at:], []byte(element))
			if set == "940" {
				q += len(element)
			} else {
				if q < at {
					continue // no line is in pieces
				}
				q = bytes.LastIndexByte(text[:q], '*') + 1
			}
			text[q] = 'X'
			f.bad = append(f.bad, int64(len(f.data)+q))
		}
		f.data = append(f.data, text...)
		f.sets += 200
	}
	return f, nil
}

// ediProbe measures one kind of work over the file, on one core, by processor
// time: the wall's would count who else works here.
type ediProbe struct {
	size    int // of the file
	sets    int // in it, by which counts are told; 1 where by the pass
	seconds float64
	pass    func() (bytes int, err error)
}

// x12Text is the file as other engines get it.
func x12Text() ([]byte, error) {
	f, err := newEDIFile()
	if err != nil {
		return nil, err
	}
	return f.data, nil
}

func openEDI(kind string) func(context.Context, *config) (probe, error) {
	return func(_ context.Context, c *config) (probe, error) {
		f, err := newEDIFile()
		if err != nil {
			return nil, err
		}
		p := &ediProbe{size: len(f.data), sets: f.sets, seconds: c.seconds}
		switch kind {
		case "index":
			p.sets = 1
			dst := make([]uint32, 32<<10)
			p.pass = func() (int, error) {
				for at := 0; at < len(f.data); at += len(dst) {
					x12.DefaultDelimiters.Index(dst, f.data[at:min(at+len(dst), len(f.data))], uint32(at))
				}
				return len(f.data), nil
			}
		case "envelope":
			p.pass = func() (int, error) { return len(f.data), f.each(func(*x12.Part) error { return nil }) }
		case "validate":
			p.pass = f.validate
		case "json":
			p.pass = func() (int, error) {
				return len(f.data), x12json.Write(io.Discard, x12.NewReader(bytes.NewReader(f.data), x12.Limits{}), x12json.Options{})
			}
		case "write":
			p.pass, err = f.writer()
		case "ack":
			p.pass = f.acknowledge
		default:
			err = fmt.Errorf("no EDI work is named %q", kind)
		}
		return p, err
	}
}

func (p *ediProbe) round(ctx context.Context) (sample, error) {
	before := runtime.GOMAXPROCS(1)
	defer runtime.GOMAXPROCS(before)
	settle()
	m := begin()
	from := cpuTime()
	bytes, passes := 0, 0
	for passes == 0 || (cpuTime()-from).Seconds() < p.seconds {
		if err := ctx.Err(); err != nil {
			return sample{}, err
		}
		n, err := p.pass()
		if err != nil {
			return sample{}, err
		}
		bytes += n
		passes++
	}
	took := cpuTime() - from
	s := m.end(passes * p.sets)
	s.value = float64(bytes) / 1e6 / took.Seconds()
	s.counts["file_mb"] = float64(p.size) / 1e6
	return s, nil
}

func (p *ediProbe) Close() error { return nil }

// each reads the file as a stream.
func (f *ediFile) each(do func(*x12.Part) error) error {
	r := x12.NewReader(bytes.NewReader(f.data), x12.Limits{})
	for {
		p, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := do(p); err != nil {
			return err
		}
	}
}

// validate checks the file with every rule on, and that what was planted is
// found where it stands and nothing else is wrong.
func (f *ediFile) validate() (int, error) {
	var found []int64
	err := f.each(func(p *x12.Part) error {
		grammar.Builtin().Check(p)
		for i := range p.Findings {
			if p.Findings[i].Severity == x12.Error {
				found = append(found, p.Findings[i].Offset)
			}
		}
		return nil
	})
	if err == nil && !slices.Equal(found, f.bad) {
		err = fmt.Errorf("%d errors were planted, and %d found, or elsewhere", len(f.bad), len(found))
	}
	return len(f.data), err
}

// acknowledge checks the file and makes the 997 of each group.
func (f *ediFile) acknowledge() (int, error) {
	c := ack.Collector{}
	rejected := 0
	err := f.each(func(p *x12.Part) error {
		grammar.Builtin().Check(p)
		c.Add(p)
		if p.Kind != x12.InterchangeTrailer {
			return nil
		}
		w := x12.NewWriter(io.Discard, x12.WriterOptions{})
		w.BeginInterchange(x12.ISA{SenderQualifier: "ZZ", Sender: "B", ReceiverQualifier: "ZZ", Receiver: "A", Date: "261123", Time: "0915", Version: "00401", Control: "1", Usage: "P"})
		for i := range c.Interchanges[0].Groups {
			g := &c.Interchanges[0].Groups[i]
			rejected += len(g.Sets) - g.AcceptedSets()
			body, _ := ack.Functional(g, x12.DefaultDelimiters)
			w.BeginGroup(x12.GS{FunctionalID: "FA", Sender: "B", Receiver: "A", Date: "20261123", Time: "0915", Control: "1", Agency: "X", Version: "004010"})
			w.WriteSet(x12.ST{ID: "997", Control: "0001"}, body)
			w.EndGroup()
		}
		w.EndInterchange()
		c.Interchanges = nil
		return w.Close()
	})
	if err == nil && rejected != len(f.bad) {
		err = fmt.Errorf("%d sets are bad, and %d were rejected", len(f.bad), rejected)
	}
	return len(f.data), err
}

// writer holds the file's sets as values and writes them anew in each pass.
func (f *ediFile) writer() (pass func() (int, error), err error) {
	type doc struct {
		st   x12.ST
		body []x12.Out
	}
	var docs []doc
	err = f.each(func(p *x12.Part) error {
		if p.Kind != x12.TransactionSet {
			return nil
		}
		d := doc{st: p.ST}
		for i := 1; i < p.Segments.Len()-1; i++ {
			s := p.Segments.At(i)
			out := x12.Out{ID: s.ID()}
			for n := range s.Len() {
				out.Elements = append(out.Elements, s.Value(n+1))
			}
			d.body = append(d.body, out)
		}
		docs = append(docs, d)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return func() (int, error) {
		n := &countedBytes{}
		w := x12.NewWriter(n, x12.WriterOptions{})
		w.BeginInterchange(x12.ISA{SenderQualifier: "ZZ", Sender: "B", ReceiverQualifier: "ZZ", Receiver: "A", Date: "261123", Time: "0915", Version: "00401", Control: "1", Usage: "P"})
		w.BeginGroup(x12.GS{FunctionalID: "OW", Sender: "B", Receiver: "A", Date: "20261123", Time: "0915", Control: "1", Agency: "X", Version: "004010"})
		for _, d := range docs {
			w.WriteSet(d.st, d.body)
		}
		w.EndGroup()
		w.EndInterchange()
		return n.n, w.Close()
	}, nil
}

type countedBytes struct{ n int }

func (c *countedBytes) Write(b []byte) (int, error) {
	c.n += len(b)
	return len(b), nil
}
