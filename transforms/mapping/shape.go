package mapping

import (
	"reflect"
	"strings"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
)

// kind of a value that a map makes.
type kind uint8

const (
	anything kind = iota
	text
	whole
	truth
	instant // text, a moment
	object
	list
	spot        // a segment or loop of the document
	tagName     // of a segment, which stands for itself
	elementText // text, "" too
)

var kindNames = [...]string{"anything", "text", "a whole number", "true or false", "a moment", "an object", "a list", "a segment or loop", "the tag of a segment", "text"}

// shape is what may stand at a place of what a map makes.
type shape struct {
	kind   kind
	fields map[string]*shape
	names  []string // of fields, in order
	of     *shape   // of a list's items, and of an object's whose keys are numbers of elements
}

var free = &shape{kind: anything}

// field is the shape of a key; nil where there is none of it.
func (s *shape) field(key string) *shape {
	if s.kind == anything {
		return free
	}
	if s.of != nil && goodElement.MatchString(key) {
		return s.of
	}
	return s.fields[key]
}

// shapeOf reads the shape of a Go type by its JSON names.
func shapeOf(t reflect.Type) *shape {
	switch {
	case t == reflect.TypeFor[time.Time]():
		return &shape{kind: instant}
	case t == reflect.TypeFor[span]():
		return &shape{kind: spot}
	case t == reflect.TypeFor[tag]():
		return &shape{kind: tagName}
	case t == reflect.TypeFor[elements]():
		return &shape{kind: object, of: &shape{kind: elementText}, names: []string{"the numbers of elements, as 4 or 4.2"}}
	case t.Kind() == reflect.Pointer:
		return shapeOf(t.Elem())
	case t.Kind() == reflect.Slice:
		return &shape{kind: list, of: shapeOf(t.Elem())}
	case t.Kind() == reflect.String:
		return &shape{kind: text}
	case t.Kind() == reflect.Bool:
		return &shape{kind: truth}
	case t.Kind() == reflect.Struct:
		s := &shape{kind: object, fields: map[string]*shape{}}
		for _, f := range reflect.VisibleFields(t) {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if f.Anonymous || name == "" {
				continue
			}
			s.fields[name], s.names = shapeOf(f.Type), append(s.names, name)
		}
		return s
	}
	return &shape{kind: whole}
}

// takes reports whether an expression of a type may stand where the shape is due; hint says how to
// make it fit.
func (s *shape) takes(t *cel.Type) (ok bool, hint string) {
	k := t.Kind()
	switch {
	case s.kind == spot:
		return t == segmentType || k == types.DynKind || k == types.StructKind && t != numberType, "name a segment, as set.W06, or a loop"
	case k == types.DynKind || k == types.NullTypeKind:
		return true, ""
	case k == types.OpaqueKind && t.TypeName() == "optional_type":
		return s.takes(t.Parameters()[0])
	case t == segmentType:
		return false, "name an element of the segment, as [2]"
	case t == numberType && s.kind == whole:
		return false, "leave the exact number by .whole(), .up(), .down() or .near()"
	case t == numberType && (s.kind == text || s.kind == elementText):
		return false, "leave the exact number by .text()"
	case k == types.StructKind && t != numberType:
		return false, "name an element in it"
	}
	switch s.kind {
	case anything:
		return true, ""
	case text, instant, elementText:
		return k == types.StringKind, "string(...) makes text of numbers"
	case whole:
		return k == types.IntKind, "num(...).whole() or int(...) make whole numbers of text"
	case truth:
		return k == types.BoolKind, "compare it: == \"Y\""
	case object:
		return k == types.MapKind, ""
	case list:
		if k != types.ListKind {
			return false, "[...] makes a list"
		}
		return s.of.takes(t.Parameters()[0])
	case tagName:
		return false, "a tag stands for itself"
	case spot: // above
	}
	return false, ""
}
