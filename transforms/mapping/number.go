package mapping

import (
	"fmt"
	"math/big"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

var numberType = types.NewObjectType("number", traits.AdderType|traits.SubtractorType|traits.MultiplierType|traits.DividerType|traits.ComparerType)

// maxBits bounds the numerator and denominator of a number: some 300 digits.
const maxBits = 1024

// number is an exact rational.
type number struct{ *big.Rat }

// decimal is a number as documents have it: with a point or, as EDIFACT may, a comma.
var decimal = regexp.MustCompile(`^[+-]?[0-9]{1,60}([.,][0-9]{0,60})?$|^[+-]?[.,][0-9]{1,60}$`)

// parseNumber reads a decimal, or a fraction "1/12".
func parseNumber(s string) (number, error) {
	above, below, fraction := strings.Cut(s, "/")
	r := new(big.Rat)
	if !decimal.MatchString(above) {
		return number{}, fmt.Errorf("%q is not a number", s)
	}
	r.SetString(strings.Replace(above, ",", ".", 1))
	if fraction {
		d, err := parseNumber(below)
		if err != nil || d.Sign() == 0 || strings.Contains(below, "/") {
			return number{}, fmt.Errorf("%q is not a number", s)
		}
		r.Quo(r, d.Rat)
	}
	return number{r}, nil
}

// bounded refuses what grew too long.
func bounded(r *big.Rat) ref.Val {
	if r.Num().BitLen() > maxBits || r.Denom().BitLen() > maxBits {
		return types.NewErr("the number has too many digits")
	}
	return number{r}
}

// whole is n as an integer, rounded as how says; "" is not at all.
func (n number) whole(how string) ref.Val {
	q, r := new(big.Int).QuoRem(n.Num(), n.Denom(), new(big.Int)) // toward zero
	away := big.NewInt(int64(n.Sign()))
	switch {
	case r.Sign() == 0:
	case how == "":
		return types.NewErr("%s is not a whole number", n.shown())
	case how == "up" && n.Sign() > 0, how == "down" && n.Sign() < 0:
		q.Add(q, away)
	case how == "near" && r.Abs(r).Lsh(r, 1).Cmp(n.Denom()) >= 0: // halves go away from zero
		q.Add(q, away)
	}
	if !q.IsInt64() {
		return types.NewErr("%s does not fit in 64 bits", n.shown())
	}
	return types.Int(q.Int64())
}

// text is n with so many decimal places, rounded as how says. "" must not lose anything; places
// below 0 are then as many as it takes.
func (n number) text(places int64, how string) ref.Val {
	const most = 18
	if how == "" && places < 0 {
		for places = 0; places <= most; places++ {
			if scaled := scale(n.Rat, places); scaled.IsInt() {
				return types.String(n.FloatString(int(places)))
			}
		}
		return types.NewErr("%s has no end as a decimal: say text(places, \"up\")", n.RatString())
	}
	if places < 0 || places > most {
		return types.NewErr("%d places: there are 0 to %d", places, most)
	}
	v := number{scale(n.Rat, places)}.whole(how)
	i, ok := v.(types.Int)
	if !ok {
		return v
	}
	return types.String(new(big.Rat).SetFrac(big.NewInt(int64(i)), pow10(places)).FloatString(int(places)))
}

func scale(r *big.Rat, places int64) *big.Rat {
	return new(big.Rat).Mul(r, new(big.Rat).SetInt(pow10(places)))
}

func pow10(n int64) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(n), nil) }

func (n number) shown() string {
	if n.IsInt() {
		return n.Num().String()
	}
	if s, ok := n.text(-1, "").(types.String); ok {
		return string(s)
	}
	return n.RatString()
}

// with does what two numbers do with each other.
func (n number) with(other ref.Val, do func(a, b *big.Rat) ref.Val) ref.Val {
	o, ok := other.(number)
	if !ok {
		return types.MaybeNoSuchOverloadErr(other)
	}
	return do(n.Rat, o.Rat)
}

// Add implements [traits.Adder].
func (n number) Add(other ref.Val) ref.Val {
	return n.with(other, func(a, b *big.Rat) ref.Val { return bounded(new(big.Rat).Add(a, b)) })
}

