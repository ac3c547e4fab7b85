package main

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/paklog/hub/edi/edifact"
	"github.com/paklog/hub/edi/edifact/ack"
	"github.com/paklog/hub/edi/edifact/grammar"
	"github.com/paklog/hub/edi/sniff"
)

// sniffed tells by a document's first bytes what it is, and gives it back whole.
func sniffed(in io.Reader) (sniff.Format, io.Reader) {
	r := bufio.NewReaderSize(in, sniff.Reach)
	head, _ := r.Peek(sniff.Reach) // what is wrong with the stream its reader says
	return sniff.Of(head), r
}

// eachEDIFACT reads EDIFACT as a stream.
func eachEDIFACT(in io.Reader, each func(*edifact.Part) error) error {
	r := edifact.NewReader(in, edifact.Limits{})
	for {
		p, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := each(p); err != nil {
			return err
		}
	}
}

// messages are the grammars that EDIFACT is checked by.
func (r *rulesFlags) messages() (*grammar.Library, error) {
	folder, name := r.overlay()
	l, err := overlaidMessages(cmp.Or(folder, "."), name)
	if err == nil && l == nil {
		l = grammar.Builtin()
	}
	return l, err
}

// overlaidMessages is [overlaid] for EDIFACT.
func overlaidMessages(folder, name string) (*grammar.Library, error) {
	if name == "" {
		return nil, nil
	}
	all, err := stacked(folder, name, isMessageType)
	if err != nil {
		return nil, err
	}
	l, err := grammar.Builtin().With(all...)
	if err != nil {
		return nil, err
	}
	return &grammar.Library{Library: l}, nil
}

// isMessageType tells EDIFACT's types of six letters from X12's numbers.
func isMessageType(id string) bool {
	return len(id) == 6 && !strings.ContainsFunc(id, func(r rune) bool { return r < 'A' || r > 'Z' })
}

// contrl answers the interchanges of an EDIFACT document, each by a CONTRL.
func (a *answering) contrl(in io.Reader, lib *grammar.Library, policy ack.Policy) (rejected bool, err error) {
	collect := ack.Collector{Policy: policy}
	err = eachEDIFACT(in, func(p *edifact.Part) error {
		if p.Kind == edifact.Message {
			lib.Check(p)
		}
		collect.Add(p)
		if p.Kind != edifact.InterchangeTrailer {
			return nil
		}
		for i := range collect.Interchanges {
			v := &collect.Interchanges[i]
			rejected = rejected || v.Rejects()
			if err := a.report(v); err != nil {
				return err
			}
		}
		collect.Interchanges = nil
		return nil
	})
	return rejected, err
}

func (a *answering) report(v *ack.Interchange) error {
	h, body, ok := ack.Contrl(v)
	if !ok {
		return nil
	}
	unb := v.UNB.Reply()
	unb.Date, unb.Time, unb.Control = stampOf(unb.Version, a.at), a.at.Format("1504"), strconv.Itoa(a.control)
	a.control++
	h.Reference = "1"
	w := edifact.NewWriter(a.out, edifact.WriterOptions{LineEnd: "\n", Replace: '.'})
	if err := errors.Join(w.BeginInterchange(unb), w.WriteMessage(h, body), w.EndInterchange(), w.Close()); err != nil {
		return fmt.Errorf("interchange %s cannot be answered: %w", v.UNB.Control, err)
	}
	return nil
}

// stampOf is the date of a UNB: version 4 writes the century.
func stampOf(version string, at time.Time) string {
	if version == "4" {
		return at.Format("20060102")
	}
	return at.Format("060102")
}
