package upssim

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

// Scan is one event of a package's life, in UPS's activity types ("I", "O", "D", "X").
type Scan struct {
	At   time.Time `json:"at"`
	Type string    `json:"type"`
	Code string    `json:"code"`
	Text string    `json:"text"`
}

// Truth is what really happened.
type Truth struct {
	Labels []Label    `json:"labels"` // in the order of purchase
	Calls  map[Op]int `json:"calls"`
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

// Truth is a copy of the ground truth.
func (s *Sim) Truth() Truth {
	s.mu.Lock()
	calls := make(map[Op]int, len(s.calls))
	for k, v := range s.calls {
		calls[k] = v
	}
	s.mu.Unlock()
	return Truth{Labels: s.truth.all(), Calls: calls}
}

// ReadTruth reads the truth file of a simulator in another process. A last line
// that is not whole was never answered and is left out.
func ReadTruth(path string) (Truth, error) {
	f, err := os.Open(path)
	if err != nil {
		return Truth{}, err
	}
	defer f.Close()
	var l ledger
	if _, err := l.read(f); err != nil {
		return Truth{}, err
	}
	return Truth{Labels: l.labels}, nil
}

func (s *Sim) serveTruth(w http.ResponseWriter, r *http.Request) {
	t := s.Truth()
	if ref := r.URL.Query().Get("reference"); ref != "" {
		t.Labels = t.under(ref, true)
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(t)
}

// entry is a line of the truth file.
type entry struct {
	Bought []Label    `json:"bought,omitempty"`
	Voided []string   `json:"voided,omitempty"` // tracking numbers
	At     *time.Time `json:"at,omitempty"`

	Scanned string `json:"scanned,omitempty"` // tracking number
	Scan    *Scan  `json:"scan,omitempty"`
}

// ledger is the truth, and its file where there is one.
type ledger struct {
	mu     sync.Mutex
	file   *os.File
	labels []Label
}

func openLedger(path string) (*ledger, error) {
	l := &ledger{}
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
func (l *ledger) read(f *os.File) (good int64, err error) {
	rd := bufio.NewReader(f)
	for {
		line, err := rd.ReadBytes('\n')
		if err == io.EOF {
			return good, nil
		}
		if err != nil {
			return good, err
		}
		var e entry
		if err := json.Unmarshal(line, &e); err != nil {
			return good, fmt.Errorf("%s: byte %d: %w", f.Name(), good, err)
		}
		good += int64(len(line))
		l.apply(e)
	}
}

func (l *ledger) close() error {
	if l.file == nil {
		return nil
	}
	return l.file.Close()
}

func (l *ledger) apply(e entry) {
	l.labels = append(l.labels, e.Bought...)
	for _, number := range e.Voided {
		for i := range l.labels {
			if l.labels[i].TrackingNumber == number {
				l.labels[i].Voided = e.At
			}
		}
	}
	if i := l.find(e.Scanned); i >= 0 && e.Scan != nil {
		l.labels[i].Scans = append(l.labels[i].Scans, *e.Scan)
	}
}

// record makes e true. It is on the disk before it is visible to anybody. The
// caller holds l.mu.
func (l *ledger) record(e entry) {
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
			panic(fmt.Sprintf("upssim: writing truth: %v", err))
		}
	}
	l.apply(e)
}

func (l *ledger) all() []Label {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := slices.Clone(l.labels)
	for i := range out {
		out[i].Scans = slices.Clone(out[i].Scans)
	}
	return out
}

// find returns the index of the package with this number, or -1. The caller holds l.mu.
func (l *ledger) find(number string) int {
	return slices.IndexFunc(l.labels, func(x Label) bool { return x.TrackingNumber == number })
}
