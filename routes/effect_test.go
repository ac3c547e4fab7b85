package routes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/dlq"
)

// partner is one whose world the calls change: what it did is the ground truth.
type partner struct {
	mu     sync.Mutex
	script []doing  // of the next calls; then it does and answers
	asks   []asking // of the next questions; then it tells the truth
	done   map[string]int
	calls  []time.Time
	asked  []time.Time
}

type doing func(do func()) error

type asking func(did bool) (bool, error)

func does(do func()) error { do(); return nil }

func doesAndLoses(do func()) error {
	do()
	return fault.E("partner", fault.Unknown, errors.New("the answer is lost"))
}

func losesRequest(func()) error {
	return fault.E("partner", fault.Unknown, errors.New("the request is lost"))
}

func says(kind fault.Kind, after time.Duration) doing {
	return func(func()) error {
		return &fault.Error{Op: "partner", Kind: kind, After: after, Err: fmt.Errorf("%s on purpose", kind)}
	}
}

func doesAndPanics(do func()) error { do(); panic("on purpose") }

// doesTooSlowly is an adapter that hands its context's end on as it is.
func doesTooSlowly(do func()) error { do(); return context.DeadlineExceeded }

func cannotSay(kind fault.Kind) asking {
	return func(bool) (bool, error) { return false, fault.E("partner", kind, fmt.Errorf("%s when asked", kind)) }
}

func asksPanic(bool) (bool, error) { panic("when asked") }

func deniesOnce(bool) (bool, error) { return false, nil }

func (p *partner) do(_ context.Context, c *Call) ([]byte, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls = append(p.calls, time.Now())
	how := doing(does)
	if len(p.script) > 0 {
		how, p.script = p.script[0], p.script[1:]
	}
	if err := how(func() { p.done[c.Ref]++ }); err != nil {
		return nil, err
	}
	return json.Marshal("done " + c.Ref)
}

func (p *partner) resolve(_ context.Context, c *Call) ([]byte, bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = append(p.asked, time.Now())
	did := p.done[c.Ref] > 0
	var err error
	if len(p.asks) > 0 {
		var how asking
		how, p.asks = p.asks[0], p.asks[1:]
		did, err = how(did)
	}
	if err != nil || !did {
		return nil, false, err
	}
	out, err := json.Marshal("done " + c.Ref)
	return out, true, err
}

func (p *partner) called() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.calls)
}

func (p *partner) effect() Effect {
	return Effect{
		Step: "act", Do: p.do, Resolve: p.resolve,
		Plan: func(_ context.Context, m *Message) (*Call, *Out, error) {
			var what string
			if err := m.Decode(&what); err != nil {
				return nil, nil, err
			}
			if what == "nothing" {
				return nil, m.Out().Publish("out", "acted", m.Key, "nothing"), nil
			}
			return &Call{Ref: what}, nil, nil
		},
		Then: func(_ context.Context, m *Message, _ *Call, outcome []byte) (*Out, error) {
			return m.Out().Publish("out", "acted", m.Key, json.RawMessage(outcome)), nil
		},
	}
}

// acting is a hub with one effect, at one partner.
type acting struct {
	*bare
	*partner
}

func act(t *testing.T, change func(*Effect), test func(t *testing.T, w *acting)) {
	t.Helper()
	p := &partner{done: map[string]int{}}
	inBubble(t, func(h *Hub) error {
		e := p.effect()
		if change != nil {
			change(&e)
		}
		return h.AddEffect(Route{Name: "out.partner", Topics: []string{"in"}, Conn: "partner"}, e)
	}, func(t *testing.T, w *bare) { test(t, &acting{w, p}) })
}

// ledger is the state of the one effect there is.
func (w *acting) ledger() journal.StoredEffect {
	w.t.Helper()
	if err := w.bus.Flush(context.Background()); err != nil {
		w.t.Fatal(err)
	}
	rows, err := w.store.Scan(context.Background(), journal.TableEffect, "", "", 10)
	if err != nil || len(rows) > 1 {
		w.t.Fatal(rows, err)
	}
	if len(rows) == 0 {
		return journal.StoredEffect{}
	}
	e, err := journal.DecodeEffect(rows[0].Value)
	if err != nil {
		w.t.Fatal(err)
	}
	return e
}

func (w *acting) replay() {
	w.t.Helper()
	l := w.letters()
	if len(l) != 1 {
		w.t.Fatalf("%d letters to replay: %+v", len(l), l)
	}
	if err := w.hub.Desk().Replay(context.Background(), l[0].ID, l[0].Opening, "jo"); err != nil {
		w.t.Fatal(err)
	}
}

