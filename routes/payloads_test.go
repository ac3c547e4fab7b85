package routes

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/journal/journalmem"
	"github.com/paklog/hub/core/label"
	"github.com/paklog/hub/routes/eip"
)

// files are payloads that are all old.
type files struct {
	names  []string
	before time.Time
}

func (f *files) Sweep(ctx context.Context, before time.Time, referred func(context.Context, string) (bool, error)) (int, error) {
	f.before = before
	gone := 0
	for _, name := range slices.Clone(f.names) {
		used, err := referred(ctx, name)
		if err != nil {
			return gone, err
		}
		if !used {
			f.names = slices.DeleteFunc(f.names, func(n string) bool { return n == name })
			gone++
		}
	}
	return gone, nil
}

// watchedLog counts reads of a log, and fails when it is told to.
type watchedLog struct {
	*journalmem.Store
	reads int
	err   error
}

func (l *watchedLog) Units(ctx context.Context, from journal.Pos, limit int) ([]journal.Stored, error) {
	l.reads++
	if l.err != nil {
		return nil, l.err
	}
	return l.Store.Units(ctx, from, limit)
}

func payload(n int) string { return fmt.Sprintf("%x", sha256.Sum256([]byte{byte(n), byte(n >> 8)})) }

func put(t *testing.T, s *journalmem.Store, units ...*journal.Unit) {
	t.Helper()
	refusals, err := s.Write(t.Context(), &journal.Batch{Units: units})
	for _, r := range refusals {
		if r != nil {
			t.Fatal(r)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
}

func naming(change func(*journal.Unit)) *journal.Unit {
	u := &journal.Unit{Records: []journal.Record{{Type: "x"}}}
	change(u)
	return u
}

func TestASweptPayloadIsNamedNowhere(t *testing.T) {
	t.Parallel()
	name := payload(1)
	for _, c := range []struct {
		what  string
		unit  *journal.Unit
		stays bool
		named bool // an audit asks for the file
	}{
		{"the ticket of a message", naming(func(u *journal.Unit) { u.Records[0].Headers = map[string]string{eip.Ticket: name} }), true, true},
		{"a label that was bought", naming(func(u *journal.Unit) {
			data, _ := json.Marshal(label.Bought{Document: name})
			u.Records[0] = journal.Record{Type: "label.Bought", Data: data}
		}), true, true},
		{"the outcome of a call", naming(func(u *journal.Unit) {
			u.Effects = []journal.EffectOp{{Key: "k", To: journal.EffectStarted, Effect: journal.Effect{Outcome: []byte(`[{"document":"` + name + `"}]`)}}}
		}), true, true},
		{"a field that nobody knows yet", naming(func(u *journal.Unit) { u.Records[0].Data = []byte(`{"new":["` + name + `"]}`) }), true, false},
		{"a pattern's state", naming(func(u *journal.Unit) { u.States = []journal.StateOp{{Key: "k", Data: []byte(name)}} }), true, false},
		{"within more hex digits", naming(func(u *journal.Unit) { u.Records[0].Personal = []byte("00ff" + name + "ee") }), true, false},
		{"nothing", naming(func(*journal.Unit) {}), false, false},
		{"another name", naming(func(u *journal.Unit) { u.Records[0].Headers = map[string]string{eip.Ticket: payload(2)} }), false, false},
		{"a cut name", naming(func(u *journal.Unit) { u.Records[0].Data = []byte(name[:63]) }), false, false},
		{"a name in capitals", naming(func(u *journal.Unit) { u.Records[0].Data = []byte(strings.ToUpper(name)) }), false, false},
		{"two halves", naming(func(u *journal.Unit) { u.Records[0].Data = []byte(name[:32] + " " + name[32:]) }), false, false},
		{"a ticket that is no name", naming(func(u *journal.Unit) { u.Records[0].Headers = map[string]string{eip.Ticket: name + "/.."} }), true, false},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			log := journalmem.New()
			put(t, log, c.unit)
			f := &files{names: []string{name}}
			n, err := (&PayloadSweep{Log: log, Store: f, Now: time.Now}).Do(t.Context())
			if err != nil || (n == 0) != c.stays || (len(f.names) == 1) != c.stays {
				t.Errorf("removed %d, %v; want it to stay: %v", n, err, c.stays)
			}
			if got := slices.Contains(PayloadsNamed(c.unit), name); got != c.named {
				t.Errorf("an audit asks for it: %v, want %v", got, c.named)
			}
		})
	}
}

