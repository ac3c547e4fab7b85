package shopifysim

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator"
	"github.com/vektah/gqlparser/v2/validator/rules"
)

// obj is an object of the answer: values by the names of fields. A value may be a func of the
// field's arguments.
type obj map[string]any

type call func(args map[string]any) any

// document is a call that was parsed.
type document struct {
	doc  *ast.QueryDocument
	errs gqlerror.List
}

// parse reads a call, and names it by its first field.
func parse(req request) (Op, document) {
	doc, err := parser.ParseQuery(&ast.Source{Input: req.Query})
	if err != nil {
		return "syntax", document{nil, gqlerror.List{gqlerror.Wrap(err)}}
	}
	op := Op("empty")
	if o := operation(doc, req.OperationName); o != nil {
		for _, sel := range o.SelectionSet {
			if f, ok := sel.(*ast.Field); ok {
				op = Op(f.Name)
				break
			}
		}
	}
	return op, document{doc, validator.ValidateWithRules(loadSchema(), doc, rules.NewDefaultRules())}
}

func operation(doc *ast.QueryDocument, name string) *ast.OperationDefinition {
	if name != "" {
		return doc.Operations.ForName(name)
	}
	if len(doc.Operations) == 0 {
		return nil
	}
	return doc.Operations[0]
}

// fail is an error of a call as a whole.
type fail struct {
	message, code string
	path          []any
	more          obj
}

func (f fail) Error() string { return f.message }

func (f fail) wire() obj {
	ext := obj{"code": f.code}
	for k, v := range f.more {
		ext[k] = v
	}
	out := obj{"message": f.message, "extensions": ext}
	if f.path != nil {
		out["path"] = f.path
	}
	return out
}

