package eip_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"iter"
	"strconv"
	"strings"
	"time"

	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/routes"
	"github.com/paklog/hub/routes/eip"
)

func ExampleSplitter() {
	s := eip.Splitter[message, out]{
		Step: "lines",
		Children: func(_ context.Context, m message, from eip.Offset) iter.Seq2[eip.Child, error] {
			return func(yield func(eip.Child, error) bool) {
				text := string(m.Data)
				for at := int(from.At); at < len(text); {
					line, _, _ := strings.Cut(text[at:], "~")
					at += len(line) + 1
					c := eip.Child{Next: int64(at), Record: journal.Record{Type: "segment", Topic: "out", Key: m.Key, Data: []byte(line)}}
					if !yield(c, nil) {
						return
					}
				}
			}
		},
		Then: func(_ context.Context, m message, o out, n int) error {
			o.Publish("out", "segments", m.Key, n)
			return nil
		},
	}
	for _, l := range run(3, []routes.Route{route("split", "in", s.Handle)}, input{topic: "in", data: "W05*N~W01*12"}) {
		fmt.Println(l)
	}
	// Output:
	// segment "W05*N
	// segment W01*12"
	// segments 2
}

func ExampleAggregator() {
	a := eip.Aggregator[message, out, []string]{
		Step: "cartons", Size: 2, Timeout: time.Hour,
		Key: func(m message) (string, error) { return m.Key, nil },
		Add: func(have []string, m message) ([]string, error) {
			var carton string
			err := m.Decode(&carton)
			return append(have, carton), err
		},
		Then: func(_ context.Context, m message, g eip.Group[[]string]) (out, error) {
			return m.Out().Publish("out", "all packed, by "+string(g.Done), g.Key, g.Value), nil
		},
	}
	for _, l := range run(2, []routes.Route{route("confirm", "packed", a.Handle)},
		input{topic: "packed", data: "carton 1"}, input{topic: "packed", data: "carton 2"}, input{topic: "packed", data: "carton 3"}) {
		fmt.Println(l)
	}
	// Output:
	// all packed, by size ["carton 1","carton 2"]
	// dead letter, rejected: cartons "order-7" was complete by size with 2 members when this one came
}

func ExampleResequencer() {
	q := eip.Resequencer[message, out]{
		Step: "hooks", To: "out", First: 1,
		Number: func(m message) (string, uint64, error) {
			var n uint64
			err := m.Decode(&n)
			return m.Key, n, err
		},
	}
	fmt.Println(run(3, []routes.Route{route("order", "in", q.Handle)},
		input{topic: "in", data: 3}, input{topic: "in", data: 1}, input{topic: "in", data: 2}))
	// Output: [in 1 in 2 in 3]
}

func ExampleScatterGather() {
	s := eip.ScatterGather[message, out]{
		Step: "rates", Deadline: time.Minute,
		Ask: func(m message) ([]journal.Record, error) {
			return []journal.Record{eip.Copy(&m.Record, "ups"), eip.Copy(&m.Record, "fedex")}, nil
		},
		Then: func(ctx context.Context, m message, g eip.Gathered) (out, error) {
			o := m.Out()
			for _, leg := range g.Legs {
				answer := leg.Failed
				if leg.Pos != 0 && answer == "" {
					r, err := m.Recall(ctx, leg.Pos)
					if err != nil {
						return nil, err
					}
					answer = string(r.Data)
				}
				o.Publish("out", leg.Topic, m.Key, answer)
			}
			return o, nil
		},
	}
	ups := func(_ context.Context, m message) (out, error) {
		r, err := eip.Answer(m.In(), journal.Record{Type: "rate", Data: []byte("7.20 USD")})
		return m.Out().Send(r), err
	}
	fedex := func(_ context.Context, m message) (out, error) {
		r, err := eip.Refuse(m.In(), journal.Record{Type: "rate"}, "not on Sundays")
		return m.Out().Send(r), err
	}
	fmt.Println(run(2, []routes.Route{route("rates", "in", s.Handle), route("ups", "ups", ups), route("fedex", "fedex", fedex)}, input{topic: "in"}))
	// Output: [ups "7.20 USD" fedex "not on Sundays"]
}

func ExampleRequester() {
	q := eip.Requester[message, out]{
		Step: "stock", Timeout: 10 * time.Millisecond,
		Ask: func(m message) (journal.Record, error) { return eip.Copy(&m.Record, "erp"), nil },
		Then: func(_ context.Context, m message, a eip.Asked) (out, error) {
			return m.Out().Publish("out", fmt.Sprintf("answer, overdue %t:", a.Overdue), m.Key, string(m.Data)), nil
		},
		Overdue: func(_ context.Context, m message, _ eip.Asked) (out, error) {
			return m.Out().Publish("out", "202", m.Key, "accepted, the answer follows"), nil
		},
	}
	slow := eip.Delay[message, out]{Step: "think", To: eip.Topic("erp.thought"), Until: func(m message) (time.Time, error) { return m.Now.Add(100 * time.Millisecond), nil }}
	answer := func(_ context.Context, m message) (out, error) {
		r, err := eip.Answer(m.In(), journal.Record{Type: "stock", Data: []byte("12")})
		return m.Out().Send(r), err
	}
	rs := []routes.Route{route("ask", "in", q.Handle), route("erp", "erp", slow.Handle), route("thought", "erp.thought", answer)}
	for _, l := range run(2, rs, input{topic: "in"}) {
		fmt.Println(l)
	}
	// Output:
	// 202 "accepted, the answer follows"
	// answer, overdue true: "12"
}