func TestASweepReadsOnlyWhatIsNew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log := &watchedLog{Store: journalmem.New()}
		now := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
		f := &files{}
		p := &PayloadSweep{Log: log, Store: f, Now: func() time.Time { return now }}
		round := func(want, reads int) {
			t.Helper()
			log.reads = 0
			if n, err := p.Do(t.Context()); err != nil || n != want || log.reads != reads {
				t.Errorf("removed %d with %d reads, %v; want %d with %d", n, log.reads, err, want, reads)
			}
		}
		for i := range 200 {
			put(t, log.Store, naming(func(u *journal.Unit) { u.Records[0].Headers = map[string]string{eip.Ticket: payload(i)} }))
		}
		round(0, 0) // no file: nothing to ask the log
		if !f.before.Equal(now.Add(-24 * time.Hour)) {
			t.Errorf("swept what was written before %s", f.before)
		}
		f.names = []string{payload(3), payload(199), payload(500)}
		round(1, 4)
		round(0, 0)
		f.names = append(f.names, payload(777), payload(501))
		put(t, log.Store, naming(func(u *journal.Unit) { u.Records[0].Headers = map[string]string{eip.Ticket: payload(777)} }))
		round(1, 1)
		if want := []string{payload(3), payload(199), payload(777)}; !slices.Equal(f.names, want) {
			t.Errorf("%v stayed, want %v", f.names, want)
		}
	})
}

func TestASweepThatCannotReadTheLogRemovesNothing(t *testing.T) {
	t.Parallel()
	log := &watchedLog{Store: journalmem.New(), err: &journal.DamageError{First: 1, Cause: errors.New("torn")}}
	put(t, log.Store, naming(func(*journal.Unit) {}))
	f := &files{names: []string{payload(1), payload(2)}}
	p := &PayloadSweep{Log: log, Store: f, Now: time.Now}
	if n, err := p.Do(t.Context()); n != 0 || !errors.Is(err, log.err) || len(f.names) != 2 {
		t.Errorf("removed %d, %v", n, err)
	}
	log.err = nil
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for range 3 * sweepPage {
		put(t, log.Store, naming(func(*journal.Unit) {}))
	}
	if n, err := p.Do(ended); n != 0 || !errors.Is(err, context.Canceled) {
		t.Errorf("a hub that stops: removed %d, %v", n, err)
	}
	if n, err := p.Do(t.Context()); n != 2 || err != nil {
		t.Errorf("the next round: removed %d, %v", n, err)
	}
}

func TestUpkeep(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		var fails atomic.Pointer[error]
		fail := func(err error) { fails.Store(&err) }
		fail(errors.New("the disk is away"))
		var files, claims atomic.Int32
		u := &Upkeep{
			Logger: slog.New(slog.NewTextHandler(&out, nil)),
			Chores: []Chore{
				{"files", func(context.Context) (int, error) { files.Add(1); return 0, *fails.Load() }},
				{"claims", func(context.Context) (int, error) { return 3 * int(claims.Add(1)%2), nil }},
			},
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- u.Run(ctx) }()
		settle(59 * time.Minute)
		if files.Load() != 0 {
			t.Error("it ran within the first hour")
		}
		settle(4 * time.Hour)
		if files.Load() != 4 || claims.Load() != 4 {
			t.Errorf("%d and %d rounds, want 4 of each", files.Load(), claims.Load())
		}
		fail(errors.New("something else"))
		settle(2 * time.Hour)
		fail(nil)
		settle(time.Hour)
		stop()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
		log := out.String()
		if strings.Count(log, "the disk is away") != 1 || strings.Count(log, "something else") != 1 || strings.Count(log, "count=3") != 4 || strings.Count(log, "\n") != 6 {
			t.Errorf("logged\n%s", log)
		}
	})
}