// One row each for what a partner may do: how often it is called and asked, what it did, what
// the ledger says, and what is written.
func TestWhatFollowsEachAnswerOfAPartner(t *testing.T) {
	unknown := fault.Unknown.String()
	cases := []struct {
		name   string
		script []doing
		asks   []asking
		calls  int
		asked  int
		done   int
		state  journal.EffectState
		out    int
		letter string
		second time.Duration // least time between the first two calls
	}{
		{"it answers", nil, nil, 1, 0, 1, journal.EffectConfirmed, 1, "", 0},
		{"the answer is lost and found", []doing{doesAndLoses}, nil, 1, 1, 1, journal.EffectConfirmed, 1, "", 0},
		{"the answer is lost, found when asked again", []doing{doesAndLoses}, []asking{deniesOnce}, 1, 2, 1, journal.EffectConfirmed, 1, "", 0},
		{"the request is lost", []doing{losesRequest}, nil, 2, 2, 1, journal.EffectConfirmed, 1, "", 2*time.Minute + 30*time.Second},
		{"the request is lost twice", []doing{losesRequest, losesRequest}, nil, 3, 4, 1, journal.EffectConfirmed, 1, "", 2*time.Minute + 30*time.Second},
		{"the request is lost, then the answer", []doing{losesRequest, doesAndLoses}, nil, 2, 3, 1, journal.EffectConfirmed, 1, "", 2*time.Minute + 30*time.Second},
		{"it panics after it did", []doing{doesAndPanics}, nil, 1, 1, 1, journal.EffectConfirmed, 1, "", 0},
		{"a deadline that nobody classified", []doing{doesTooSlowly}, nil, 1, 1, 1, journal.EffectConfirmed, 1, "", 0},
		{"a failure that nobody classified", []doing{func(do func()) error { do(); return errors.New("odd") }}, nil, 1, 1, 1, journal.EffectConfirmed, 1, "", 0},
		{"it is down when asked: nothing is lettered", []doing{doesAndLoses}, slices.Repeat([]asking{cannotSay(fault.Unavailable)}, 30), 1, 31, 1, journal.EffectConfirmed, 1, "", 0},
		{"it throttles when asked", []doing{doesAndLoses}, []asking{cannotSay(fault.Throttled)}, 1, 2, 1, journal.EffectConfirmed, 1, "", 0},
		{"asking fails for a while", []doing{doesAndLoses}, []asking{cannotSay(fault.Transient), cannotSay(fault.Transient)}, 1, 3, 1, journal.EffectConfirmed, 1, "", 0},
		{"asking fails for good", []doing{doesAndLoses}, slices.Repeat([]asking{cannotSay(fault.Transient)}, 1000), 1, -1, 1, journal.EffectUnknown, 0, "transient", 0},
		{"it cannot say", []doing{doesAndLoses}, []asking{cannotSay(fault.Unknown)}, 1, 1, 1, journal.EffectUnknown, 0, unknown, 0},
		{"it refuses to say", []doing{losesRequest}, []asking{cannotSay(fault.Rejected)}, 1, 1, 0, journal.EffectUnknown, 0, "rejected", 0},
		{"asking panics", []doing{doesAndLoses}, []asking{asksPanic}, 1, 1, 1, journal.EffectUnknown, 0, "internal", 0},
		{"it refuses", []doing{says(fault.Rejected, 0)}, nil, 1, 0, 0, journal.EffectRefused, 0, "rejected", 0},
		{"it does not understand", []doing{says(fault.Invalid, 0)}, nil, 1, 0, 0, journal.EffectRefused, 0, "invalid", 0},
		{"it surely did not, and is called again", []doing{says(fault.Transient, 0)}, nil, 2, 0, 1, journal.EffectConfirmed, 1, "", 900 * time.Millisecond},
		{"it throttles", []doing{says(fault.Throttled, time.Hour)}, nil, 2, 0, 1, journal.EffectConfirmed, 1, "", time.Hour},
		{"it is down for long", slices.Repeat([]doing{says(fault.Unavailable, 0)}, 200), nil, 201, 0, 1, journal.EffectConfirmed, 1, "", 900 * time.Millisecond},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			act(t, nil, func(t *testing.T, w *acting) {
				w.script, w.asks = c.script, c.asks
				w.send("k", "ref")
				settle(72 * time.Hour)
				if len(w.calls) != c.calls || c.asked >= 0 && len(w.asked) != c.asked || w.done["ref"] != c.done {
					t.Errorf("called %d times, asked %d, done %d; want %d, %d, %d", len(w.calls), len(w.asked), w.done["ref"], c.calls, c.asked, c.done)
				}
				if e := w.ledger(); e.State != c.state {
					t.Errorf("the ledger says %s, want %s", e.State, c.state)
				}
				if got := w.heard("out"); len(got) != c.out {
					t.Errorf("written %v, want %d", got, c.out)
				}
				if l := w.letters(); (len(l) != 0) != (c.letter != "") || len(l) > 0 && l[0].Kind != c.letter {
					t.Errorf("letters %+v, want %q", l, c.letter)
				}
				if len(w.calls) > 1 && w.calls[1].Sub(w.calls[0]) < c.second {
					t.Errorf("called again after %s, want %s", w.calls[1].Sub(w.calls[0]), c.second)
				}
			})
		})
	}
}

