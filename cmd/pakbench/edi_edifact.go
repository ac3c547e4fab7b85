package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/paklog/hub/edi/edifact"
	"github.com/paklog/hub/edi/edifact/ack"
	"github.com/paklog/hub/edi/edifact/edifactgen"
	"github.com/paklog/hub/edi/edifact/grammar"
)

// edifactFile is [ediFile] for EDIFACT: varied ORDERS and DESADV.
type edifactFile struct {
	data     []byte
	messages int
	bad      []int64
}

func newEDIFACTFile() (*edifactFile, error) {
	f := &edifactFile{}
	for control := 1; len(f.data) < ediBytes; control++ {
		kind, quantity := "ORDERS", "QTY+21:"
		if control%2 == 0 {
			kind, quantity = "DESADV", "QTY+12:"
		}
		var b bytes.Buffer
		if _, err := edifactgen.Write(&b, edifactgen.Config{Seed: 7, Type: kind, Messages: 200, Control: control}); err != nil {
			return nil, err
		}
		text := b.Bytes()
		for _, n := range []string{"100", "200"} {
			at := bytes.Index(text, []byte("UNH+"+n+"+"))
			at += bytes.Index(text[at:], []byte(quantity)) + len(quantity)
			text[at] = 'X'
			f.bad = append(f.bad, int64(len(f.data)+at))
		}
		f.data = append(f.data, text...)
		f.messages += 200
	}
	return f, nil
}

// edifactText is the file as other engines get it.
func edifactText() ([]byte, error) {
	f, err := newEDIFACTFile()
	if err != nil {
		return nil, err
	}
	return f.data, nil
}

// openEDIFACT is [openEDI] for EDIFACT.
func openEDIFACT(kind string) func(context.Context, *config) (probe, error) {
	return func(_ context.Context, c *config) (probe, error) {
		f, err := newEDIFACTFile()
		if err != nil {
			return nil, err
		}
		p := &ediProbe{size: len(f.data), sets: f.messages, seconds: c.seconds}
		switch kind {
		case "envelope":
			p.pass = func() (int, error) { return len(f.data), f.read(false) }
		case "validate":
			p.pass = func() (int, error) { return len(f.data), f.read(true) }
		case "ack":
			p.pass = func() (int, error) { return len(f.data), f.acknowledge() }
		default:
			err = fmt.Errorf("no EDIFACT work is named %q", kind)
		}
		return p, err
	}
}

// read reads the file as a stream; with check it holds every rule against it, and that
// what was planted is found where it stands and nothing else is wrong.
func (f *edifactFile) read(check bool) error {
	var found []int64
	messages := 0
	err := f.each(func(p *edifact.Part) error {
		if p.Kind == edifact.Message {
			messages++
			if check {
				grammar.Builtin().Check(p)
			}
		}
		for i := range p.Findings {
			if p.Findings[i].Severity == edifact.Error {
				found = append(found, p.Findings[i].Offset)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if messages != f.messages {
		return fmt.Errorf("%d messages were written, and %d read", f.messages, messages)
	}
	if check && !slices.Equal(found, f.bad) {
		return fmt.Errorf("%d errors were planted, and %d found, or elsewhere", len(f.bad), len(found))
	}
	return nil
}

// each reads the file as a stream.
func (f *edifactFile) each(do func(*edifact.Part) error) error {
	r := edifact.NewReader(bytes.NewReader(f.data), edifact.Limits{})
	for {
		p, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = do(p)
		}
		if err != nil {
			return err
		}
	}
}

// acknowledge checks the file and makes the CONTRL of each interchange.
func (f *edifactFile) acknowledge() error {
	c := ack.Collector{}
	rejected := 0
	err := f.each(func(p *edifact.Part) error {
		if p.Kind == edifact.Message {
			grammar.Builtin().Check(p)
		}
		c.Add(p)
		if p.Kind != edifact.InterchangeTrailer {
			return nil
		}
		h, body, _ := ack.Contrl(&c.Interchanges[0])
		for i := range body {
			if s := &body[i]; s.ID == "UCM" && s.Elements[2] == "4" {
				rejected++
			}
		}
		unb := p.UNB.Reply()
		unb.Date, unb.Time, unb.Control, h.Reference = "261123", "0915", "1", "1"
		c.Interchanges = nil
		w := edifact.NewWriter(io.Discard, edifact.WriterOptions{})
		return errors.Join(w.BeginInterchange(unb), w.WriteMessage(h, body), w.EndInterchange(), w.Close())
	})
	if err == nil && rejected != len(f.bad) {
		err = fmt.Errorf("%d messages are bad, and %d were rejected", len(f.bad), rejected)
	}
	return err
}
