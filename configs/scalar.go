package configs

import (
	"encoding"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

// describe names what stands where something else was wanted.
func describe(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "keys with values"
	case yaml.SequenceNode:
		return "a list"
	case yaml.AliasNode:
		return "an alias"
	}
	switch n.Tag {
	case "!!null":
		return "nothing"
	case "!!bool", "!!int", "!!float":
		return n.Value
	}
	return quote(n.Value)
}

// want says what a value of type t looks like.
func want(t reflect.Type, bytes bool) string {
	switch {
	case bytes:
		return "a size with its unit, as 64 KiB"
	case t == durationType:
		return "a time with its unit, as 30s"
	case isText(t):
		return "text"
	}
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		return "text"
	case reflect.Float64:
		return "a number"
	}
	return "a whole number"
}

// mistakenFor says what YAML took n for where that is not what t wants: a
// string field does not take the number 0010, whose zeros would be lost on the
// way to a partner, nor an integer field the text "10".
func mistakenFor(n *yaml.Node, t reflect.Type, bytes bool) string {
	isString := n.Tag == "!!str"
	textual := isText(t) || t.Kind() == reflect.String
	switch {
	case textual && isString:
		return ""
	case textual:
		return n.Value + ": put it in quotes"
	case bytes || t == durationType:
		if isString || n.Value == "0" {
			return ""
		}
		return n.Value
	case isString && n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0:
		return "text: take the quotes off"
	}
	return ""
}

// set parses text into v, by v's type.
func (d *decoder) set(at Source, v reflect.Value, text, key string, bytes bool) {
	if err := parse(v, text, bytes); err != nil {
		d.problem(at, key, "want %s, got %s%s", want(v.Type(), bytes), quote(text), reason(err))
	}
}

func reason(err error) string {
	if errors.Is(err, errForm) {
		return ""
	}
	return ": " + err.Error()
}

// errForm is a value that is not of the wanted form, about which there is
// nothing more to say.
var errForm = errors.New("not of this form")

func parse(v reflect.Value, text string, bytes bool) error {
	switch {
	case isText(v.Type()):
		return unmarshalText(v, text)
	case v.Type() == durationType:
		dur, err := parseDuration(text)
		v.SetInt(int64(dur))
		return err
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Bool:
		if text != "true" && text != "false" {
			return errForm
		}
		v.SetBool(text == "true")
	case reflect.Float64:
		f, err := strconv.ParseFloat(text, 64)
		if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
			return errForm
		}
		v.SetFloat(f)
	default:
		return parseInteger(v, text, bytes)
	}
	return nil
}

func parseInteger(v reflect.Value, text string, bytes bool) error {
	var n int64
	var err error
	if bytes {
		n, err = parseBytes(text)
	} else if digits := strings.TrimPrefix(text, "-"); len(digits) > 1 && digits[0] == '0' {
		return errors.New("a leading zero could mean another base")
	} else if v.CanUint() {
		var u uint64
		u, err = strconv.ParseUint(text, 10, v.Type().Bits())
		if err == nil {
			v.SetUint(u)
			return nil
		}
	} else {
		n, err = strconv.ParseInt(text, 10, 64)
	}
	switch {
	case errors.Is(err, strconv.ErrRange):
		return errRange
	case errors.Is(err, strconv.ErrSyntax):
		return errForm
	case err != nil:
		return err
	case v.CanUint() && (n < 0 || v.OverflowUint(uint64(n))), v.CanInt() && v.OverflowInt(n):
		return errRange
	case v.CanUint():
		v.SetUint(uint64(n))
	default:
		v.SetInt(n)
	}
	return nil
}

var errRange = errors.New("too large or too small")

func unmarshalText(v reflect.Value, text string) error {
	return v.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(text))
}

const day = 24 * time.Hour

// parseDuration is [time.ParseDuration] with whole days before the rest: 90d,
// 1d12h. A bare number has no unit and is refused, 0 aside.
func parseDuration(text string) (time.Duration, error) {
	number, rest, hasDays := strings.Cut(text, "d")
	if !hasDays {
		dur, err := time.ParseDuration(text)
		if err != nil {
			return 0, errForm
		}
		return dur, nil
	}
	days, err := strconv.ParseUint(number, 10, 32)
	if err != nil {
		return 0, errForm
	}
	var dur time.Duration
	if rest != "" {
		if dur, err = time.ParseDuration(rest); err != nil || dur < 0 {
			return 0, errForm
		}
	}
	if days > uint64((math.MaxInt64-dur)/day) {
		return 0, errRange
	}
	return time.Duration(days)*day + dur, nil
}

// formatDuration writes what parseDuration reads: 90d, 1m30s.
func formatDuration(d time.Duration) string {
	if d >= day && d%day == 0 {
		return strconv.FormatInt(int64(d/day), 10) + "d"
	}
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

var byteUnits = []struct {
	name string
	size int64
}{
	{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10},
	{"TB", 1e12}, {"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}, {"KB", 1e3}, {"B", 1},
}

// parseBytes reads a whole number and its unit: 64 KiB, 10MB, 512 B.
func parseBytes(text string) (int64, error) {
	if text == "0" {
		return 0, nil
	}
	for _, unit := range byteUnits {
		number, ok := strings.CutSuffix(text, unit.name)
		if !ok {
			continue
		}
		n, err := strconv.ParseUint(strings.TrimSpace(number), 10, 63)
		if errors.Is(err, strconv.ErrRange) || err == nil && int64(n) > math.MaxInt64/unit.size {
			return 0, errRange
		}
		if err != nil {
			return 0, errForm
		}
		return int64(n) * unit.size, nil
	}
	return 0, errForm
}

// formatBytes writes what parseBytes reads, in the largest binary unit that is
// exact.
func formatBytes(n int64) string {
	for _, unit := range byteUnits {
		if unit.size&(unit.size-1) == 0 && n >= unit.size && n%unit.size == 0 {
			return fmt.Sprintf("%d %s", n/unit.size, unit.name)
		}
	}
	return strconv.FormatInt(n, 10)
}
