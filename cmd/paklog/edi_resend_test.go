package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/paklog/hub/core/view"
	"github.com/paklog/hub/dlq"
)

// TestARejectedDocumentIsResentFromTheCommandLine lets a document become an 824, whose rejection
// by the partner is a letter: sent anew it has other control numbers, and the letter is done with.
func TestARejectedDocumentIsResentFromTheCommandLine(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.withPartner("application_advice: true")
	s.serve()
	inbox := func(name, group, control, set string) {
		text := fmt.Sprintf("ISA*00*          *00*          *ZZ*ACME           *ZZ*PAKLOG         *261123*0915*U*00401*%09s*0*P*>~"+
			"GS*%s*ACME*PAKLOG*20261123*0915*%[1]s*X*004010~ST*%[3]s~SE*%d*0001~GE*1*%[1]s~IEA*1*%09[1]s~", control, group, set, strings.Count(set, "~")+2)
		if err := os.Rename(s.file(name, text), filepath.Join(s.data, "partners", "ACME", "inbox", name)); err != nil {
			t.Fatal(err)
		}
	}
	left := func() (names []string) {
		files, err := filepath.Glob(filepath.Join(s.data, "partners", "ACME", "outbox", "824-*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			names = append(names, filepath.Base(f))
		}
		slices.Sort(names)
		return names
	}
	inbox("860.edi", "PC", "1", "860*0001~BCH*04*SA*NONE***20261123~POC*1*DI")
	s.until("the 824 left", func() bool { return len(left()) == 1 })
	name := left()[0]
	text, err := os.ReadFile(filepath.Join(s.data, "partners", "ACME", "outbox", name))
	if err != nil {
		t.Fatal(err)
	}
	_, gs, _ := strings.Cut(string(text), "GS*AG*")
	inbox("997.edi", "FA", "2", "997*0001~AK1*AG*"+strings.Split(gs, "*")[4]+"~AK2*824*0001~AK3*TED*4~AK4*1*647*7~AK5*R*5~AK9*R*1*1*0")
	var letters []dlq.Entry
	s.until("its rejection is a letter", func() bool {
		letters = decoded[[]dlq.Entry](t, s.must("dlq", "list", "--route", "x12.ack-watch", "--json"))
		return len(letters) == 1
	})
	if l := letters[0]; l.Place != name || !strings.Contains(l.Cause, "element 1 in segment 4, TED of the set: AK403 is 7") {
		t.Errorf("%+v", l)
	}
	listed := func(args ...string) (all []view.Doc) {
		return decoded[[]view.Doc](t, s.must(append([]string{"edi", "documents", "--json"}, args...)...))
	}
	s.until("it is listed as rejected", func() bool {
		all := listed("--status", "rejected", "--partner", "ACME")
		return len(all) == 1 && all[0].ID == name && all[0].Owner == "ACME"
	})
	if all := listed("--partner", "NOBODY"); len(all) != 0 || len(listed("--status", "accepted")) != 0 {
		t.Errorf("%+v", all)
	}
	if out := s.must("edi", "documents", "ACME", name); !strings.Contains(out, "is rejected: 824, interchange") || !strings.Contains(out, "rejected by 997 (R) element 1 in segment 4") {
		t.Error(out)
	}
	s.refused(1, "there is no such document", "edi", "documents", "ACME", "none.edi")
	s.refused(2, "name the partner and the document", "edi", "documents", "ACME")
	s.refused(2, "is none of queued, written", "edi", "documents", "--status", "lost")
	s.refused(1, "no document none.edi left for ACME", "edi", "resend", "ACME", "none.edi")
	s.refused(1, "no partner is named", "edi", "resend", "NOBODY", name)
	s.refused(1, "this is not an X12 interchange", "edi", "resend", "ACME", name, "--with", s.file("words.edi", "Dear Sir"))
	got := decoded[resent](t, s.must("edi", "resend", "ACME", name, "--json"))
	if got.Document == name || got.Repeat || !slices.Equal(got.Letters, []string{letters[0].ID}) {
		t.Errorf("%+v", got)
	}
	s.until("it left anew", func() bool { return slices.Equal(left(), []string{name, got.Document}) })
	if out := s.must("edi", "resend", "ACME", name); !strings.Contains(out, "went anew already, as "+got.Document) {
		t.Error(out)
	}
	_, bgn, _ := strings.Cut(string(text), "BGN*11*")
	inbox("824.edi", "AG", "3", "824*0001~BGN*11*R-1*20261123~OTI*TR*TN*"+strings.Split(bgn, "*")[0]+"*******824~TED*848*no such order*OTI*2")
	s.until("the second is rejected by an 824", func() bool {
		return strings.Contains(s.must("edi", "documents", "ACME", got.Document), "848 OTI segment 2 element : no such order")
	})
	s.until("its letter is done with", func() bool {
		return len(decoded[[]dlq.Entry](t, s.must("dlq", "list", "--route", "x12.ack-watch", "--json"))) == 0
	})
}
