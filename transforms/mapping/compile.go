package mapping

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"go.yaml.in/yaml/v3"

	"github.com/paklog/hub/transforms/custom"
)

// Bounds of maps.
const (
	maxText      = 1 << 20 // bytes
	maxNodes     = 20_000  // of YAML
	maxScopes    = 300     // $each and $let
	maxNesting   = 40      // of the tree
	mostProblems = 100
)

// What maps make.
const (
	MakesOrder   = "order"
	MakesReceipt = "receipt"
	MakesJSON    = "json"
)

// Map is a compiled map. It may be used by several goroutines at once.
type Map struct {
	Name  string   // of its file
	ID    string   // what it calls itself
	Reads []string // transaction sets and messages
	Makes string

	zone   *time.Location
	root   *loop
	tables []*table
	units  map[string]measure
	lets   []let
	when   *expression
	out    *tree
}

// loop is how a set is cut: what a loop begins with, and what else stands in it.
type loop struct {
	name       string
	first      string
	holds      map[string]bool
	id, parent int // elements that make a hierarchy: number, and number of the one above
	inner      []*loop
	typ        *types.Type
}

func (l *loop) begins(tag string) *loop {
	for _, in := range l.inner {
		if in.first == tag {
			return in
		}
	}
	return nil
}

func (l *loop) child(name string) *loop {
	for _, in := range l.inner {
		if in.name == name {
			return in
		}
	}
	return nil
}

// all is l and what lies in it.
func (l *loop) all() []*loop {
	out := []*loop{l}
	for _, in := range l.inner {
		out = append(out, in.all()...)
	}
	return out
}

// compiler goes through a map once. It keeps going after a problem.
type compiler struct {
	m        *Map
	lines    []string
	read     func(name string) ([]byte, error)
	problems Problems
	nodes    int
	scopes   int
}

// Compile reads a map. name is its file's, for errors; read gives the text of the tables that it names,
// and is nil where it may name none. The error is of type [Problems].
func Compile(name string, raw []byte, read func(name string) ([]byte, error)) (*Map, error) {
	c := &compiler{m: &Map{Name: name, zone: time.UTC, units: map[string]measure{}}, read: read}
	c.m.root = &loop{name: "set", typ: types.NewObjectType("loop.set")}
	if len(raw) > maxText {
		return nil, Problems{{File: name, Text: fmt.Sprintf("a map has at most %d bytes, and this has %d", maxText, len(raw))}}
	}
	c.lines = strings.Split(string(raw), "\n")
	d := yaml.NewDecoder(bytes.NewReader(raw))
	var doc, more yaml.Node
	if err := d.Decode(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			err = errors.New("it is empty")
		}
		return nil, Problems{{File: name, Text: err.Error()}}
	}
	if err := d.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, Problems{{File: name, Text: "there is a second document in it"}}
	}
	c.document(doc.Content[0])
	if len(c.problems) > 0 {
		return nil, c.problems
	}
	return c.m, nil
}

// pairs are the keys and values of a mapping; what is none is a problem.
func (c *compiler) pairs(n *yaml.Node, place string) (out [][2]*yaml.Node) {
	n = c.resolve(n, place)
	if n == nil {
		return nil
	}
	if n.Kind != yaml.MappingNode {
		c.problem(n, place, "keys and values stand here")
		return nil
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i]
		if k.Kind != yaml.ScalarNode || k.Tag == "!!merge" {
			c.problem(k, place, "a key is text")
			continue
		}
		if seen[k.Value] {
			c.problem(k, join(place, k.Value), "the key stands here twice")
			continue
		}
		seen[k.Value] = true
		out = append(out, [2]*yaml.Node{k, n.Content[i+1]})
	}
	return out
}

