package dlq

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/view"
)

// Contrast is what tells the failures of a group from what went well.
type Contrast struct {
	Failures  int      `json:"failures" doc:"messages of the group that were looked at"`
	Successes int      `json:"successes" doc:"messages of the same type that did not fail there"`
	Traits    []Trait  `json:"traits" nullable:"false" doc:"field values that failures share and successes do not, the most telling first"`
	Before    []Change `json:"before" nullable:"false" doc:"what changed in the hour before it began, the latest first"`
}

// Trait is a value of a field.
type Trait struct {
	Field     string `json:"field"`
	Value     string `json:"value"`
	Failures  int    `json:"failures" doc:"that have it"`
	Successes int    `json:"successes" doc:"that have it"`
}

// Change is something that people or partners did.
type Change struct {
	At   time.Time       `json:"at"`
	Type string          `json:"type"`
	Key  string          `json:"key,omitempty"`
	Data json.RawMessage `json:"data,omitempty"`
}

const (
	contrastFailures  = 200
	contrastSuccesses = 1000
	contrastTraits    = 10
	contrastValue     = 80 // bytes; longer values are texts
	contrastFields    = 500
	changedWithin     = time.Hour
	changedBack       = 1 << 18 // positions of the log that are looked through for it
)

// Contrast compares the newest letters of a group with the newest messages of their type that did
// not fail on the route.
func (d *Desk) Contrast(ctx context.Context, fingerprint string) (Contrast, error) {
	out := Contrast{Traits: []Trait{}, Before: []Change{}}
	g, err := d.group(ctx, fingerprint)
	if err != nil {
		return out, err
	}
	page, err := d.Index.Letters(ctx, view.DeskQuery{Fingerprint: fingerprint, Limit: contrastFailures})
	if err != nil {
		return out, err
	}
	bad, good := map[Trait]int{}, map[Trait]int{}
	var topic, typ string
	for _, l := range page.Items {
		stored, err := d.Log.Holding(ctx, l.Position)
		if err != nil {
			return out, fmt.Errorf("reading the message of letter %s: %w", l.ID, err)
		}
		rec, ok := stored.At(l.Position)
		if !ok {
			continue
		}
		if out.Failures == 0 {
			topic, typ = rec.Topic, rec.Type
		}
		out.Failures++
		d.traits(&rec, bad)
	}
	if out.Failures == 0 {
		return out, nil
	}
	if p, ok := d.Peers[typ]; ok {
		topic, typ = p.Topic, p.Type
	}
	others, err := d.successes(ctx, g.Route, topic, typ)
	if err != nil {
		return out, err
	}
	for i := range others {
		out.Successes++
		d.traits(&others[i], good)
	}
	out.Traits = telling(bad, good, out.Failures, out.Successes)
	out.Before, err = d.changes(ctx, g.First)
	return out, err
}

// telling ranks the values that most failures have by how much rarer they are among successes.
func telling(bad, good map[Trait]int, failures, successes int) []Trait {
	type ranked struct {
		Trait
		score float64
	}
	var all []ranked
	for t, n := range bad {
		if 2*n < failures {
			continue
		}
		m := good[t]
		score := float64(n) / float64(failures)
		if successes > 0 {
			score -= float64(m) / float64(successes)
		}
		if score <= 0 {
			continue
		}
		all = append(all, ranked{Trait{t.Field, t.Value, n, m}, score})
	}
	slices.SortFunc(all, func(a, b ranked) int {
		return cmp.Or(cmp.Compare(b.score, a.score), strings.Compare(a.Field, b.Field), strings.Compare(a.Value, b.Value))
	})
	out := []Trait{}
	for _, r := range all[:min(len(all), contrastTraits)] {
		out = append(out, r.Trait)
	}
	return out
}

