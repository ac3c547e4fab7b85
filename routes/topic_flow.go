package routes

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/journal"
)

// Topics of the journal of what flows read and write; behind them stands the name of the topic on the bus.
const (
	FlowIn  = "flow-in."
	FlowOut = "flow-out."
)

// mostEntries is how many messages one may become.
const mostEntries = 10_000

// TopicFlow turns messages of others into other messages, by what they say: it takes each apart, chooses a
// topic, and writes the fields that are wanted. Messages are JSON objects.
//
// A source is the path of a field, "ship_to.city". One that begins with a dot is of the entry of Lines that a
// message is made of, the others are of the whole; one that ends in a question mark may be missing.
type TopicFlow struct {
	Name string
	From string // topic on the bus
	// Lines is the path of the array whose entries become a message each, in order; "" keeps the message whole.
	Lines string
	// Choose is the source whose text chooses the topic; "" writes all to Otherwise.
	Choose string
	To     map[string]string // topics on the bus, by that text
	// Otherwise is the topic of texts that To has not; "" refuses them.
	Otherwise string
	Key       string            // source of the ordering key; "" keeps that of the message
	Fields    map[string]string // sources by the name that each gets
}

// Writes are the topics on the bus that it writes to.
func (f TopicFlow) Writes() []string {
	all := slices.Collect(maps.Values(f.To))
	if f.Otherwise != "" {
		all = append(all, f.Otherwise)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Validate reports everything that is wrong with it.
func (f TopicFlow) Validate() error {
	var errs []error
	bad := func(what string, args ...any) { errs = append(errs, fmt.Errorf(what, args...)) }
	if f.From == "" {
		bad("from: names no topic")
	}
	switch {
	case f.Choose != "" && len(f.To) == 0:
		bad("to: has no topic for what %s says", f.Choose)
	case f.Choose == "" && len(f.To) > 0:
		bad("choose: names no field to choose a topic by")
	case f.Choose == "" && f.Otherwise == "":
		bad("otherwise: names no topic")
	}
	if len(f.Fields) == 0 {
		bad("fields: has none: a message would say nothing")
	}
	for _, s := range f.sources() {
		p := parseSource(s.text)
		switch {
		case slices.Contains(p.path, ""):
			bad("%s: %q is no path of a field", s.of, s.text)
		case p.entry && f.Lines == "":
			bad("%s: %q is of an entry, and lines names no array", s.of, s.text)
		}
	}
	return errors.Join(errs...)
}

func (f TopicFlow) sources() (all []struct{ of, text string }) {
	add := func(of, text string) { all = append(all, struct{ of, text string }{of, text}) }
	for _, name := range slices.Sorted(maps.Keys(f.Fields)) {
		add("fields."+name, f.Fields[name])
	}
	if f.Choose != "" {
		add("choose", f.Choose)
	}
	if f.Key != "" {
		add("key", f.Key)
	}
	if f.Lines != "" {
		if add("lines", f.Lines); f.Lines[0] == '.' {
			add("lines", ".") // it would be of itself
		}
	}
	return all
}

// source is where a value stands.
type source struct {
	text     string
	path     []string
	entry    bool // of the entry, not of the whole
	optional bool
}

func parseSource(text string) source {
	s := source{text: text}
	text, s.optional = strings.CutSuffix(text, "?")
	text, s.entry = strings.CutPrefix(text, ".")
	s.path = strings.Split(text, ".")
	return s
}

// object is a JSON object whose values are not read yet.
type object map[string]json.RawMessage

// at finds a value; nil is none, and so is null.
func (o object) at(path []string) (json.RawMessage, error) {
	v := o[path[0]]
	for _, name := range path[1:] {
		if v == nil || isNull(v) {
			return nil, nil
		}
		var inner object
		if err := json.Unmarshal(v, &inner); err != nil {
			return nil, err
		}
		v = inner[name]
	}
	if isNull(v) {
		return nil, nil
	}
	return v, nil
}

func isNull(v json.RawMessage) bool { return string(v) == "null" }

// field is a field of what is written: its name as JSON, with the colon behind it.
type field struct {
	name string
	from source
}

// flowing is a flow made ready.
type flowing struct {
	TopicFlow

	lines, choose, key source
	fields             []field
	typ                string
}

// AddTopicFlow hosts a flow as route flow.NAME. It reads what an [Intake] took of From, each message in a unit
// of its own: all that it becomes is durable at once, or none of it.
func AddTopicFlow(h *Hub, f TopicFlow) error {
	if err := f.Validate(); err != nil {
		return fmt.Errorf("flow %s: %w", f.Name, err)
	}
	x := &flowing{TopicFlow: f, typ: "flow." + f.Name, lines: parseSource(f.Lines), choose: parseSource(f.Choose), key: parseSource(f.Key)}
	for _, name := range slices.Sorted(maps.Keys(f.Fields)) {
		quoted, err := json.Marshal(name)
		if err != nil {
			return err
		}
		x.fields = append(x.fields, field{name: string(quoted) + ":", from: parseSource(f.Fields[name])})
	}
	patterns := []string{"Message Translator"}
	if f.Lines != "" {
		patterns = append(patterns, "Splitter")
	}
	if f.Choose != "" {
		patterns = append(patterns, "Content-Based Router")
	}
	r := Route{
		Name: "flow." + f.Name, About: "messages of " + f.From + " to " + strings.Join(f.Writes(), ", "), Topics: []string{FlowIn + f.From},
		Patterns: patterns, Handle: x.handle,
	}
	for _, t := range f.Writes() {
		r.Writes = append(r.Writes, FlowOut+t)
	}
	return h.Add(r)
}

func (x *flowing) handle(_ context.Context, m *Message) (*Out, error) {
	place := m.Headers[headerPlace] + "/" + m.Headers[headerPart] + "@" + m.Headers[headerOffset]
	out, err := x.turn(m)
	if err != nil {
		return nil, fault.At(x.typ, fault.Invalid, place, err)
	}
	return out, nil
}

// turn is what a message becomes; an error says what is wrong with the message.
func (x *flowing) turn(m *Message) (*Out, error) {
	if m.Personal != nil { // what came was no JSON
		return nil, fmt.Errorf("its %d bytes are no JSON", len(m.Personal))
	}
	var whole object
	if err := json.Unmarshal(m.Data, &whole); err != nil || whole == nil {
		return nil, errors.New("it is no JSON object")
	}
	out := m.Out()
	if x.Lines == "" {
		r, err := x.record(m, whole, nil)
		if err != nil {
			return nil, err
		}
		return out.Send(r), nil
	}
	list, err := whole.at(x.lines.path)
	if err != nil || list == nil && !x.lines.optional {
		return nil, fmt.Errorf("%s is missing", x.Lines)
	}
	var entries []object
	if list != nil {
		if err := json.Unmarshal(list, &entries); err != nil {
			return nil, fmt.Errorf("%s is no array of objects", x.Lines)
		}
	}
	if len(entries) > mostEntries {
		return nil, fmt.Errorf("%s has %d entries: %d at most", x.Lines, len(entries), mostEntries)
	}
	out.Records = make([]journal.Record, 0, len(entries))
	for i, e := range entries {
		if e == nil {
			return nil, fmt.Errorf("%s[%d] is no object", x.Lines, i)
		}
		r, err := x.record(m, whole, e)
		if err != nil {
			return nil, fmt.Errorf("%s[%d]: %w", x.Lines, i, err)
		}
		out.Send(r)
	}
	return out, nil
}

// record is the message that is made of the whole and one entry.
func (x *flowing) record(m *Message, whole, entry object) (journal.Record, error) {
	r := journal.Record{Type: x.typ, Key: m.Key}
	topic := x.Otherwise
	if x.Choose != "" {
		says, err := text(x.choose, whole, entry)
		if err != nil {
			return r, err
		}
		if to, ok := x.To[says]; ok {
			topic = to
		}
		if topic == "" {
			return r, fmt.Errorf("%s says %.64q, which no topic is for", x.Choose, says)
		}
	}
	r.Topic = FlowOut + topic
	if x.Key != "" {
		key, err := text(x.key, whole, entry)
		switch {
		case err != nil:
			return r, err
		case len(key) > 256 || strings.Contains(key, "\x00"):
			return r, fmt.Errorf("%s is no key: of %d characters, 256 at most, none of them NUL", x.Key, len(key))
		}
		r.Key = key
	}
	var b bytes.Buffer
	b.Grow(32 * len(x.fields))
	b.WriteByte('{')
	for _, f := range x.fields {
		v, err := value(f.from, whole, entry)
		if err != nil {
			return r, err
		}
		if v == nil {
			continue
		}
		if b.Len() > 1 {
			b.WriteByte(',')
		}
		b.WriteString(f.name)
		b.Write(v)
	}
	b.WriteByte('}')
	r.Data = b.Bytes()
	return r, nil
}

// value is what stands at a source; nil where it may be missing and is.
func value(s source, whole, entry object) (json.RawMessage, error) {
	o := whole
	if s.entry {
		o = entry
	}
	v, err := o.at(s.path)
	if err != nil || v == nil && !s.optional {
		return nil, fmt.Errorf("%s is missing", s.text)
	}
	return v, nil
}

// text is a value that is a string, a number or a truth value, as text.
func text(s source, whole, entry object) (string, error) {
	v, err := value(s, whole, entry)
	if err != nil || v == nil {
		return "", err
	}
	switch v[0] {
	case '"':
		var t string
		err := json.Unmarshal(v, &t)
		return t, err
	case '{', '[':
		return "", fmt.Errorf("%s is neither text nor a number", s.text)
	}
	return string(v), nil
}
