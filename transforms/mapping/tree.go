package mapping

import (
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
	"unicode/utf8"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"go.yaml.in/yaml/v3"
)

// expression is a compiled leaf.
type expression struct {
	prog         cel.Program
	typ          *cel.Type
	place        string
	line, column int
}

// let is a named value.
type let struct {
	name string
	is   *expression
}

// tree is what makes one value: a leaf, an object or a list.
type tree struct {
	place        string
	line, column int
	shape        *shape

	leaf     *expression
	constant any // of leaves that stand for themselves
	fields   []branch
	items    []*tree // of a list
	isList   bool

	each     *expression // of an object or leaf that makes a list
	as       string
	when     *expression
	lets     []let
	fallback *tree
	required string
}

type branch struct {
	key string
	is  *tree
}

var one = big.NewRat(1, 1)

func product(a, b *big.Rat) *big.Rat { return new(big.Rat).Mul(a, b) }

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

var directives = []string{"$each", "$as", "$when", "$let", "$value", "$default", "$required"}

// tree compiles what stands at a place where a shape is due.
func (c *compiler) tree(n *yaml.Node, place string, want *shape, env *cel.Env, depth int) *tree {
	r := c.resolve(n, place)
	if r == nil {
		return nil
	}
	if depth > maxNesting {
		c.problem(n, place, "the tree is deeper than %d", maxNesting)
		return nil
	}
	t := &tree{place: place, line: n.Line, column: n.Column, shape: want}
	switch r.Kind {
	case yaml.ScalarNode:
		return c.leaf(t, n, r, env)
	case yaml.SequenceNode:
		if want.kind != list && want.kind != anything {
			c.problem(n, place, "a list stands where %s is due", kindNames[want.kind])
			return nil
		}
		t.isList = true
		of := free
		if want.of != nil {
			of = want.of
		}
		for i, one := range r.Content {
			t.items = append(t.items, c.item(one, fmt.Sprintf("%s[%d]", place, i), of, env, depth+1))
		}
		return t
	case yaml.MappingNode:
		return c.object(t, r, env, depth)
	}
	c.problem(n, place, "nothing can be made of this")
	return nil
}

// item is an item of a list: one with $each makes several.
func (c *compiler) item(n *yaml.Node, place string, of *shape, env *cel.Env, depth int) *tree {
	want := of
	if r := n; r.Kind == yaml.MappingNode {
		for i := 0; i < len(r.Content); i += 2 {
			if r.Content[i].Value == "$each" {
				want = &shape{kind: list, of: of}
			}
		}
	}
	return c.tree(n, place, want, env, depth)
}

func (c *compiler) leaf(t *tree, n, r *yaml.Node, env *cel.Env) *tree {
	switch r.Tag {
	case "!!bool", "!!int":
		v := any(r.Value == "true" || r.Value == "True" || r.Value == "TRUE")
		ok := t.shape.kind == truth || t.shape.kind == anything
		if r.Tag == "!!int" {
			var i int64
			if err := r.Decode(&i); err != nil {
				c.problem(n, t.place, "%q does not fit in 64 bits", r.Value)
				return nil
			}
			v, ok = i, t.shape.kind == whole || t.shape.kind == anything
		}
		if !ok {
			c.problem(n, t.place, "%s stands where %s is due: text is written as \"'%s'\"", r.Value, kindNames[t.shape.kind], r.Value)
			return nil
		}
		t.constant = v
		return t
	case "!!str":
		if t.shape.kind == tagName {
			if !isTag(r.Value) {
				c.problem(n, t.place, "%q is not the tag of a segment", r.Value)
				return nil
			}
			t.constant = r.Value
			return t
		}
	case "!!null":
		c.problem(n, t.place, "is empty: give an expression, or leave the key out")
		return nil
	default:
		c.problem(n, t.place, "%s is neither an expression nor a whole number: text is written as \"'%s'\"", r.Value, r.Value)
		return nil
	}
	if t.leaf = c.expression(n, t.place, env); t.leaf == nil {
		return nil
	}
	if ok, hint := t.shape.takes(t.leaf.typ); !ok {
		c.problem(n, t.place, "%s is due, and the expression gives %s: %s", kindNames[t.shape.kind], typeName(t.leaf.typ), hint)
	}
	return t
}

func typeName(t *cel.Type) string {
	if l, ok := strings.CutPrefix(t.TypeName(), "loop."); ok {
		return "loop " + l
	}
	return t.String()
}

