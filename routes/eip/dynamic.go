package eip

import (
	"context"
	"encoding/json"
	"slices"
)

// Types of the control messages of a [DynamicRouter]. Their data is a [Rule].
const (
	RuleSet    = "rule.Set"
	RuleRemove = "rule.Remove"
)

// Rule sends the messages of a key to a topic.
type Rule struct {
	Key string `json:"key"`
	To  string `json:"to,omitempty"`
}

// MaxRules bounds a dynamic router's table, which is one state.
const MaxRules = 10_000

// DynamicRouter is a router whose table is changed at run time, by control messages on a
// topic of its own that the route consumes too. The table is pattern state: it is there after a
// restart, and a change is durable before the next message meets it.
//
// A rule change and a message on the way have no order between them: they meet in different lanes.
type DynamicRouter[M Message[O], O Out[O]] struct {
	Step    string
	Control string   // topic of the rules; who may write there may route
	Topics  []string // where rules may lead; a rule to elsewhere is Rejected
	Key     func(M) string
	// Default is the topic of keys without a rule; "" makes them Invalid.
	Default string
}

// Handle is the route's handler.
func (d DynamicRouter[M, O]) Handle(ctx context.Context, m M) (O, error) {
	in := m.In()
	in.Ran.Note(NameDynamicRouter)
	var none O
	table, old, _, err := load[map[string]string](ctx, in, d.Step, "table")
	if err != nil {
		return none, err
	}
	if in.Topic != d.Control {
		to, ok := table[d.Key(m)]
		if !ok {
			to = d.Default
		}
		if to == "" {
			return none, in.invalid("no rule for %q: send a %s to %s", d.Key(m), RuleSet, d.Control)
		}
		return m.Out().Send(Copy(in.Record, to)), nil
	}

	var r Rule
	if err := json.Unmarshal(in.Data, &r); err != nil {
		return none, in.invalid("reading %s: %w", in.Type, err)
	}
	if r.Key == "" {
		return none, in.invalid("%s names no key", in.Type)
	}
	switch in.Type {
	case RuleSet:
		if !slices.Contains(d.Topics, r.To) {
			return none, in.rejected("rule for %q leads to %q, which is none of %q", r.Key, r.To, d.Topics)
		}
		if _, there := table[r.Key]; !there && len(table) >= MaxRules {
			return none, in.rejected("rule for %q: the table holds %d already", r.Key, MaxRules)
		}
		if table == nil {
			table = map[string]string{}
		}
		table[r.Key] = r.To
	case RuleRemove:
		delete(table, r.Key)
	default:
		return none, in.invalid("%s on %s is neither %s nor %s", in.Type, d.Control, RuleSet, RuleRemove)
	}
	o := m.Out()
	return o, save(o, in, d.Step, "table", old, table)
}
