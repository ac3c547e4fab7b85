package mapping

import (
	"math/big"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
	"cel.dev/cel-go/ext"

	"github.com/paklog/hub/transforms/x12wms"
)

// Bounds of expressions and of what they may cost. One unit of cost is about one step of an expression.
const (
	maxExpression = 4_000      // characters
	maxDepth      = 60         // of an expression
	maxLeafCost   = 500_000    // of one expression
	maxCost       = 20_000_000 // of a document
)

// provider knows the types of a map: its set and loops, whose fields are tags and the loops in them.
type provider struct {
	*types.Registry
	loops map[string]*loop // by type name
}

// FindStructType implements [types.Provider].
func (p *provider) FindStructType(name string) (*types.Type, bool) {
	if l, ok := p.loops[name]; ok {
		return types.NewTypeTypeWithParam(l.typ), true
	}
	return p.Registry.FindStructType(name)
}

// FindStructFieldType implements [types.Provider].
func (p *provider) FindStructFieldType(name, field string) (*types.FieldType, bool) {
	l, ok := p.loops[name]
	if !ok {
		return p.Registry.FindStructFieldType(name, field)
	}
	if inner := l.child(field); inner != nil {
		return &types.FieldType{Type: types.NewListType(inner.typ),
			IsSet:   func(on any) bool { n, ok := on.(*node); return ok && len(n.loops[field]) > 0 },
			GetFrom: func(on any) (any, error) { return loopsOf(on, field), nil },
		}, true
	}
	if !isTag(field) {
		return nil, false
	}
	return &types.FieldType{Type: segmentType,
		IsSet: func(on any) bool { n, ok := on.(*node); return ok && len(n.own[field]) > 0 },
		GetFrom: func(on any) (any, error) {
			if n, ok := on.(*node); ok {
				return n.segment(field), nil
			}
			return types.NewErr("%s is asked of no loop", field), nil
		},
	}, true
}

func loopsOf(on any, name string) ref.Val {
	n, ok := on.(*node)
	if !ok {
		return types.NewErr("%s is asked of no loop", name)
	}
	return listOf(n.loops[name])
}

func listOf[T ref.Val](of []T) ref.Val {
	out := make([]ref.Val, len(of))
	for i, v := range of {
		out[i] = v
	}
	return types.NewRefValList(types.DefaultTypeAdapter, out)
}

// isTag reports whether a name is written as a segment's.
func isTag(s string) bool {
	return len(s) >= 2 && len(s) <= 3 && strings.IndexFunc(s, func(r rune) bool { return (r < 'A' || r > 'Z') && (r < '0' || r > '9') }) < 0
}

// newEnv declares what all expressions of a map may use, variables aside.
func (m *Map) newEnv() (*cel.Env, error) {
	registry, err := types.NewRegistry()
	if err != nil {
		return nil, err
	}
	p := &provider{registry, map[string]*loop{}}
	opts := []cel.EnvOption{
		cel.CustomTypeAdapter(registry), cel.CustomTypeProvider(p),
		cel.ParserExpressionSizeLimit(maxExpression), cel.ParserRecursionLimit(maxDepth),
		ext.Strings(ext.StringsVersion(3)),
		cel.Function(operators.Index, cel.Overload("segment_index", []*cel.Type{segmentType, cel.IntType}, cel.StringType)), // segment.Get
	}
	opts = slices.Concat(opts, segmentFunctions(), numberFunctions(m.units), m.textFunctions())
	for _, l := range m.root.all() {
		p.loops[l.typ.TypeName()] = l
		opts = append(opts, l.functions()...)
	}
	for _, t := range m.tables {
		opts = append(opts, t.function())
	}
	opts = append(opts, cel.Variable("set", m.root.typ))
	env, err := cel.NewEnv(opts...)
	if err != nil {
		return nil, err
	}
	_, issues := env.Compile("true") // names that exclude each other are seen here
	return env, issues.Err()
}

