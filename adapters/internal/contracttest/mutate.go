package contracttest

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"testing"
)

// Mutation is a document with one mistake.
type Mutation struct {
	Name string // what was done, and where
	Doc  []byte
}

// Mutations are good with one mistake each, at every place: a member left out,
// one more that nobody knows, and each value of every other kind.
func Mutations(t *testing.T, good []byte) []Mutation {
	t.Helper()
	var tree any
	if err := json.Unmarshal(good, &tree); err != nil {
		t.Fatal(err)
	}
	var all []Mutation
	made := func(name string) {
		b, err := json.Marshal(tree)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, Mutation{name, b})
	}
	var walk func(v any, at string, set func(any))
	walk = func(v any, at string, set func(any)) {
		for kind, other := range others(v) {
			set(other)
			made(fmt.Sprintf("%s: %s", at, kind))
		}
		set(v)
		switch v := v.(type) {
		case map[string]any:
			v["nobodyKnows"] = "x"
			made(at + ": one member more")
			delete(v, "nobodyKnows")
			for _, k := range slices.Sorted(maps.Keys(v)) {
				kept := v[k]
				delete(v, k)
				made(at + "." + k + ": left out")
				v[k] = kept
				walk(kept, at+"."+k, func(x any) { v[k] = x })
			}
		case []any:
			for i := range v {
				walk(v[i], fmt.Sprintf("%s[%d]", at, i), func(x any) { v[i] = x })
			}
		}
	}
	walk(tree, "", func(x any) { tree = x })
	return all
}

// others are values of the kinds that v is not.
func others(v any) map[string]any {
	all := map[string]any{"a text": "x", "a number": 7, "a truth value": true, "an object": map[string]any{}, "an array": []any{}}
	switch v.(type) {
	case string:
		delete(all, "a text")
	case float64:
		delete(all, "a number")
	case bool:
		delete(all, "a truth value")
	case map[string]any:
		delete(all, "an object")
	case []any:
		delete(all, "an array")
	}
	return all
}
