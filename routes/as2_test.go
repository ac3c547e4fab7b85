package routes

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/trust"
	"github.com/paklog/hub/edi/x12/x12gen"
)

// postbox is a partner's station that sends its receipts by themselves: when the test says so.
type postbox struct {
	mu   sync.Mutex
	sent []door.Sent
}

func (p *postbox) Pack(_ context.Context, _, id string, c door.Content, _ trust.Exchange) (door.Sent, error) {
	return door.Sent{MessageID: "<" + id + "@paklog>", Body: c.Name, Bytes: int64(len(c.Document)), File: c.Name, Wanted: true, Signed: true, Async: true}, nil
}

func (p *postbox) Send(_ context.Context, _ string, s door.Sent, _ trust.Exchange) (door.Proof, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sent = append(p.sent, s)
	return door.Proof{}, nil
}

func (p *postbox) Return(context.Context, string, door.Receipt) error { return nil }

func (p *postbox) Own(fingerprint string) (trust.Certificate, error) {
	if c := ours(); strings.HasPrefix(c.ID, fingerprint) {
		return c, nil
	}
	return trust.Certificate{}, fault.E("as2.Own", fault.Rejected, errors.New("no certificate of ours"))
}

func stationRig(t *testing.T) (*rig, *postbox) {
	t.Helper()
	r, _ := ediRig(t, func(p *Partner) { p.Station = true })
	box := &postbox{}
	r.edi.Stations = box
	r.restart()
	return r, box
}

func (r *rig) settles(id, outcome string) bool {
	r.t.Helper()
	v, err := r.hub.Call(context.Background(), door.Stations, door.Settlement{Partner: "ACME", MessageID: id, Proof: door.Proof{Outcome: outcome, Reason: "because", At: r.hub.Now()}})
	if err != nil {
		r.t.Fatal(err)
	}
	settle(time.Second)
	return v.(bool)
}

func (r *rig) left() (n int) {
	r.each(func(rec *journal.Record) {
		if rec.Type == "document.Sent" {
			n++
		}
	})
	return n
}

// replayOnly replays the one letter that there is.
func (r *rig) replayOnly() {
	r.t.Helper()
	l := r.letters()
	if len(l) != 1 || l[0].Route != "as2.watch" {
		r.t.Fatalf("letters: %v", r.lettersText())
	}
	if err := r.hub.Desk().Replay(context.Background(), l[0].ID, l[0].Opening, "ann"); err != nil {
		r.t.Fatal(err)
	}
	settle(time.Second)
}

// Without its receipt a message goes again, the same under the same id, and not for ever; a receipt that
// comes late settles it all the same.
func TestAMessageGoesAgainUntilItsReceiptComes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, box := stationRig(t)
		order, _ := generated(t, x12gen.Config{Seed: 2, Sets: 1, Control: 7})
		r.drop("940.edi", order)
		settle(10 * time.Minute) // 997 and 945
		first := len(box.sent)
		if first == 0 {
			t.Fatal("nothing was sent")
		}
		for _, s := range box.sent[1:] {
			if !r.settles(s.MessageID, "delivered") {
				t.Errorf("%s was not waited for", s.MessageID)
			}
		}
		settle(3 * time.Hour)
		r.noLetters()
		settle(12 * time.Hour)
		for _, s := range box.sent[first:] {
			if s.MessageID != box.sent[0].MessageID || s.Body != box.sent[0].Body {
				t.Errorf("%s went again as %s", box.sent[0].MessageID, s.MessageID)
			}
		}
		if n := len(box.sent) - first; n != resends {
			t.Errorf("it went again %d times", n)
		}
		if n := r.left(); n != first-1 {
			t.Errorf("%d documents left, %d are proven", n, first-1)
		}
		r.replayOnly()
		if n := len(box.sent) - first; n != resends+1 {
			t.Errorf("the replay sent it %d times", n-resends)
		}
		if !r.settles(box.sent[0].MessageID, "delivered") || r.settles(box.sent[0].MessageID, "delivered") {
			t.Error("a late receipt settles it once")
		}
		r.noLetters()
		if n := r.left(); n != first {
			t.Errorf("%d documents left of %d", n, first)
		}
	})
}

// A receipt that proves nothing, or refuses, is a letter; its replay sends the same message again.
func TestAReceiptThatProvesNothingIsALetter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, outcome := range []string{"refused", "mismatch", "unproven", "foreign"} {
			r, box := stationRig(t)
			order, _ := generated(t, x12gen.Config{Seed: 2, Sets: 1, Control: 7})
			r.drop("940.edi", order)
			settle(10 * time.Minute)
			n := len(box.sent)
			for _, s := range box.sent[1:] {
				r.settles(s.MessageID, "delivered")
			}
			id := box.sent[0].MessageID
			r.settles(id, outcome)
			if r.left() != n-1 {
				t.Errorf("%s: %d documents left of %d", outcome, r.left(), n)
			}
			r.replayOnly()
			if len(box.sent) != n+1 || box.sent[n].MessageID != id {
				t.Fatalf("%s: the replay sent %v", outcome, box.sent[n:])
			}
			if !r.settles(id, "delivered") || r.left() != n {
				t.Errorf("%s: it is not proven by the next receipt", outcome)
			}
			r.noLetters()
		}
	})
}

// A receipt for what was never sent is a letter.
func TestAReceiptForNothingIsALetter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _ := stationRig(t)
		if r.settles("<nobody@nowhere>", "delivered") {
			t.Error("it settles something")
		}
		if l := r.letters(); len(l) != 1 || l[0].Kind != "invalid" || l[0].Place != "<nobody@nowhere>" {
			t.Errorf("letters: %v", r.lettersText())
		}
	})
}
