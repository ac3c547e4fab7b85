package scope_test

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/scope"
)

func ExampleScope_Book() {
	s := scope.Scope{Tenant: "t1", Owner: "acme", Facility: "east"}
	fmt.Println(s.Book("WIDGET/1"))
	fmt.Println(scope.Stream{Kind: "order", Tenant: s.Tenant, Owner: s.Owner, ID: "SO@1"})
	// Output:
	// t1/acme/WIDGET%2F1@east
	// order/t1/acme/SO%401
}

func TestNamesComeBack(t *testing.T) {
	part := rapid.StringN(1, 20, 60)
	rapid.Check(t, func(t *rapid.T) {
		s := scope.Stream{Kind: part.Draw(t, "kind"), Tenant: part.Draw(t, "tenant"), Owner: part.Draw(t, "owner"), ID: part.Draw(t, "id")}
		if rapid.Bool().Draw(t, "bound") {
			s.Facility = part.Draw(t, "facility")
		}
		back, err := scope.ParseStream(s.String())
		if err != nil || back != s {
			t.Fatalf("%q came back as %+v, %v", s.String(), back, err)
		}
		parts := []string{s.Kind, s.Tenant, "", s.ID}
		got, err := scope.Split(scope.Join(parts...))
		if err != nil || fmt.Sprint(got) != fmt.Sprint(parts) {
			t.Fatalf("%q came back as %q, %v", parts, got, err)
		}
	})
}

func TestDifferentThingsHaveDifferentNames(t *testing.T) {
	pairs := [][2]scope.Stream{
		{{"order", "t", "a/b", "c", ""}, {"order", "t", "a", "b/c", ""}},
		{{"stock", "t", "o", "i@f", ""}, {"stock", "t", "o", "i", "f"}},
		{{"stock", "t", "o", "i%40f", ""}, {"stock", "t", "o", "i@f", ""}},
	}
	for _, p := range pairs {
		if p[0].String() == p[1].String() {
			t.Errorf("%+v and %+v are both %q", p[0], p[1], p[0].String())
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, name := range []string{
		"", "order", "order/t/o", "order/t/o/id/more", "order//o/id", "order/t/o/", "/t/o/id", "order/t/o/id@",
		"order/t/o/%", "order/t/o/%2", "order/t/o/%ZZ", "order/t/o/%2f", "order/t/o/%41", "order/t/o/a@b@c", "order/t@x/o/id",
	} {
		if s, err := scope.ParseStream(name); err == nil || fault.KindOf(err) != fault.Invalid {
			t.Errorf("%q was read as %+v (%v)", name, s, err)
		}
	}
	for _, book := range []string{"", "t/o/i", "t/o/i@", "t/o/@f", "x/t/o/i@f"} {
		if s, i, err := scope.ParseBook(book); err == nil {
			t.Errorf("book %q was read as %+v %q", book, s, i)
		}
	}
	s, i, err := scope.ParseBook(scope.Scope{Tenant: "t", Owner: "o", Facility: "f/1"}.Book("i@x"))
	if err != nil || s.Facility != "f/1" || i != "i@x" {
		t.Errorf("a book came back as %+v %q %v", s, i, err)
	}
}

func TestCheckPartRefuses(t *testing.T) {
	for _, v := range []string{"", " a", "a ", "a\x00b", "a\nb", "\x7f", "\xff", strings.Repeat("x", scope.MaxPart+1)} {
		if scope.CheckPart(v) == nil {
			t.Errorf("%q passed", v)
		}
	}
	for _, v := range []string{"A", "SO 1/2", "Größe-1", strings.Repeat("x", scope.MaxPart)} {
		if err := scope.CheckPart(v); err != nil {
			t.Errorf("%q: %v", v, err)
		}
	}
}

func TestCheckNameRefusesWhatSeparates(t *testing.T) {
	for _, v := range []string{"", " a", scope.Shared, "a/b", "a@b", "a%2Fb", "/"} {
		if scope.CheckName(v) == nil {
			t.Errorf("%q passed", v)
		}
	}
	for _, v := range []string{"DC1", "Größe-1", "north east", "a-b"} {
		if err := scope.CheckName(v); err != nil {
			t.Errorf("%q: %v", v, err)
		}
	}
}

func TestScopeNamesTheMissingPart(t *testing.T) {
	full := scope.Scope{Tenant: "t", Owner: "o", Facility: "f"}
	for place, s := range map[string]scope.Scope{
		"tenant": {Owner: "o", Facility: "f"}, "owner": {Tenant: "t", Facility: "f"}, "facility": {Tenant: "t", Owner: "o"},
	} {
		if err := s.Validate(); fault.PlaceOf(err) != place {
			t.Errorf("%+v: place %q, expected %q (%v)", s, fault.PlaceOf(err), place, err)
		}
	}
	if err := full.Validate(); err != nil {
		t.Error(err)
	}
	if b := full.Building(); b.Owner != scope.Shared || b.Validate() != nil {
		t.Errorf("building %+v", b)
	}
}

func FuzzParseStream(f *testing.F) {
	f.Add("order/t/o/id@f")
	f.Add("order/t/o/%2F")
	f.Fuzz(func(t *testing.T, name string) {
		if s, err := scope.ParseStream(name); err == nil && s.String() != name {
			t.Fatalf("%q is also %q", name, s.String())
		}
	})
}