// "Not found" counts when it was said twice, the second time so long past the deadline.
func TestWhenNotFoundIsBelieved(t *testing.T) {
	for _, c := range []struct {
		name           string
		timeout, after time.Duration
		certain        bool
		want           time.Duration // least time from the call to the next
		asked          int
	}{
		{"as configured by default", 0, 0, false, 2*time.Minute + 30*time.Second, 2},
		{"as configured", 10 * time.Second, time.Hour, false, time.Hour + 10*time.Second, 2},
		{"at once where one look is certain", 0, 0, true, time.Second, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			act(t, func(e *Effect) { e.Timeout, e.ResolveAfter, e.Certain = c.timeout, c.after, c.certain }, func(t *testing.T, w *acting) {
				w.script = []doing{losesRequest}
				w.send("k", "ref")
				settle(c.want - time.Millisecond)
				if n := w.called(); n != 1 {
					t.Fatalf("called %d times before %s", n, c.want)
				}
				settle(10 * time.Second)
				if len(w.calls) != 2 || len(w.asked) != c.asked || w.done["ref"] != 1 {
					t.Errorf("called %d times, asked %d, done %d", len(w.calls), len(w.asked), w.done["ref"])
				}
			})
		})
	}
}

func TestWhatCannotBeResolvedIsResolvedFirstByItsReplay(t *testing.T) {
	for name, did := range map[string]doing{"it happened": doesAndLoses, "it did not": losesRequest} {
		t.Run(name, func(t *testing.T) {
			act(t, nil, func(t *testing.T, w *acting) {
				w.script, w.asks = []doing{did}, []asking{cannotSay(fault.Unknown)}
				w.send("k", "ref")
				settle(time.Hour)
				w.restart()
				w.replay()
				settle(time.Hour)
				if w.done["ref"] != 1 || len(w.letters()) != 0 || len(w.heard("out")) != 1 {
					t.Errorf("done %d times, %d letters, written %v", w.done["ref"], len(w.letters()), w.heard("out"))
				}
			})
		})
	}
}

func TestARefusalIsCalledAgainByItsReplay(t *testing.T) {
	act(t, nil, func(t *testing.T, w *acting) {
		w.script = []doing{says(fault.Rejected, 0), says(fault.Rejected, 0)}
		w.send("k", "ref")
		for want := 1; want <= 2; want++ {
			settle(time.Minute)
			if l := w.letters(); len(l) != 1 || len(l[0].Attempts) != want {
				t.Fatalf("letters %+v, want one of %d attempts", l, want)
			}
			w.replay()
		}
		settle(time.Minute)
		if w.done["ref"] != 1 || len(w.calls) != 3 || len(w.asked) != 0 || len(w.letters()) != 0 {
			t.Errorf("done %d, called %d, asked %d, letters %d", w.done["ref"], len(w.calls), len(w.asked), len(w.letters()))
		}
	})
}

