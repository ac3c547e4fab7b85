package routes

import (
	"bytes"
	"fmt"
	"reflect"
	"testing"

	"github.com/paklog/hub/core/pack"
)

func TestALargeWorkIsDecodedOnceAndNeverShared(t *testing.T) {
	t.Parallel()
	var s seenWorks
	data := bytes.Repeat([]byte("x"), largeWork)
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
	s.keep("small", data[1:], given)
	if _, ok := s.find("small", data[1:]); ok {
		t.Error("a small one takes a large one's room")
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

	for i := range len(s.last) {
		s.keep(fmt.Sprint(i), data, want)
	}
	if _, ok := s.find("a", data); ok {
		t.Error("what others came after is still there")
	}
	if n := reflect.TypeFor[work]().NumField(); n != 12 {
		t.Errorf("a work has %d fields: does clone know all that are lists?", n)
	}
}
