package routes

import (
	"bytes"
	"fmt"
	"reflect"
	"testing"

	"github.com/paklog/hub/core/pack"
)

func TestAWorkIsDecodedOnceAndNeverShared(t *testing.T) {
	t.Parallel()
	var s seenWorks
	data := bytes.Repeat([]byte("x"), 9<<10)
	given := work{
		Places: []piece{{Line: 1}}, Tasks: []string{"T1"}, Totes: []pack.Content{{Qty: 1}},
		Cartons: []carton{{SSCC: "1"}}, Homes: []home{{Item: "A"}}, Told: []toldShort{{Line: 1}},
	}
	want := given.clone()
	s.keep("a", data, given)

	for _, c := range []struct {
		name string
		key  string
		data []byte
	}{
		{"another order's", "b", data},
		{"other content of the same length", "a", append(bytes.Clone(data[1:]), 'y')},
		{"none any more", "a", nil},
	} {
		if w, ok := s.find(c.key, c.data); ok {
			t.Errorf("%s is taken for it: %+v", c.name, w)
		}
	}
	spoil := func(w *work) { // as handlers do: in place, and by appending
		w.Places[0].Line, w.Tasks[0], w.Totes[0].Qty, w.Cartons[0].SSCC, w.Homes[0].Item, w.Told[0].Line = 9, "9", 9, "9", "9", 9
		w.Cartons = append(w.Cartons, carton{})
	}
	spoil(&given)
	for range 2 {
		w, ok := s.find("a", bytes.Clone(data))
		if !ok || !reflect.DeepEqual(w, want) {
			t.Fatalf("found %v: %+v, want %+v", ok, w, want)
		}
		spoil(&w)
	}

	for i := range 2 * mostSeen / len(data) {
		s.keep(fmt.Sprint(i), data, want)
		if _, ok := s.find(fmt.Sprint(i), data); !ok {
			t.Fatalf("%d is not there, and nothing came after it", i)
		}
	}
	size := 0
	for _, x := range s.last {
		size += len(x.data)
	}
	if size != s.size || size > mostSeen || size < mostSeen/2 {
		t.Errorf("%d bytes are kept and %d counted, of %d at most", size, s.size, mostSeen)
	}
	if n := reflect.TypeFor[work]().NumField(); n != 12 {
		t.Errorf("a work has %d fields: does clone know all that are lists?", n)
	}
}