func segmentFunctions() []cel.EnvOption {
	list := cel.ListType(segmentType)
	return []cel.EnvOption{
		cel.Function("at", cel.MemberOverload("segment_at", []*cel.Type{segmentType, cel.IntType, cel.IntType}, cel.StringType,
			cel.FunctionBinding(func(a ...ref.Val) ref.Val {
				return a[0].(*segment).value(int64(a[1].(types.Int)), int64(a[2].(types.Int)))
			}))),
		cel.Function("pair", cel.MemberOverload("segment_pair", []*cel.Type{segmentType, cel.StringType, cel.IntType}, cel.StringType,
			cel.FunctionBinding(func(a ...ref.Val) ref.Val {
				return a[0].(*segment).pair(string(a[1].(types.String)), int64(a[2].(types.Int)))
			}))),
		cel.Function("repeats", cel.MemberOverload("segment_repeats", []*cel.Type{segmentType, cel.IntType}, cel.ListType(cel.StringType),
			cel.BinaryBinding(func(s, n ref.Val) ref.Val {
				of, at := s.(*segment), int64(n.(types.Int))
				if of.is == nil || at < 1 || at > int64(of.is.Len()) {
					return listOf([]types.String{})
				}
				var out []types.String
				for _, t := range of.is.all(int(at)) {
					out = append(out, types.String(of.src.note(t)))
				}
				return listOf(out)
			}))),
		cel.Function("by", cel.MemberOverload("segments_by", []*cel.Type{list, cel.StringType}, segmentType,
			cel.BinaryBinding(func(of, q ref.Val) ref.Val {
				return first(of, q, func(s *segment) *segment { return s }, func(s *segment) *segment {
					return &segment{src: s.src, tag: s.tag, near: s.near}
				}, &segment{src: &source{}, tag: "segment"})
			}))),
	}
}

// first is the first of a list whose segment's first element is a qualifier; else what absent makes of
// one of the list, or none where the list is empty.
func first[T ref.Val](of, qualifier ref.Val, segmentOf func(T) *segment, absent func(T) T, none T) ref.Val {
	l, ok := of.(traits.Lister)
	if !ok {
		return types.MaybeNoSuchOverloadErr(of)
	}
	n, _ := l.Size().(types.Int)
	for i := range n {
		one, ok := l.Get(i).(T)
		if !ok {
			return types.NewErr("the list holds what no document does")
		}
		if s := segmentOf(one); s != nil && s.text(1, 1).Value == string(qualifier.(types.String)) {
			return one
		}
		if i == n-1 {
			return absent(one)
		}
	}
	return none
}

// functions are those that a loop's type has: all of a tag, one by its qualifier, and those above.
func (l *loop) functions() []cel.EnvOption {
	name := l.typ.TypeName()
	return []cel.EnvOption{
		cel.Function("every", cel.MemberOverload(name+"_every", []*cel.Type{l.typ, cel.StringType}, cel.ListType(segmentType),
			cel.BinaryBinding(func(n, tag ref.Val) ref.Val {
				of, id := n.(*node), string(tag.(types.String))
				if have := of.own[id]; len(have) > 0 {
					return listOf(have)
				}
				return listOf([]*segment{of.segment(id)})
			}))),
		cel.Function("by", cel.MemberOverload(name+"_by", []*cel.Type{cel.ListType(l.typ), cel.StringType}, l.typ,
			cel.BinaryBinding(func(of, q ref.Val) ref.Val {
				return first(of, q, func(n *node) *segment { return n.first }, func(n *node) *node { return newNode(n.src, l, n.near) },
					newNode(&source{}, l, x12wms.Place{}))
			}))),
		cel.Function("above", cel.MemberOverload(name+"_above", []*cel.Type{l.typ}, cel.ListType(l.typ),
			cel.UnaryBinding(func(n ref.Val) ref.Val {
				var out []*node
				for at := n.(*node).parent; at != nil; at = at.parent {
					out = append(out, at)
				}
				return listOf(out)
			}))),
	}
}

