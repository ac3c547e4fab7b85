// Package simcarrier is what simulated carriers have in common beside the wire:
// the ground truth of what was really bought and voided, which outlives every
// lost answer, and labels that can be printed.
package simcarrier

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/paklog/hub/adapters/internal/simhttp"
)

// Label is one package that was bought, whatever the buyer knows of it.
type Label struct {
	References     []string   `json:"references"`
	ShipmentID     string     `json:"shipment_id"`
	TrackingNumber string     `json:"tracking_number"`
	Service        string     `json:"service"`
	Minor          int64      `json:"minor"` // cents charged
	Currency       string     `json:"currency"`
	To             string     `json:"to"`
	Format         string     `json:"format"`
	Bought         time.Time  `json:"bought"`
	Voided         *time.Time `json:"voided,omitempty"`
	Scans          []Scan     `json:"scans,omitempty"`
}

// Scan is one event of a package's life, in the carrier's own types.
type Scan struct {
	At   time.Time `json:"at"`
	Type string    `json:"type"`
	Code string    `json:"code"`
	Text string    `json:"text"`
}

// Truth is what really happened.
type Truth struct {
	Labels []Label            `json:"labels"` // in the order of purchase
	Calls  map[simhttp.Op]int `json:"calls"`
}

// Bought is how many labels were ever bought under a reference, all of them if "".
func (t Truth) Bought(reference string) int { return len(t.under(reference, true)) }

// Standing is how many of them are not void.
func (t Truth) Standing(reference string) int { return len(t.under(reference, false)) }

// Charged is what the labels that stand cost, in cents.
func (t Truth) Charged() (cents int64) {
	for _, l := range t.under("", false) {
		cents += l.Minor
	}
	return cents
}

func (t Truth) under(reference string, voidedToo bool) []Label {
	var out []Label
	for _, l := range t.Labels {
		if (voidedToo || l.Voided == nil) && (reference == "" || slices.Contains(l.References, reference)) {
			out = append(out, l)
		}
	}
	return out
}

// ReadTruth reads the truth file of a simulator in another process. A last line
// that is not whole was never answered and is left out.
func ReadTruth(path string) (Truth, error) {
	f, err := os.Open(path)
	if err != nil {
		return Truth{}, err
	}
	defer f.Close()
	var l Ledger
	if _, err := l.read(f); err != nil {
		return Truth{}, err
	}
	return Truth{Labels: l.labels}, nil
}

// Entry is a line of the truth file.
type Entry struct {
	Bought []Label    `json:"bought,omitempty"`
	Voided []string   `json:"voided,omitempty"` // tracking numbers
	At     *time.Time `json:"at,omitempty"`

	Scanned string `json:"scanned,omitempty"` // tracking number
	Scan    *Scan  `json:"scan,omitempty"`
}

// Ledger is the truth, and its file where there is one.
type Ledger struct {
	mu     sync.Mutex
	file   *os.File
	labels []Label
}

// Open goes on from the file at path where there is one; "" keeps the truth in memory.
func Open(path string) (*Ledger, error) {
	l := &Ledger{}
	if path == "" {
		return l, nil
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	good, err := l.read(f)
	if err == nil {
		err = f.Truncate(good) // what a killed process left of its last line
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	l.file = f
	return l, nil
}

// read takes in whole lines and returns where they end.
func (l *Ledger) read(f *os.File) (good int64, err error) {
	rd := bufio.NewReader(f)
	for {
		line, err := rd.ReadBytes('\n')
		if err == io.EOF {
			return good, nil
		}
		if err != nil {
			return good, err
		}
		var e Entry
		if err := json.Unmarshal(line, &e); err != nil {
			return good, fmt.Errorf("%s: byte %d: %w", f.Name(), good, err)
		}
		good += int64(len(line))
		l.apply(e)
	}
}

// Close releases the file.
func (l *Ledger) Close() error {
	if l.file == nil {
		return nil
	}
	return l.file.Close()
}

func (l *Ledger) apply(e Entry) {
	l.labels = append(l.labels, e.Bought...)
	for _, number := range e.Voided {
		for i := range l.labels {
			if l.labels[i].TrackingNumber == number {
				l.labels[i].Voided = e.At
			}
		}
	}
	if i := find(l.labels, e.Scanned); i >= 0 && e.Scan != nil {
		l.labels[i].Scans = append(l.labels[i].Scans, *e.Scan)
	}
}

// Change makes true what decide says of the labels so far, in one step. It is on
// the disk before it is visible to anybody. An entry of nothing changes nothing.
func (l *Ledger) Change(decide func(labels []Label) Entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := decide(l.labels)
	if len(e.Bought) == 0 && len(e.Voided) == 0 && e.Scan == nil {
		return
	}
	if l.file != nil {
		b, err := json.Marshal(e)
		if err == nil {
			_, err = l.file.Write(append(b, '\n'))
		}
		if err == nil {
			err = l.file.Sync()
		}
		if err != nil {
			// Without its truth a simulator proves nothing: stop the whole test.
			panic(fmt.Sprintf("simcarrier: writing truth: %v", err))
		}
	}
	l.apply(e)
}

// Scan lets the carrier see a package. It reports whether the number is known.
func (l *Ledger) Scan(trackingNumber string, scan Scan) (known bool) {
	l.Change(func(labels []Label) Entry {
		if known = find(labels, trackingNumber) >= 0; !known {
			return Entry{}
		}
		return Entry{Scanned: trackingNumber, Scan: &scan}
	})
	return known
}

// Labels are all of them, in the order of purchase.
func (l *Ledger) Labels() []Label {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := slices.Clone(l.labels)
	for i := range out {
		out[i].Scans = slices.Clone(out[i].Scans)
	}
	return out
}

// Truth is what really happened, with the calls of wire.
func (l *Ledger) Truth(wire *simhttp.Wire) Truth {
	return Truth{Labels: l.Labels(), Calls: wire.AllCalls()}
}

// Serve shows the truth as JSON, of one reference where the query names it.
func (l *Ledger) Serve(wire *simhttp.Wire) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		t := l.Truth(wire)
		if ref := r.URL.Query().Get("reference"); ref != "" {
			t.Labels = t.under(ref, true)
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(t)
	}
}

// find returns the index of the package with this number, or -1.
func find(labels []Label, number string) int {
	return slices.IndexFunc(labels, func(x Label) bool { return x.TrackingNumber == number })
}