// Subtract implements [traits.Subtractor].
func (n number) Subtract(other ref.Val) ref.Val {
	return n.with(other, func(a, b *big.Rat) ref.Val { return bounded(new(big.Rat).Sub(a, b)) })
}

// Multiply implements [traits.Multiplier].
func (n number) Multiply(other ref.Val) ref.Val {
	return n.with(other, func(a, b *big.Rat) ref.Val { return bounded(product(a, b)) })
}

// Divide implements [traits.Divider].
func (n number) Divide(other ref.Val) ref.Val {
	return n.with(other, func(a, b *big.Rat) ref.Val {
		if b.Sign() == 0 {
			return types.NewErr("division by zero")
		}
		return bounded(new(big.Rat).Quo(a, b))
	})
}

// Compare implements [traits.Comparer].
func (n number) Compare(other ref.Val) ref.Val {
	return n.with(other, func(a, b *big.Rat) ref.Val { return types.Int(a.Cmp(b)) })
}

// ConvertToNative implements [ref.Val].
func (n number) ConvertToNative(t reflect.Type) (any, error) {
	return nil, fmt.Errorf("a number is no %v", t)
}

// ConvertToType implements [ref.Val].
func (n number) ConvertToType(t ref.Type) ref.Val {
	if t == types.StringType {
		return n.text(-1, "")
	}
	return types.NewErr("a number is no %s", t.TypeName())
}

// Equal implements [ref.Val].
func (n number) Equal(other ref.Val) ref.Val {
	o, ok := other.(number)
	return types.Bool(ok && n.Cmp(o.Rat) == 0)
}

// Type implements [ref.Val].
func (n number) Type() ref.Type { return numberType }

// Value implements [ref.Val].
func (n number) Value() any { return n.Rat }

// A measure is a unit as so many of the base of its kind.
type measure struct {
	base   string
	factor *big.Rat
}

// measures are the units that maps can convert between: their symbols, and the codes of X12
// (data element 355) and of EDIFACT (6411). Factors are exact by definition: 1 lb is
// 453592.37 mg and 1 in 25400 um (the international yard and pound agreement of 1959).
var measures = func() map[string]measure {
	out := map[string]measure{}
	for _, kind := range [...]struct{ base, units string }{
		{"mg", "mg=1 ME=1 MGM=1 g=1000 GR=1000 GRM=1000 kg=1000000 KG=1000000 KGM=1000000 t=1000000000 TNE=1000000000 lb=453592.37 LB=453592.37 LBR=453592.37 oz=28349.523125 OZ=28349.523125 ONZ=28349.523125"},
		{"um", "um=1 mm=1000 MM=1000 MMT=1000 cm=10000 CM=10000 CMT=10000 m=1000000 MR=1000000 MTR=1000000 in=25400 IN=25400 INH=25400 ft=304800 FT=304800 FOT=304800 yd=914400 YD=914400 YRD=914400"},
		{"mm3", "mm3=1 MMQ=1 cm3=1000 CC=1000 CMQ=1000 ml=1000 ML=1000 MLT=1000 l=1000000 LT=1000000 LTR=1000000 m3=1000000000 CR=1000000000 MTQ=1000000000 in3=16387.064 CI=16387.064 INQ=16387.064 ft3=28316846.592 CF=28316846.592 FTQ=28316846.592"},
	} {
		for _, u := range strings.Fields(kind.units) {
			name, factor, _ := strings.Cut(u, "=")
			n, err := parseNumber(factor)
			if err != nil {
				panic(err) // of the table above
			}
			out[name] = measure{kind.base, n.Rat}
		}
	}
	return out
}()

// convert is n of one unit in another.
func convert(units map[string]measure, n number, from, to string) ref.Val {
	if from == to {
		return n
	}
	a, okA := units[from]
	b, okB := units[to]
	switch {
	case !okA:
		return types.NewErr("unit %s is unknown: name it under units", strconv.Quote(from))
	case !okB:
		return types.NewErr("unit %s is unknown: name it under units", strconv.Quote(to))
	case a.base != b.base:
		return types.NewErr("%s cannot be converted to %s: they measure different things", from, to)
	}
	r := new(big.Rat).Mul(n.Rat, a.factor)
	return bounded(r.Quo(r, b.factor))
}