// answer runs a call.
func (s *Sim) answer(d document, req request) obj {
	if len(d.errs) > 0 {
		var errs []any
		for _, e := range d.errs {
			errs = append(errs, schemaError(e).wire())
		}
		return obj{"errors": errs}
	}
	op := operation(d.doc, req.OperationName)
	if op == nil {
		return obj{"errors": []any{fail{message: "An operation name is required", code: "missingOperation"}.wire()}}
	}
	vars, err := validator.VariableValues(loadSchema(), op, req.Variables)
	if err != nil {
		return obj{"errors": []any{variableError(op, err).wire()}}
	}
	requested := 0
	for _, sel := range op.SelectionSet {
		requested += cost(sel, vars)
	}
	if op.Operation == ast.Mutation {
		requested = max(10, requested+9)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.hooks.wake()
	status := func(actual any) obj {
		return obj{"cost": obj{"requestedQueryCost": requested, "actualQueryCost": actual, "throttleStatus": obj{
			"maximumAvailable": float64(s.opts.Bucket), "currentlyAvailable": int(s.points), "restoreRate": float64(s.opts.Restore),
		}}}
	}
	if requested > 1000 {
		return obj{"errors": []any{fail{message: fmt.Sprintf("Query cost is %d, which exceeds the single query max cost limit (1000).", requested), code: "MAX_COST_EXCEEDED"}.wire()}, "extensions": status(nil)}
	}
	if !s.holds(requested) {
		return obj{"errors": []any{fail{message: "Throttled", code: "THROTTLED"}.wire()}, "extensions": status(nil)}
	}
	x := &execution{s: s, vars: vars, doc: d.doc}
	s.vars = vars
	root := s.queries
	if op.Operation == ast.Mutation {
		root = s.mutations
	}
	data := obj{}
	x.into(data, op.SelectionSet, nil, root)
	actual := x.objects
	if op.Operation == ast.Mutation {
		actual = max(10, actual+9)
	}
	s.points -= float64(min(actual, requested))
	out := obj{"data": data, "extensions": status(actual)}
	if len(x.errs) > 0 {
		out["errors"] = x.errs
	}
	return out
}

// execution is one run of a call.
type execution struct {
	s       *Sim
	doc     *ast.QueryDocument
	vars    map[string]any
	objects int
	path    []any
	errs    []any
}

// into fills in what is selected. With root the fields are those of the query or mutation.
func (x *execution) into(out obj, set ast.SelectionSet, of obj, root func(name string, args map[string]any, f *ast.Field) (any, error)) {
	for _, sel := range set {
		switch sel := sel.(type) {
		case *ast.InlineFragment:
			if x.skipped(sel.Directives) || sel.TypeCondition != "" && of != nil && !is(of, sel.TypeCondition) {
				continue
			}
			x.into(out, sel.SelectionSet, of, root)
		case *ast.FragmentSpread:
			if x.skipped(sel.Directives) || of != nil && !is(of, sel.Definition.TypeCondition) {
				continue
			}
			x.into(out, sel.Definition.SelectionSet, of, root)
		case *ast.Field:
			if x.skipped(sel.Directives) {
				continue
			}
			name := sel.Alias
			x.path = append(x.path, name)
			var v any
			switch {
			case sel.Name == "__typename" && of == nil:
				v = "QueryRoot"
			case root != nil:
				var err error
				if v, err = root(sel.Name, sel.ArgumentMap(x.vars), sel); err != nil {
					f, ok := err.(fail) //nolint:errorlint // made here
					if !ok {
						f = fail{message: err.Error(), code: "INTERNAL_SERVER_ERROR"}
					}
					if f.path == nil {
						f.path = []any{name}
					}
					x.errs = append(x.errs, f.wire())
				}
			default:
				var modelled bool
				if v, modelled = of[sel.Name]; !modelled && sel.Definition != nil {
					v = bare(of, sel.Definition.Type, sel.ArgumentMap(x.vars))
				}
				if f, ok := v.(call); ok {
					v = f(sel.ArgumentMap(x.vars))
				}
			}
			if v != nil && sel.Name == "heldByApp" && !slices.Contains(x.s.opts.Scopes, "read_apps") {
				v = nil
				x.errs = append(x.errs, fail{
					message: "Access denied for heldByApp field. Required access: `read_apps` access scope.", code: "ACCESS_DENIED", path: slices.Clone(x.path),
					more: obj{"documentation": "https://shopify.dev/api/usage/access-scopes", "requiredAccess": "`read_apps` access scope."},
				}.wire())
			}
			got := x.value(v, sel)
			x.path = x.path[:len(x.path)-1]
			if had, ok := out[name].(obj); ok { // selected in two places
				if again, ok := got.(obj); ok {
					for k, v := range again {
						had[k] = v
					}
					continue
				}
			}
			out[name] = got
		}
	}
}

// bare is what a field says that has no state behind it: nothing, in the shape of its type.
func bare(of obj, t *ast.Type, args map[string]any) any {
	name := t.Name()
	switch {
	case name == "MoneyBag" && t.Elem == nil:
		if m, ok := of["money"].(obj); ok {
			return m
		}
		return moneyBag(0, "USD")
	case strings.HasSuffix(name, "Connection"):
		return page(nil, args)
	case t.Elem != nil && t.NonNull:
		return []any{}
	case !t.NonNull:
		return nil
	}
	switch def := loadSchema().Types[name]; {
	case name == "Boolean":
		return false
	case name == "Int":
		return 0
	case def.Kind == ast.Enum:
		return def.EnumValues[0].Name
	case def.Kind == ast.Scalar:
		return ""
	}
	return obj{"__typename": name}
}

// moneyBag is an amount in hundredths.
func moneyBag(cents int, currency string) obj {
	m := obj{"__typename": "MoneyV2", "amount": fmt.Sprintf("%d.%d", cents/100, cents%100/10), "currencyCode": currency}
	return obj{"__typename": "MoneyBag", "shopMoney": m, "presentmentMoney": m}
}

func (x *execution) value(v any, f *ast.Field) any {
	switch v := v.(type) {
	case obj:
		if v == nil {
			return nil
		}
		x.objects++
		out := obj{}
		x.into(out, f.SelectionSet, v, nil)
		return out
	case []any:
		list := make([]any, len(v))
		for i, one := range v {
			x.path = append(x.path, i)
			list[i] = x.value(one, f)
			x.path = x.path[:len(x.path)-1]
		}
		return list
	}
	return v
}

func (x *execution) skipped(ds ast.DirectiveList) bool {
	on := func(name string, unless bool) bool {
		d := ds.ForName(name)
		if d == nil {
			return false
		}
		v, _ := d.ArgumentMap(x.vars)["if"].(bool)
		return v != unless
	}
	return on("skip", false) || on("include", true)
}

// is reports whether an object is of a type or implements it.
func is(o obj, typ string) bool {
	name, _ := o["__typename"].(string)
	if name == typ {
		return true
	}
	def := loadSchema().Types[name]
	if def == nil {
		return false
	}
	for _, i := range def.Interfaces {
		if i == typ {
			return true
		}
	}
	return false
}

// cost is what a field asks for: an object one point, a list less for each that follows.
func cost(sel ast.Selection, vars map[string]any) int {
	var set ast.SelectionSet
	own, times := 0, 1.0
	switch sel := sel.(type) {
	case *ast.InlineFragment:
		set = sel.SelectionSet
	case *ast.FragmentSpread:
		set = sel.Definition.SelectionSet
	case *ast.Field:
		if set = sel.SelectionSet; len(set) == 0 {
			return 0
		}
		own = 1
		args := sel.ArgumentMap(vars)
		for _, name := range []string{"first", "last"} {
			if n, ok := number(args[name]); ok && n > 1 {
				times = math.Sqrt(float64(n))
			}
		}
		if sel.Name == "nodes" || sel.Name == "edges" || sel.Name == "pageInfo" || strings.HasSuffix(sel.Name, "Errors") {
			own = 0
		}
	}
	inner := 0
	for _, s := range set {
		inner += cost(s, vars)
	}
	return own + int(math.Ceil(float64(inner)*times))
}