func ExampleProcess() {
	command := func(worker, typ string) func(eip.Progress) (journal.Record, error) {
		return func(p eip.Progress) (journal.Record, error) {
			return journal.Record{Type: typ, Topic: worker, Key: p.ID}, nil
		}
	}
	s := eip.Process[message, out]{
		Step: "fulfil", ID: func(m message) (string, error) { return m.Key, nil },
		Activities: []eip.Activity{
			{Name: "stock", Do: command("work", "reserve"), Undo: command("work", "release")},
			{Name: "label", Do: command("work", "buy label"), Undo: command("work", "void label"), Timeout: time.Hour},
		},
		Done: func(_ context.Context, m message, p eip.Progress) (out, error) {
			return m.Out().Publish("out", "shipped", p.ID, nil), nil
		},
		Undone: func(_ context.Context, m message, p eip.Progress) (out, error) {
			return m.Out().Publish("out", "cancelled", p.ID, p.Why), nil
		},
	}
	work := func(_ context.Context, m message) (out, error) {
		o := m.Out().Publish("out", m.Type, m.Key, nil)
		answer := journal.Record{Type: "answer"}
		if m.Type == "buy label" {
			r, err := eip.Refuse(m.In(), answer, "address is not served")
			return o.Send(r), err
		}
		r, err := eip.Answer(m.In(), answer)
		return o.Send(r), err
	}
	for _, l := range run(4, []routes.Route{route("fulfil", "in", s.Handle), route("work", "work", work)}, input{topic: "in"}) {
		fmt.Println(l)
	}
	// Output:
	// reserve null
	// buy label null
	// release null
	// cancelled "label: address is not served"
}

func ExampleReceive() {
	h := eip.Receive(
		func(m message) (eip.OutsideID, error) {
			return eip.OutsideID{Scope: "webhook/ACME", ID: m.Headers["id"], Hash: sha256.Sum256(m.Data)}, nil
		},
		func(_ context.Context, m message) (out, []byte, error) {
			return m.Out().Publish("out", "taken", m.Key, nil), []byte("order 7"), nil
		},
		func(_ context.Context, m message, first journal.Claim) (out, error) {
			return m.Out().Publish("out", "known as", m.Key, string(first.Answer)), nil
		},
	)
	id := map[string]string{"id": "evt-1"}
	lines := run(3, []routes.Route{route("hook", "in", h)},
		input{topic: "in", data: 1, headers: id}, input{topic: "in", data: 1, headers: id}, input{topic: "in", data: 2, headers: id})
	for _, l := range lines {
		fmt.Println(strings.Split(l, " at ")[0])
	}
	// Output:
	// taken null
	// known as "order 7"
	// invalid letter, invalid: id "evt-1" of webhook/ACME was used for other content
}

func ExampleCheckIn() {
	v := &vault{held: map[string][]byte{}}
	in := eip.CheckIn(v, func(_ context.Context, m message) (out, error) {
		return m.Out().Send(eip.Copy(&m.Record, "checked")), nil
	})
	read := func(ctx context.Context, m message) (out, error) {
		r, err := eip.Payload(ctx, v, m.In())
		if err != nil {
			return nil, err
		}
		defer r.Close()
		b, err := io.ReadAll(r)
		return m.Out().Publish("out", strconv.Itoa(len(m.Data))+" bytes in the message,", m.Key, strconv.Itoa(len(b))+" in the payload"), err
	}
	fmt.Println(run(1, []routes.Route{route("in", "in", in), route("read", "checked", read)}, input{topic: "in", data: strings.Repeat("x", 99_998)}))
	// Output: [0 bytes in the message, "100000 in the payload"]
}

func ExampleThrottle() {
	t := eip.Throttle[message, out]{Step: "rate", To: eip.Topic("out"), Bucket: func(m message) string { return "ACME" }, Every: eip.Every(20 * time.Millisecond)}
	begin := time.Now()
	lines := run(3, []routes.Route{route("throttle", "in", t.Handle)}, input{topic: "in", data: 1}, input{topic: "in", data: 2}, input{topic: "in", data: 3})
	fmt.Println(lines, time.Since(begin) >= 40*time.Millisecond)
	// Output: [in 1 in 2 in 3] true
}

func ExampleDelay() {
	d := eip.Delay[message, out]{Step: "window", To: eip.Topic("out"), Until: func(m message) (time.Time, error) {
		var wait time.Duration
		err := m.Decode(&wait)
		return m.Time.Add(wait), err
	}}
	fmt.Println(run(2, []routes.Route{route("delay", "in", d.Handle)}, input{topic: "in", data: time.Second}, input{topic: "in", data: 0}))
	// Output: [in 0 in 1000000000]
}

func ExampleExpire() {
	h := eip.Expire(eip.ExpiresAt, note("in time"), note("too late"))
	fmt.Println(run(1, []routes.Route{route("expire", "in", h)},
		input{topic: "in", data: 1, headers: map[string]string{eip.Expires: "2020-01-01T00:00:00Z"}}))
	// Output: [too late 1]
}