func numberFunctions(units map[string]measure) []cel.EnvOption {
	parse := func(s ref.Val) ref.Val {
		n, err := parseNumber(string(s.(types.String)))
		if err != nil {
			return types.WrapErr(err)
		}
		return n
	}
	// What operators do is said by the methods of number.
	operator := func(name, id string, result *cel.Type) cel.EnvOption {
		return cel.Function(name, cel.Overload("number_"+id, []*cel.Type{numberType, numberType}, result))
	}
	leave := func(name, how string) cel.EnvOption {
		return cel.Function(name, cel.MemberOverload("number_"+name, []*cel.Type{numberType}, cel.IntType,
			cel.UnaryBinding(func(n ref.Val) ref.Val { return n.(number).whole(how) })))
	}
	return []cel.EnvOption{
		cel.Function("num", cel.Overload("num_string", []*cel.Type{cel.StringType}, numberType, cel.UnaryBinding(parse)),
			cel.Overload("num_int", []*cel.Type{cel.IntType}, numberType,
				cel.UnaryBinding(func(n ref.Val) ref.Val { return number{new(big.Rat).SetInt64(int64(n.(types.Int)))} }))),
		operator(operators.Add, "add", numberType), operator(operators.Subtract, "subtract", numberType),
		operator(operators.Multiply, "multiply", numberType), operator(operators.Divide, "divide", numberType),
		operator(operators.Less, "less", cel.BoolType), operator(operators.LessEquals, "less_equals", cel.BoolType),
		operator(operators.Greater, "greater", cel.BoolType), operator(operators.GreaterEquals, "greater_equals", cel.BoolType),
		leave("whole", ""), leave("up", "up"), leave("down", "down"), leave("near", "near"),
		cel.Function("text", cel.MemberOverload("number_text", []*cel.Type{numberType}, cel.StringType,
			cel.UnaryBinding(func(n ref.Val) ref.Val { return n.(number).text(-1, "") })),
			cel.MemberOverload("number_text_places", []*cel.Type{numberType, cel.IntType, cel.StringType}, cel.StringType,
				cel.FunctionBinding(func(a ...ref.Val) ref.Val {
					how := string(a[2].(types.String))
					if how != "up" && how != "down" && how != "near" {
						return types.NewErr("rounding %q is none of up, down, near", how)
					}
					places := int64(a[1].(types.Int))
					return a[0].(number).text(max(places, 0), how)
				}))),
		cel.Function("convert", cel.MemberOverload("number_convert", []*cel.Type{numberType, cel.StringType, cel.StringType}, numberType,
			cel.FunctionBinding(func(a ...ref.Val) ref.Val {
				return convert(units, a[0].(number), string(a[1].(types.String)), string(a[2].(types.String)))
			}))),
	}
}

// textFunctions are those of text and days.
func (m *Map) textFunctions() []cel.EnvOption {
	one := func(name string, do func(string) (string, error)) cel.EnvOption {
		return cel.Function(name, cel.Overload(name+"_string", []*cel.Type{cel.StringType}, cel.StringType,
			cel.UnaryBinding(func(s ref.Val) ref.Val { return textOr(do(string(s.(types.String)))) })))
	}
	two := func(name string, do func(a, b string) (string, error)) cel.EnvOption {
		return cel.Function(name, cel.Overload(name+"_string_string", []*cel.Type{cel.StringType, cel.StringType}, cel.StringType,
			cel.BinaryBinding(func(a, b ref.Val) ref.Val { return textOr(do(string(a.(types.String)), string(b.(types.String)))) })))
	}
	return []cel.EnvOption{
		one("day", m.day), one("day_end", m.dayEnd), one("date", m.date), two("moment", m.moment), two("written", m.written),
		cel.Function("pick", cel.Overload("pick_strings", []*cel.Type{cel.ListType(cel.StringType)}, cel.StringType,
			cel.UnaryBinding(func(of ref.Val) ref.Val {
				l := of.(traits.Lister)
				n, _ := l.Size().(types.Int)
				for i := range n {
					if v := l.Get(i); v != types.String("") {
						return v
					}
				}
				return types.String("")
			}))),
		cel.Function("fail", cel.Overload("fail_string", []*cel.Type{cel.StringType}, cel.DynType,
			cel.UnaryBinding(func(why ref.Val) ref.Val { return types.NewErr("%s", string(why.(types.String))) }))),
	}
}

func textOr(s string, err error) ref.Val {
	if err != nil {
		return types.WrapErr(err)
	}
	return types.String(s)
}

// estimator charges what functions cost that look through lists or long texts.
type estimator struct{}

// CallCost implements [cost.ActualCostEstimator].
func (estimator) CallCost(_, overload string, args []ref.Val, _ ref.Val) *uint64 {
	n := uint64(1)
	switch {
	case strings.HasSuffix(overload, "_by"), overload == "pick_strings":
		if l, ok := args[0].(traits.Lister); ok {
			if size, ok := l.Size().(types.Int); ok {
				n += uint64(max(size, 0))
			}
		}
	case strings.HasSuffix(overload, "_every"):
		if of, ok := args[0].(*node); ok {
			n += uint64(len(of.own[string(args[1].(types.String))]))
		}
	case overload == "segment_pair":
		if s := args[0].(*segment); s.is != nil {
			n += uint64(s.is.Len())
		}
	case strings.HasSuffix(overload, "_above"), strings.HasPrefix(overload, "number_"), strings.HasPrefix(overload, "num_"):
		n += 20
	default:
		return nil
	}
	return &n
}
