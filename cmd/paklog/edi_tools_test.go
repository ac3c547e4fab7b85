package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/paklog/hub/edi/x12"
	"github.com/paklog/hub/edi/x12/x12gen"
)

// ediFiles writes a good document and one whose quantity is a word.
func ediFiles(t *testing.T, s *shell) (dir, good, bad, text string) {
	t.Helper()
	var buf bytes.Buffer
	if _, err := x12gen.Write(&buf, x12gen.Config{Seed: 1, Sets: 3, MostLine: 3, Options: x12.WriterOptions{LineEnd: "\n"}}); err != nil {
		t.Fatal(err)
	}
	dir = filepath.Join(filepath.Dir(s.config), "docs")
	good, bad = filepath.Join(dir, "good.edi"), filepath.Join(dir, "sub", "bad.edi")
	text = buf.String()
	for name, content := range map[string]string{good: text, bad: spoil(text)} {
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir, good, bad, text
}

func TestDocumentsAreValidated(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	dir, good, bad, text := ediFiles(t, s)
	if out := s.must("edi", "validate", good); !strings.Contains(out, "1 files, 3 sets: 0 errors, 0 warnings, 0 notes") {
		t.Errorf("a good one:\n%s", out)
	}
	out, errs, code := s.pipe("", "edi", "validate", dir)
	if code != 3 || !strings.Contains(out, "bad.edi:") || !strings.Contains(out, "W01*MANY*") || !strings.Contains(out, "^^^^") || !strings.Contains(out, "2 files, 6 sets") {
		t.Errorf("a folder: exit %d\n%s%s", code, out, errs)
	}
	keys := strings.Fields("code severity file isa13 gs06 st02 offset length line column segment_ordinal loop element found expected layer message hint ack")
	out, _, code = s.pipe(spoil(text), "edi", "validate", "--json", "--least", "error", "-")
	if code != 3 || strings.Count(out, "\n") != 1 {
		t.Fatalf("--json: exit %d\n%s", code, out)
	}
	f := decoded[map[string]any](t, out)
	for _, k := range keys {
		if _, there := f[k]; !there {
			t.Errorf("%s is not in %s", k, out)
		}
	}
	at := int(f["offset"].(float64))
	if spoiled := spoil(text); spoiled[at:at+4] != "MANY" || len(f) != len(keys) {
		t.Errorf("offset %d of %d keys: %s", at, len(f), out)
	}
	out, _, _ = s.pipe("", "edi", "validate", "--format", "sarif", bad)
	sarif := decoded[struct {
		Version string
		Runs    []struct {
			Results []struct{ RuleID, Level string }
		}
	}](t, out)
	if sarif.Version != "2.1.0" || len(sarif.Runs) != 1 || len(sarif.Runs[0].Results) == 0 || sarif.Runs[0].Results[0].RuleID != "element-character" {
		t.Errorf("sarif: %+v", sarif)
	}
	if out, _, _ = s.pipe("", "edi", "validate", "--format", "html", bad); !strings.Contains(out, "<mark>MANY</mark>") || !strings.HasSuffix(out, "</html>\n") {
		t.Errorf("html:\n%s", out)
	}
	s.refused(2, "--format is one of", "edi", "validate", "--format", "xml", good)
	s.refused(2, "--least", "edi", "validate", "--least", "loud", good)
	s.refused(1, "no such file", "edi", "validate", filepath.Join(dir, "none"))
	s.refused(1, "no such file", "edi", "validate", "--profile", "nobody", good)
}

func TestDocumentsAreAnswered(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	_, good, bad, _ := ediFiles(t, s)
	now := []string{"--now", "2026-11-23T09:15:00Z"}
	answer := s.must(append([]string{"edi", "ack", good}, now...)...)
	if !strings.Contains(answer, "ST*997*0001") || !strings.Contains(answer, "AK9*A*3*3*3") || strings.Contains(answer, "TA1") {
		t.Errorf("answer:\n%s", answer)
	}
	for _, x := range []struct {
		args string
		want string
	}{
		{"", "AK9*P*3*3*2"}, {"--accept-errors", "AK9*E*3*3*3"}, {"--reject group", "AK9*R*3*3*0"}, {"--reject interchange", "AK9*R*3*3*0"}, {"--as 999", "IK4*1*330*6*MANY"},
	} {
		out, errs, _ := s.pipe("", append(append([]string{"edi", "ack", bad}, strings.Fields(x.args)...), now...)...)
		if !strings.Contains(out, x.want) {
			t.Errorf("%s: %q is not in\n%s%s", x.args, x.want, out, errs)
		}
	}
	if out, _, code := s.pipe(answer, "edi", "ack", "-"); out != "" || code != 0 {
		t.Errorf("an acknowledgement was acknowledged: exit %d\n%s", code, out)
	}
	if out, _, code := s.pipe(answer, "edi", "validate", "-"); code != 0 || !strings.Contains(out, "0 errors, 0 warnings, 0 notes") {
		t.Errorf("our own answer: exit %d\n%s", code, out)
	}
	s.refused(2, "--reject is", "edi", "ack", "--reject", "all", good)
	s.refused(2, "--as is", "edi", "ack", "--as", "855", good)
}

func TestDocumentsBecomeJSONAndComeBack(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	_, good, bad, text := ediFiles(t, s)
	out := s.must("edi", "json", "--exact", good)
	if x := json.NewDecoder(strings.NewReader(out)); x.Decode(&map[string]any{}) != nil || !x.More() {
		t.Errorf("no interchange and the line end behind it:\n%s", out)
	}
	if again, errs, code := s.pipe(out, "edi", "build", "-"); again != text || code != 0 {
		t.Errorf("other bytes come back: exit %d, %s", code, errs)
	}
	if _, errs, code := s.pipe(`{"isa":[]}`, "edi", "build", "-"); code != 1 || !strings.Contains(errs, "JSON up to byte 10") {
		t.Errorf("half an interchange: exit %d, %s", code, errs)
	}
	out, _, code := s.pipe("", "edi", "diff", good, bad)
	if code != 3 || strings.Count(out, "became") != 1 || !strings.Contains(out, "W01-01") || !strings.Contains(out, `"MANY"`) {
		t.Errorf("diff: exit %d\n%s", code, out)
	}
	other := filepath.Join(filepath.Dir(good), "other.edi")
	if err := os.WriteFile(other, []byte(strings.NewReplacer("~\n", "\r\n", "*", "|").Replace(text)), 0o600); err != nil {
		t.Fatal(err)
	}
	s.must("edi", "diff", good, other)
	if out, _, code := s.pipe(strings.Replace(text, "G62*10*", "NTE*GEN*NEW~\nG62*10*", 1), "edi", "diff", good, "-"); code != 3 || !strings.Contains(out, "+ segment") || strings.Contains(out, "W05") {
		t.Errorf("a segment more: exit %d\n%s", code, out)
	}
}

func TestProfilesAreExplained(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	_, good, _, _ := ediFiles(t, s)
	dir := t.TempDir()
	for name, text := range map[string]string{
		"vics": "overlay: vics\nlayer: industry\nsets: {\"940\": {elements: {W05-03: {require: true}}}}\n",
		"acme": "overlay: acme\nlayer: partner\nbase: vics\nsets: {\"940\": {elements: {W05-02: {max: 3}}}}\n",
		"bad":  "overlay: bad\nlayer: partner\nsets: {\"940\": {elements: {Q5-02: {max: 3}}}}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name+".yaml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	acme := filepath.Join(dir, "acme.yaml")
	out := s.must("edi", "profile", "explain", "940", "W05", "--profile", acme)
	if !strings.Contains(out, "1 to 3 characters") || !strings.Contains(out, "partner acme") || !strings.Contains(out, "industry vics") || strings.Contains(out, "W01") {
		t.Errorf("explain:\n%s", out)
	}
	if out := s.must("edi", "profile", "guide", "940", "--profile", "acme", "--profiles", dir); !strings.Contains(out, "vics (industry), acme (partner)") {
		t.Errorf("guide:\n%s", out)
	}
	if out, _, code := s.pipe("", "edi", "validate", "--json", "--profile", acme, good); code != 3 || !strings.Contains(out, `"layer":"partner"`) {
		t.Errorf("validated by acme's: exit %d\n%s", code, out)
	}
	if out := s.must("edi", "profile", "list"); strings.Count(out, "\n") < 40 || !strings.Contains(out, "945") {
		t.Errorf("list:\n%s", out)
	}
	s.refused(2, "no profile of set", "edi", "profile", "explain", "123")
	if out := s.must("edi", "profile", "explain", "999", "IK5"); !strings.Contains(out, "IK5-01") {
		t.Errorf("a set of one release alone:\n%s", out)
	}
	s.refused(2, "no profile of set", "edi", "profile", "explain", "999", "--release", "004010")
	s.refused(1, "does not occur", "edi", "validate", "--profile", filepath.Join(dir, "bad.yaml"), good)
}

func TestAnOverlayIsLearnedAndDocumentsAreMutated(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	_, good, _, text := ediFiles(t, s)
	dir := t.TempDir()
	own := strings.ReplaceAll(text, "LX*1~\n", "LX*1~\nZA1*OWN*7~\n") // counts are wrong now, which is no matter here
	learned := s.must("edi", "learn", "--name", "acme", good)
	if strings.Contains(learned, "ZA1") || !strings.Contains(learned, "N9") && !strings.Contains(learned, "G62: {require: true} # in 3 of 3") {
		t.Errorf("learned:\n%s", learned)
	}
	out, errs, code := s.pipe(own, "edi", "learn", "--name", "acme", "-")
	if code != 0 || !strings.Contains(out, "LX/ZA1: {after: LX, max: 1} # 3 in 3 of 3 documents") || !strings.Contains(out, "ZA1-01: {type: AN, min: 3, max: 3, require: true}") {
		t.Errorf("learned: exit %d\n%s%s", code, out, errs)
	}
	file := filepath.Join(dir, "acme.yaml")
	if err := os.WriteFile(file, []byte(out), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, _, _ := s.pipe(own, "edi", "validate", "--json", "--profile", file, "-"); strings.Contains(out, "segment-unknown") || !strings.Contains(out, "se01-count") {
		t.Errorf("by what was learned:\n%s", out)
	}
	s.refused(1, "no transaction set", "edi", "learn", file)

	certify := filepath.Join(dir, "certify")
	if out := s.must("edi", "mutate", "940", "--dir", certify); !strings.Contains(out, "mutations of set 940 004010") {
		t.Errorf("mutate:\n%s", out)
	}
	if out := s.must("edi", "validate", filepath.Join(certify, "valid.edi")); !strings.Contains(out, "0 errors, 0 warnings") {
		t.Errorf("the valid one:\n%s", out)
	}
	list, err := os.ReadFile(filepath.Join(certify, "mutations.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	rows := strings.Split(strings.TrimSpace(string(list)), "\n")[1:]
	if len(rows) < 50 {
		t.Errorf("%d mutations", len(rows))
	}
	for _, row := range rows {
		f := strings.Split(row, "\t")
		if out, _, _ := s.pipe("", "edi", "validate", "--json", filepath.Join(certify, f[0])); !strings.Contains(out, `"code":"`+f[1]+`"`) {
			t.Errorf("%s is not found:\n%s", row, out)
		}
	}
	for _, release := range []string{"D96A", "D01B"} {
		dir := filepath.Join(t.TempDir(), "orders")
		if out := s.must("edi", "mutate", "ORDERS", "--release", release, "--dir", dir); !strings.Contains(out, "mutations of set ORDERS "+release) {
			t.Errorf("mutate:\n%s", out)
		}
		s.must("edi", "validate", filepath.Join(dir, "valid.edi"))
	}
	s.refused(2, "needs --dir", "edi", "mutate", "940")
	s.refused(2, "no profile", "edi", "mutate", "123", "--dir", certify)
}

// However broken a document is, what answers it is valid: its sender's software must take it.
func TestWhatAnswersABrokenDocumentIsValid(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	for _, as := range []string{"997", "999"} {
		answer, errs, code := s.run("edi", "ack", "--as", as, filepath.Join("testdata", "edi", "broken.edi"))
		if code != 3 || errs != "" || strings.Count(answer, "ISA*") != 2 || strings.Count(answer, "ST*"+as) != 2 || !strings.Contains(answer, "TA1*000000077*") {
			t.Fatalf("--as %s: exit %d, %s\n%s", as, code, errs, answer)
		}
		if out, _, code := s.pipe(answer, "edi", "validate", "--least", "warning", "-"); code != 0 || !strings.Contains(out, "0 errors, 0 warnings") {
			t.Errorf("--as %s: exit %d\n%s", as, code, out)
		}
	}
}

func TestTablesOfOnesOwnAreImported(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	_, good, _, _ := ediFiles(t, s)
	dir := t.TempDir()
	sef, own := filepath.Join(dir, "940.sef"), filepath.Join(dir, "own")
	const text = ".SETS\n940=[ST,M][W05,M]{:99[N1][N2,,9][N3,,9][N4]}[N9,,99][G62,,99][NTE,,99][W66]{LX:9999[LX,M][W01][G69][N9][W20]}[W76][SE,M]\n" +
		".SEGS\nW05=[1,M][2,M][3]\nLX=[4,M]\n.ELMS\n1=ID,1,1\n2=AN,1,3\n3=AN,1,30\n4=N0,1,6\n"
	if err := os.WriteFile(sef, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if out := s.must("edi", "profile", "import", sef, "--release", "004010", "--dir", own); !strings.Contains(out, "1 sets of release 004010") {
		t.Errorf("import:\n%s", out)
	}
	out, _, code := s.pipe("", "edi", "validate", "--json", "--least", "error", "--grammars", own, good)
	if code != 3 || strings.Count(out, `"code":"element-too-long"`) != 3 || strings.Count(out, "\n") != 3 {
		t.Errorf("by one's own tables: exit %d\n%s", code, out)
	}
	if out := s.must("edi", "profile", "explain", "940", "W05-02", "--grammars", own); !strings.Contains(out, "1 to 3 characters") {
		t.Errorf("explain:\n%s", out)
	}
	// Of a set that PakLog does not know nobody can say what group it belongs to, unless --group does.
	for group, want := range map[string]string{"": "", "ZZ": "", "QQ": "GS01 QQ"} {
		own := filepath.Join(dir, "own"+group)
		s.must("edi", "profile", "import", filepath.Join("testdata", "edi", "888.sef"), "--release", "004010", "--group", group, "--dir", own)
		out, _, code := s.pipe("", "edi", "validate", "--json", "--grammars", own, filepath.Join("testdata", "edi", "888.edi"))
		if code != 3 || strings.Contains(out, "gs01-set") != (want != "") || !strings.Contains(out, want) || strings.Count(out, `"severity":"error"`) != 4 {
			t.Errorf("--group %q: exit %d\n%s", group, code, out)
		}
	}
	s.refused(2, "neither .sef nor .xsd", "edi", "profile", "import", good, "--release", "004010", "--dir", own)
	s.refused(2, "needs --dir", "edi", "profile", "import", sef)
	s.refused(1, "no such file", "edi", "validate", "--grammars", filepath.Join(dir, "none"), good)

	if out := s.must("edi", "bench", "--seconds", "0.01", good); !strings.Contains(out, "validate") || !strings.Contains(out, "0 findings") {
		t.Errorf("bench:\n%s", out)
	}
	s.refused(2, "--seconds", "edi", "bench", "--seconds", "-1", good)
	if out, _, code := s.pipe(text, "edi", "bench", "--seconds", "0.01", "-", filepath.Dir(good)); code != 0 || !strings.Contains(out, "validate") {
		t.Errorf("standard input and a folder: exit %d\n%s", code, out)
	}
	if _, errs, code := s.pipe("", "edi", "bench", "-"); code != 1 || !strings.Contains(errs, "is empty") {
		t.Errorf("nothing: exit %d, %s", code, errs)
	}
	s.refused(2, "only one of the two", "edi", "diff", "-", "-")
}