// resolve follows an alias, and counts what is read: nil where there is too much of it.
func (c *compiler) resolve(n *yaml.Node, place string) *yaml.Node {
	if c.nodes++; c.nodes == maxNodes {
		c.problem(n, place, "the map has more than %d nodes, aliases counted each time", maxNodes)
	}
	if c.nodes >= maxNodes {
		return nil
	}
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

func (c *compiler) scalar(n *yaml.Node, place string) string {
	n = c.resolve(n, place)
	if n == nil {
		return ""
	}
	if n.Kind != yaml.ScalarNode {
		c.problem(n, place, "text stands here")
		return ""
	}
	return n.Value
}

// strings reads a list of text, or one text.
func (c *compiler) strings(n *yaml.Node, place string) []string {
	r := c.resolve(n, place)
	switch {
	case r == nil:
		return nil
	case r.Kind == yaml.ScalarNode:
		return []string{r.Value}
	case r.Kind != yaml.SequenceNode:
		c.problem(r, place, "a list stands here")
		return nil
	}
	var out []string
	for i, one := range r.Content {
		out = append(out, c.scalar(one, fmt.Sprintf("%s[%d]", place, i)))
	}
	return out
}

var topKeys = []string{"map", "reads", "makes", "zone", "loops", "tables", "units", "let", "when", "out"}

func (c *compiler) document(n *yaml.Node) {
	at := map[string]*yaml.Node{}
	for _, kv := range c.pairs(n, "") {
		if !slices.Contains(topKeys, kv[0].Value) {
			c.unknown(kv[0], "", topKeys)
			continue
		}
		at[kv[0].Value] = kv[1]
	}
	for _, key := range [...]string{"map", "reads", "makes", "out"} {
		if at[key] == nil && len(c.problems) == 0 {
			c.problem(n, key, "is missing")
		}
	}
	if len(c.problems) > 0 {
		return
	}
	m := c.m
	if m.ID = c.scalar(at["map"], "map"); m.ID == "" {
		c.problem(at["map"], "map", "is the name of the map")
	}
	m.Reads = c.strings(at["reads"], "reads")
	makes := c.scalar(at["makes"], "makes")
	var target *shape
	switch m.Makes = makes; makes {
	case MakesOrder:
		target = shapeOf(reflect.TypeFor[orderDocument]())
	case MakesReceipt:
		target = shapeOf(reflect.TypeFor[receiptDocument]())
	case MakesJSON:
		target = free
	case MakesChanges:
		target = &shape{kind: list, of: changeShape}
	default:
		c.problem(at["makes"], "makes", "%q is none of %s, %s, %s, %s", makes, MakesOrder, MakesReceipt, MakesChanges, MakesJSON)
		return
	}
	if z := at["zone"]; z != nil {
		var err error
		if m.zone, err = time.LoadLocation(c.scalar(z, "zone")); err != nil {
			c.problem(z, "zone", "%v: an IANA zone is meant, as America/New_York", err)
		}
	}
	if l := at["loops"]; l != nil {
		c.loops(l, "loops", m.root, map[string]bool{})
	}
	if t := at["tables"]; t != nil {
		c.tables(t)
	}
	c.units(at["units"])
	if len(c.problems) > 0 {
		return // expressions would complain of what is missing
	}
	env, err := m.newEnv()
	if err != nil {
		c.problem(n, "", "%v", err)
		return
	}
	if l := at["let"]; l != nil {
		env, m.lets = c.let(l, "let", env)
	}
	m.when = c.condition(at["when"], "when", env)
	m.out = c.tree(at["out"], "out", target, env, 0)
}

var goodName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,40}$`)

// taken are names that mean something in expressions.
var taken = []string{"set", "it", "index", "table", "in", "true", "false", "null", "as", "break", "const", "continue", "else", "for", "function", "if", "import", "let", "loop", "package", "namespace", "return", "var", "void", "while"}

func (c *compiler) named(k *yaml.Node, place string) bool {
	switch {
	case !goodName.MatchString(k.Value):
		c.problem(k, place, "a name is lower-case letters, digits and _, and begins with a letter")
	case slices.Contains(taken, k.Value):
		c.problem(k, place, "%q means something else in expressions", k.Value)
	default:
		return true
	}
	return false
}

var loopKeys = []string{"first", "holds", "id", "parent", "loops"}

func (c *compiler) loops(n *yaml.Node, place string, in *loop, names map[string]bool) {
	if strings.Count(place, ".loops") > 8 {
		c.problem(n, place, "loops lie too deep")
		return
	}
	for _, kv := range c.pairs(n, place) {
		here := join(place, kv[0].Value)
		if !c.named(kv[0], here) {
			continue
		}
		if names[kv[0].Value] {
			c.problem(kv[0], here, "another loop has this name")
			continue
		}
		names[kv[0].Value] = true
		l := &loop{name: kv[0].Value, holds: map[string]bool{}, typ: types.NewObjectType("loop." + kv[0].Value)}
		for _, of := range c.pairs(kv[1], here) {
			at := join(here, of[0].Value)
			switch of[0].Value {
			case "first":
				l.first = c.scalar(of[1], at)
			case "holds":
				for i, tag := range c.strings(of[1], at) {
					if !isTag(tag) {
						c.problem(of[1], fmt.Sprintf("%s[%d]", at, i), "%q is not the tag of a segment", tag)
					}
					l.holds[tag] = true
				}
			case "id":
				l.id = c.element(of[1], at)
			case "parent":
				l.parent = c.element(of[1], at)
			case "loops":
				c.loops(of[1], at, l, names)
			default:
				c.unknown(of[0], here, loopKeys)
			}
		}
		switch {
		case !isTag(l.first):
			c.problem(kv[1], join(here, "first"), "%q is not the tag of a segment", l.first)
		case in.begins(l.first) != nil:
			c.problem(kv[1], join(here, "first"), "loop %s begins with %s as well: make them one and tell them apart by LIST.by(\"..\")", in.begins(l.first).name, l.first)
		case (l.id == 0) != (l.parent == 0):
			c.problem(kv[1], here, "a hierarchy needs id and parent: the elements of the number, and of the number above")
		}
		in.inner = append(in.inner, l)
	}
}

func (c *compiler) element(n *yaml.Node, place string) int {
	s := c.scalar(n, place)
	v, err := strconv.Atoi(s)
	if err != nil || v < 1 || v > 99 {
		c.problem(n, place, "%q is not the number of an element", s)
		return 0
	}
	return v
}

var tableKeys = []string{"rows", "file", "key", "value", "default"}

func (c *compiler) tables(n *yaml.Node) {
	for _, kv := range c.pairs(n, "tables") {
		here := join("tables", kv[0].Value)
		if !c.named(kv[0], here) {
			continue
		}
		t := &table{name: kv[0].Value, keys: 1, rows: map[string]string{}}
		var file, value string
		var keys []string
		inline := false
		for _, of := range c.pairs(kv[1], here) {
			at := join(here, of[0].Value)
			switch of[0].Value {
			case "rows":
				inline = true
				for _, row := range c.pairs(of[1], at) {
					t.rows[row[0].Value] = c.scalar(row[1], join(at, row[0].Value))
				}
			case "file":
				file = c.scalar(of[1], at)
			case "key":
				keys = c.strings(of[1], at)
			case "value":
				value = c.scalar(of[1], at)
			case "default":
				v := c.scalar(of[1], at)
				t.fallback = &v
			default:
				c.unknown(of[0], here, tableKeys)
			}
		}
		switch {
		case inline == (file != ""):
			c.problem(kv[0], here, "a table has rows, or a file")
		case inline && (len(keys) > 0 || value != ""):
			c.problem(kv[0], here, "key and value name the columns of a file")
		case !inline && (len(keys) == 0 || len(keys) > 8 || value == ""):
			c.problem(kv[0], here, "key and value name columns of the file: one to eight, and one")
		case !inline:
			t.keys = len(keys)
			if err := c.load(t, file, keys, value); err != nil {
				c.problem(kv[0], join(here, "file"), "%s: %v", file, err)
			}
		}
		c.m.tables = append(c.m.tables, t)
	}
}

func (c *compiler) load(t *table, file string, keys []string, value string) error {
	if c.read == nil {
		return errors.New("this map may name no files")
	}
	raw, err := c.read(file)
	if err != nil {
		return err
	}
	if len(raw) > maxTable {
		return fmt.Errorf("it has more than %d bytes", maxTable)
	}
	return t.readCSV(raw, keys, value)
}

// units are those of the map beside the usual ones.
func (c *compiler) units(n *yaml.Node) {
	for name, u := range measures {
		c.m.units[name] = u
	}
	if n == nil {
		return
	}
	for _, kv := range c.pairs(n, "units") {
		here, name := join("units", kv[0].Value), kv[0].Value
		of, factor := "", ""
		for _, k := range c.pairs(kv[1], here) {
			switch k[0].Value {
			case "of":
				of = c.scalar(k[1], join(here, "of"))
			case "factor":
				factor = c.scalar(k[1], join(here, "factor"))
			default:
				c.unknown(k[0], here, []string{"of", "factor"})
			}
		}
		f, err := parseNumber(factor)
		switch {
		case of == "" || of == name:
			c.problem(kv[0], join(here, "of"), "is the unit that this one is made of; define that first")
		case err != nil || f.Sign() <= 0 || f.Num().BitLen() > maxBits/4 || f.Denom().BitLen() > maxBits/4:
			c.problem(kv[0], join(here, "factor"), "%q is not a positive number, as 12, 0.5 or 1/12", factor)
		default:
			base, ok := c.m.units[of]
			if !ok {
				base = measure{of, one}
				c.m.units[of] = base
			}
			b := bounded(product(base.factor, f.Rat))
			made, ok := b.(number)
			if !ok {
				c.problem(kv[0], join(here, "factor"), "%v", b)
				continue
			}
			c.m.units[name] = measure{base.base, made.Rat}
		}
	}
}

// let names values, each for those behind it.
func (c *compiler) let(n *yaml.Node, place string, env *cel.Env) (*cel.Env, []let) {
	var out []let
	for _, kv := range c.pairs(n, place) {
		here := join(place, kv[0].Value)
		if !c.named(kv[0], here) {
			continue
		}
		e := c.expression(kv[1], here, env)
		if e == nil {
			continue
		}
		if next := c.variable(kv[0], here, env, kv[0].Value, e.typ); next != nil {
			env, out = next, append(out, let{kv[0].Value, e})
		}
	}
	return env, out
}

// variable is env with one more name in it.
func (c *compiler) variable(n *yaml.Node, place string, env *cel.Env, name string, typ *cel.Type) *cel.Env {
	if c.scopes++; c.scopes > maxScopes {
		c.problem(n, place, "there are more than %d names", maxScopes)
		return nil
	}
	next, err := env.Extend(cel.Variable(name, typ))
	if err != nil {
		c.problem(n, place, "%v", err)
		return nil
	}
	return next
}

// orderDocument is what a map of an order makes: the order of the REST door, or what takes one back.
type orderDocument struct {
	custom.Order
	Cancel bool `json:"cancel,omitempty"`
}

// receiptDocument is what a map of a receipt makes: as the REST door has it.
type receiptDocument struct {
	Owner     string        `json:"owner,omitempty"`
	Facility  string        `json:"facility,omitempty"`
	ID        string        `json:"receipt"`
	Kind      string        `json:"kind,omitempty"`
	Supplier  string        `json:"supplier,omitempty"`
	Reference string        `json:"reference,omitempty"`
	Due       time.Time     `json:"due,omitzero"`
	Cancel    bool          `json:"cancel,omitempty"`
	Lines     []receiptLine `json:"lines,omitempty"`
}

type receiptLine struct {
	No      int      `json:"line,omitempty"`
	Item    string   `json:"item"`
	Qty     int64    `json:"qty"`
	UOM     string   `json:"uom,omitempty"`
	Lot     string   `json:"lot,omitempty"`
	Expiry  string   `json:"expiry,omitempty"`
	LPN     string   `json:"lpn,omitempty"`
	Serials []string `json:"serials,omitempty"`
}