// successes are the newest messages of a type that a route has no letter of. The log is read
// from further and further back until there are enough.
func (d *Desk) successes(ctx context.Context, route, topic, typ string) ([]journal.Record, error) {
	last, err := d.Log.Last(ctx)
	if err != nil || topic == "" {
		return nil, err
	}
	var out []journal.Record
	for back := journal.Pos(4096); ; back *= 8 {
		out = out[:0]
		after := journal.Pos(0)
		if last > back {
			after = last - back
		}
		for from := after; ; {
			recs, err := d.Log.Topics(ctx, []string{topic}, from, 1000)
			if err != nil {
				return nil, fmt.Errorf("reading what went well: %w", err)
			}
			for _, r := range recs {
				from = r.Pos
				if r.Type != typ {
					continue
				}
				row, err := d.Journal.Row(ctx, journal.TableLetter, ID(route, r.ID))
				if err != nil {
					return nil, err
				}
				if row == nil {
					out = append(out, r)
				}
			}
			if len(recs) < 1000 || len(out) >= 4*contrastSuccesses {
				break
			}
		}
		if len(out) >= contrastSuccesses || after == 0 || back > 1<<20 {
			return out[max(0, len(out)-contrastSuccesses):], nil
		}
	}
}

// traits counts the values of a message's fields, each once.
func (d *Desk) traits(rec *journal.Record, into map[Trait]int) {
	seen := map[Trait]bool{}
	add := func(field, value string) {
		t := Trait{Field: field, Value: value}
		if value == "" || len(value) > contrastValue || seen[t] || len(seen) >= contrastFields {
			return
		}
		seen[t] = true
		into[t]++
	}
	for k, v := range rec.Headers {
		add(k, v)
	}
	if d.Fields != nil {
		if fields := d.Fields(rec); fields != nil { // its data says how it was read
			for f, values := range fields {
				for _, v := range values {
					add(f, v)
				}
			}
			return
		}
	}
	dec := json.NewDecoder(bytes.NewReader(rec.Data))
	dec.UseNumber()
	var v any
	if len(rec.Data) <= mostRead && dec.Decode(&v) == nil {
		flat("", v, 0, add)
	}
}

// flat calls add for each value of a payload; the elements of a list are of one field.
func flat(field string, v any, deep int, add func(field, value string)) {
	if deep > mostDeep {
		return
	}
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			flat(strings.TrimPrefix(field+"."+k, "."), e, deep+1, add)
		}
	case []any:
		for _, e := range v {
			flat(field+"[]", e, deep+1, add)
		}
	case string:
		add(field, v)
	case json.Number:
		add(field, v.String())
	case bool:
		add(field, fmt.Sprint(v))
	}
}

// changes are what people and partners did in the hour before a time.
func (d *Desk) changes(ctx context.Context, before time.Time) ([]Change, error) {
	last, err := d.Log.Last(ctx)
	if err != nil {
		return nil, err
	}
	out := []Change{}
	after := journal.Pos(0)
	if last > changedBack {
		after = last - changedBack
	}
	for {
		recs, err := d.Log.Topics(ctx, []string{"audit-events", "error-events"}, after, 1000)
		if err != nil {
			return nil, fmt.Errorf("reading what changed: %w", err)
		}
		for _, r := range recs {
			after = r.Pos
			if r.Time.After(before) || r.Time.Before(before.Add(-changedWithin)) || !changing(r.Type) {
				continue
			}
			c := Change{At: r.Time.UTC(), Type: r.Type, Key: r.Key}
			if json.Valid(r.Data) {
				c.Data = r.Data
			}
			out = append(out, c)
		}
		if len(recs) < 1000 {
			break
		}
	}
	slices.Reverse(out)
	return out[:min(len(out), contrastTraits)], nil
}

// changing reports whether a type of audit-events may change what follows.
func changing(typ string) bool {
	for _, p := range []string{"config.", "route.", "breaker.", "hub."} {
		if strings.HasPrefix(typ, p) {
			return true
		}
	}
	return false
}