// What follows a call fails: the outcome is kept, and the letter's replay does not call again.
func TestWhatFollowsFailsAndTheOutcomeIsKept(t *testing.T) {
	broken := true
	failing := map[string]func(m *Message, c *Call, outcome []byte) (*Out, error){
		"it rejects": func(m *Message, _ *Call, _ []byte) (*Out, error) { return nil, fault.E("x", fault.Rejected, nil) },
		"it panics":  func(*Message, *Call, []byte) (*Out, error) { panic("on purpose") },
		"it returns what cannot be written as JSON": func(m *Message, _ *Call, _ []byte) (*Out, error) {
			return m.Out().Publish("out", "acted", m.Key, func() {}), nil
		},
		"it returns what no journal takes": func(m *Message, _ *Call, _ []byte) (*Out, error) {
			return m.Out().Post(journal.Posting{Book: "b", Account: "a", Amount: 1}), nil
		},
		"it always comes too late": func(m *Message, _ *Call, _ []byte) (*Out, error) {
			return m.Out().SetState("x", journal.State{Tag: 99}, 1), nil
		},
	}
	for name, fail := range failing {
		t.Run(name, func(t *testing.T) {
			broken = true
			act(t, func(e *Effect) {
				then := e.Then
				e.Then = func(ctx context.Context, m *Message, c *Call, outcome []byte) (*Out, error) {
					if broken {
						return fail(m, c, outcome)
					}
					return then(ctx, m, c, outcome)
				}
			}, func(t *testing.T, w *acting) {
				w.send("k", "ref")
				settle(time.Minute)
				if e := w.ledger(); e.State != journal.EffectConfirmed || string(e.Outcome) != `"done ref"` {
					t.Errorf("the ledger says %s, %s", e.State, e.Outcome)
				}
				if len(w.letters()) != 1 || len(w.heard("out")) != 0 {
					t.Errorf("letters %+v, written %v", w.letters(), w.heard("out"))
				}
				w.restart()
				broken = false
				w.replay()
				settle(time.Minute)
				if len(w.calls) != 1 || len(w.asked) != 0 || w.done["ref"] != 1 || len(w.letters()) != 0 {
					t.Errorf("called %d, asked %d, done %d, letters %d", len(w.calls), len(w.asked), w.done["ref"], len(w.letters()))
				}
				if got := w.heard("out"); !slices.Equal(got, []string{`"done ref"`}) {
					t.Errorf("written %v", got)
				}
			})
		})
	}
}

func TestAHandlerThatReturnsNothingIsDone(t *testing.T) {
	act(t, func(e *Effect) {
		e.Then = func(context.Context, *Message, *Call, []byte) (*Out, error) { return nil, nil }
		e.Refused = func(context.Context, *Message, *Call, error) (*Out, error) { return nil, nil }
	}, func(t *testing.T, w *acting) {
		w.send("k", "ref")
		settle(time.Minute)
		if e := w.ledger(); e.State != journal.EffectConfirmed {
			t.Errorf("the ledger says %s", e.State)
		}
		if l := w.letters(); len(l) != 0 || w.info("out.partner").Parked != 0 || w.info("out.partner").Open != 0 {
			t.Errorf("letters %+v, %+v", l, w.info("out.partner").Lag)
		}
	})
}

func TestWhatFollowsARefusalIsWrittenWithIt(t *testing.T) {
	var fail atomic.Bool
	refused := func(e *Effect) {
		e.Refused = func(_ context.Context, m *Message, _ *Call, why error) (*Out, error) {
			if fail.Load() {
				return nil, fault.E("x", fault.Transient, errors.New("later"))
			}
			return m.Out().Publish("out", "refused", m.Key, why.Error()), nil
		}
	}
	t.Run("decided", func(t *testing.T) {
		act(t, refused, func(t *testing.T, w *acting) {
			w.script = []doing{says(fault.Rejected, 0)}
			w.send("k", "ref")
			settle(time.Minute)
			if got := w.heard("out"); len(got) != 1 || !strings.Contains(got[0], "on purpose") || w.ledger().State != journal.EffectRefused || len(w.letters()) != 0 {
				t.Errorf("written %v, the ledger says %s, %d letters", got, w.ledger().State, len(w.letters()))
			}
		})
	})
	t.Run("not decided", func(t *testing.T) {
		fail.Store(true)
		act(t, refused, func(t *testing.T, w *acting) {
			w.script = []doing{says(fault.Rejected, 0), says(fault.Rejected, 0)}
			w.send("k", "ref")
			synctest.Wait()
			if e := w.ledger(); e.State != journal.EffectRefused {
				t.Errorf("the ledger says %s: a no is no unknown", e.State)
			}
			fail.Store(false)
			settle(time.Minute)
			if len(w.heard("out")) != 1 || len(w.asked) != 0 {
				t.Errorf("written %v, asked %d times", w.heard("out"), len(w.asked))
			}
		})
	})
}

func TestNothingToDoIsNoEffect(t *testing.T) {
	act(t, nil, func(t *testing.T, w *acting) {
		w.send("k", "nothing")
		w.send("k", 4711) // not what the plan reads
		settle(time.Minute)
		if len(w.calls) != 0 || w.ledger().State != journal.EffectNone || len(w.heard("out")) != 1 {
			t.Errorf("called %d, the ledger says %s, written %v", len(w.calls), w.ledger().State, w.heard("out"))
		}
		if l := w.letters(); len(l) != 1 || l[0].Channel != dlq.Invalid {
			t.Errorf("letters %+v", l)
		}
	})
}