// object compiles keys; those with a $ direct.
func (c *compiler) object(t *tree, r *yaml.Node, env *cel.Env, depth int) *tree {
	at := map[string]*yaml.Node{}
	var fields [][2]*yaml.Node
	for _, kv := range c.pairs(r, t.place) {
		switch {
		case !strings.HasPrefix(kv[0].Value, "$"):
			fields = append(fields, kv)
		case !slices.Contains(directives, kv[0].Value):
			c.unknown(kv[0], t.place, directives)
			return nil
		default:
			at[kv[0].Value] = kv[1]
		}
	}
	of := t.shape
	if n := at["$each"]; n != nil {
		if env = c.each(t, n, at["$as"], env); env == nil {
			return nil
		}
		switch {
		case t.shape.kind == list:
			of = t.shape.of
		case t.shape.kind != anything:
			c.problem(n, t.place, "$each makes a list where %s is due", kindNames[t.shape.kind])
			return nil
		}
	} else if n := at["$as"]; n != nil {
		c.problem(n, join(t.place, "$as"), "names an item of $each, which is missing")
	}
	if n := at["$let"]; n != nil {
		env, t.lets = c.let(n, join(t.place, "$let"), env)
	}
	t.when = c.condition(at["$when"], join(t.place, "$when"), env)
	if n := at["$required"]; n != nil {
		if t.required = c.scalar(n, join(t.place, "$required")); t.required == "" {
			c.problem(n, join(t.place, "$required"), "says what the sender is to do")
		}
	}
	if n := at["$value"]; n != nil {
		if len(fields) > 0 {
			c.problem(fields[0][0], join(t.place, fields[0][0].Value), "stands beside $value, which is all that there is")
			return nil
		}
		// The value is a leaf of its own, so that its default may be one too.
		t.items = []*tree{c.tree(n, join(t.place, "$value"), of, env, depth+1)}
		if d := at["$default"]; d != nil {
			t.fallback = c.tree(d, join(t.place, "$default"), of, env, depth+1)
		}
		return t
	}
	if n := at["$default"]; n != nil {
		c.problem(n, join(t.place, "$default"), "stands beside $value")
	}
	if of.kind != object && of.kind != anything {
		at := r
		if len(fields) > 0 {
			at = fields[0][0]
		}
		hint := ""
		if of.kind == list {
			hint = ": begin it with $each, or with a dash"
		}
		c.problem(at, t.place, "an object stands where %s is due%s", kindNames[of.kind], hint)
		return nil
	}
	t.fields = []branch{}
	for _, kv := range fields {
		sh := of.field(kv[0].Value)
		if sh == nil {
			c.unknown(kv[0], t.place, of.names)
			continue
		}
		t.fields = append(t.fields, branch{kv[0].Value, c.tree(kv[1], join(t.place, kv[0].Value), sh, env, depth+1)})
	}
	if of == changeShape {
		c.changes(r, t)
	}
	return t
}

// condition compiles what is true or false; n is nil where there is none.
func (c *compiler) condition(n *yaml.Node, place string, env *cel.Env) *expression {
	if n == nil {
		return nil
	}
	e := c.expression(n, place, env)
	if e != nil && e.typ.Kind() != types.BoolKind && e.typ.Kind() != types.DynKind {
		c.problem(n, place, "true or false is due, and the expression gives %s", typeName(e.typ))
	}
	return e
}

// each compiles $each and $as, and gives the scope of an item.
func (c *compiler) each(t *tree, n, as *yaml.Node, env *cel.Env) *cel.Env {
	t.as = "it"
	if as != nil {
		if !c.named(&yaml.Node{Kind: yaml.ScalarNode, Value: c.scalar(as, join(t.place, "$as")), Line: as.Line, Column: as.Column}, join(t.place, "$as")) {
			return nil
		}
		t.as = as.Value
	}
	if t.each = c.expression(n, join(t.place, "$each"), env); t.each == nil {
		return nil
	}
	item := cel.DynType
	switch t.each.typ.Kind() {
	case types.ListKind:
		item = t.each.typ.Parameters()[0]
	case types.DynKind:
	default:
		c.problem(n, join(t.place, "$each"), "a list is due, and the expression gives %s", typeName(t.each.typ))
		return nil
	}
	if env = c.variable(n, t.place, env, t.as, item); env == nil {
		return nil
	}
	return c.variable(n, t.place, env, "index", cel.IntType)
}

// expression compiles one.
func (c *compiler) expression(n *yaml.Node, place string, env *cel.Env) *expression {
	r := c.resolve(n, place)
	if r == nil {
		return nil
	}
	if r.Kind != yaml.ScalarNode || strings.TrimSpace(r.Value) == "" {
		c.problem(n, place, "an expression stands here")
		return nil
	}
	if utf8.RuneCountInString(r.Value) > maxExpression {
		c.problem(n, place, "an expression has at most %d characters", maxExpression)
		return nil
	}
	ast, issues := env.Compile(r.Value)
	if issues.Err() != nil {
		for _, e := range issues.Errors() {
			line, column := c.within(r, e.Location.Line(), e.Location.Column())
			c.problemAt(line, column, place, e.Message)
		}
		return nil
	}
	for _, t := range ast.NativeRep().TypeMap() {
		if t.Kind() == types.DoubleKind {
			c.problem(n, place, "there are no floating-point numbers: num(\"1.5\") is exact")
			return nil
		}
	}
	prog, err := env.Program(ast, cel.CostLimit(maxLeafCost), cel.CostTracking(estimator{}))
	if err != nil {
		c.problem(n, place, "%v", err)
		return nil
	}
	return &expression{prog, ast.OutputType(), place, n.Line, n.Column}
}

// within is where in the file a place of an expression stands: line from 1, column from 0.
func (c *compiler) within(n *yaml.Node, line, column int) (int, int) {
	quoted := n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0
	switch {
	case n.Style&yaml.LiteralStyle != 0:
		if at := n.Line + line - 1; at < len(c.lines) {
			text := c.lines[at]
			return at + 1, len(text) - len(strings.TrimLeft(text, " ")) + 1 + column
		}
	case line > 1 || n.Style&yaml.FoldedStyle != 0: // the lines were joined
	case quoted:
		return n.Line, n.Column + 1 + column
	default:
		return n.Line, n.Column + column
	}
	return n.Line, n.Column
}