// The hub is told to stop while the partner works: the call is finished and its outcome kept.
func TestAStopWaitsForTheCallAndKeepsItsOutcome(t *testing.T) {
	act(t, nil, func(t *testing.T, w *acting) {
		// No time passes meanwhile: one goroutine of the router may wait for a lock that another holds until the
		// message is done.
		began, answers := make(chan struct{}), make(chan struct{})
		w.script = []doing{func(do func()) error {
			close(began)
			<-answers
			do()
			return nil
		}}
		w.send("k", "ref")
		<-began
		w.end()
		close(answers)
		w.restart()
		if e := w.ledger(); e.State != journal.EffectConfirmed || len(w.heard("out")) != 1 {
			t.Errorf("the ledger says %s, written %v", e.State, w.heard("out"))
		}
		settle(time.Hour)
		if len(w.calls) != 1 || len(w.asked) != 0 || w.done["ref"] != 1 {
			t.Errorf("called %d, asked %d, done %d", len(w.calls), len(w.asked), w.done["ref"])
		}
	})
}

// The disk refuses what the call came to, with its lane: the message goes out again, the outcome stands.
func TestAnOutcomeOutlivesALaneThatTheDiskRefused(t *testing.T) {
	act(t, nil, func(t *testing.T, w *acting) {
		refused := false
		w.store.SetHook(func(b *journal.Batch) ([]*journal.Refusal, error) {
			out := make([]*journal.Refusal, len(b.Units))
			for i, u := range b.Units {
				if len(u.Effects) > 0 && u.Effects[0].To == journal.EffectConfirmed && !refused {
					refused = true
					out[i] = &journal.Refusal{Why: journal.RefusedVersion, What: "planted"}
				}
			}
			return out, nil
		})
		w.send("k", "ref")
		settle(time.Hour)
		if !refused || w.done["ref"] != 1 || len(w.calls) != 1 || len(w.heard("out")) != 1 || len(w.letters()) != 0 {
			t.Errorf("refused %v, done %d, called %d, written %v, letters %d", refused, w.done["ref"], len(w.calls), w.heard("out"), len(w.letters()))
		}
	})
}

// The process dies after each unit in turn, and another goes on: the partner did it once.
func TestACrashAfterAnyUnitOfAnEffectDoesItOnce(t *testing.T) {
	for name, c := range map[string]struct {
		script []doing
		asks   []asking
		least  int // deaths, or the scenario proves little
	}{
		"it answers":                   {nil, nil, 2},
		"the answer is lost":           {[]doing{doesAndLoses}, nil, 3},
		"the request is lost":          {[]doing{losesRequest}, nil, 6},
		"it is not done, then is lost": {[]doing{says(fault.Transient, 0), doesAndLoses}, nil, 6},
		"it refuses, and is replayed":  {[]doing{says(fault.Rejected, 0)}, nil, 3},
		"it cannot say at first":       {[]doing{doesAndLoses}, []asking{cannotSay(fault.Unknown)}, 4},
	} {
		t.Run(name, func(t *testing.T) {
			died := 0
			for n := 0; ; n++ {
				ended := true
				act(t, nil, func(t *testing.T, w *acting) {
					w.script, w.asks = slices.Clone(c.script), slices.Clone(c.asks)
					w.batch = 1
					w.restart()
					w.crash(1 + n) // the message itself comes through
					w.send("k", "ref")
					settle(time.Hour)
					for range 4 { // a person replays what became a letter
						if w.bus.Err() != nil {
							ended = false
							w.restart()
							settle(time.Hour)
						}
						if l := w.letters(); len(l) > 0 {
							// A process that dies meanwhile says so, and he asks again.
							if err := w.hub.Desk().Replay(t.Context(), l[0].ID, l[0].Opening, "jo"); err != nil && w.bus.Err() == nil {
								t.Fatal(err)
							}
							settle(time.Hour)
						}
					}
					if w.done["ref"] != 1 || len(w.heard("out")) != 1 || w.ledger().State != journal.EffectConfirmed || len(w.letters()) != 0 {
						t.Errorf("dead after %d units: done %d, written %v, the ledger says %s, letters %+v",
							n, w.done["ref"], w.heard("out"), w.ledger().State, w.letters())
					}
				})
				if t.Failed() {
					return
				}
				if ended {
					break
				}
				died++
			}
			if died < c.least {
				t.Errorf("died %d times only", died)
			}
		})
	}
}

// crash lets n more units through, then writes nothing any more.
func (w *bare) crash(n int) {
	w.store.SetHook(func(b *journal.Batch) ([]*journal.Refusal, error) {
		if n < len(b.Units) {
			n = 0
			return nil, errKilled
		}
		n -= len(b.Units)
		return nil, nil
	})
}
