package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestExampleMapsHold holds the maps that PakLog brings as examples against their pairs.
func TestExampleMapsHold(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	if out := s.must("edi", "map", "test", filepath.Join("..", "..", "configs", "maps")); !strings.Contains(out, " 0 failures") || strings.Contains(out, " 0 pairs") {
		t.Errorf("got\n%s", out)
	}
}

// copyMaps is a folder of its own with the example maps.
func copyMaps(t *testing.T, s *shell) string {
	t.Helper()
	dir := filepath.Join(filepath.Dir(s.config), "maps")
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("..", "..", "configs", "maps"))); err != nil {
		t.Fatal(err)
	}
	return dir
}

// rewrite replaces text in a file, once.
func rewrite(t *testing.T, file, old, now string) {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Count(string(raw), old) != 1 {
		t.Fatalf("%s holds %q %d times", file, old, strings.Count(string(raw), old))
	}
	if err := os.WriteFile(file, []byte(strings.Replace(string(raw), old, now, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestPairsThatDoNotHoldAreShownAtTheirField(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		file, old, now string
		want           []string
	}{
		"a field of the map":       {"acme-940.yaml", "region: to.N4[2]", "region: to.N4[1]", []string{"document 1, ship_to.region", `- "NY"`, `+ "Buffalo"`, "from N4-01 (segment 5, byte", "by line 41 of the map"}},
		"a field that is left out": {"acme-940.yaml", "  type: 'set.every(\"N9\").by(\"ZZ\")[2]'\n", "", []string{"document 1, type", `- "STORE"`, "+ (nothing)"}},
		"a table":                  {"acme-carriers.csv", "NEXT,UPSN,01", "NEXT,UPSN,02", []string{"document 1, service.level", `- "01"`, `+ "02"`, "from W66-05"}},
		"a document":               {"acme-940.rush.in.edi", "W05*F*AC-10070~", "W05*F*AC-10079~", []string{"document 2, number", `+ "AC-10079"`}},
		"a refusal":                {"acme-940.refused.in.edi", "W66*PP*U***DRONE~", "W66*PP*U***GRND~", []string{"document 1, refused[1].element"}},
		"a map that is none":       {"acme-940.yaml", "makes: order", "maks: order", []string{"acme-940.yaml:5:1", `did you mean "makes"?`}},
		"JSON that is none":        {"acme-940.rush.out.json", `"number": "AC-10071",`, `"number": AC,`, []string{"acme-940.rush.out.json: document 1"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShell(t)
			dir := copyMaps(t, s)
			rewrite(t, filepath.Join(dir, c.file), c.old, c.now)
			out, errs, code := s.pipe("", "edi", "map", "test", dir)
			if code != 3 {
				t.Fatalf("exit %d\n%s%s", code, out, errs)
			}
			for _, want := range c.want {
				if !strings.Contains(out, want) {
					t.Errorf("%q is not in\n%s", want, out)
				}
			}
		})
	}
}

func TestMapsAreTriedWithPairsAlone(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	dir := copyMaps(t, s)
	m := filepath.Join(dir, "acme-940.yaml")
	rush := filepath.Join(dir, "acme-940.rush")
	for _, gone := range []string{rush + ".out.json", filepath.Join(dir, "acme-940.refused.in.edi")} {
		if err := os.Remove(gone); err != nil {
			t.Fatal(err)
		}
	}
	if out, _, code := s.pipe("", "edi", "map", "test", m); code != 3 || !strings.Contains(out, "acme-940.refused.out.json has no acme-940.refused.in.edi beside it") {
		t.Errorf("half a pair: exit %d\n%s", code, out)
	}
	if err := os.Remove(filepath.Join(dir, "acme-940.refused.out.json")); err != nil {
		t.Fatal(err)
	}
	if out, _, code := s.pipe("", "edi", "map", "test", m); code != 3 || !strings.Contains(out, "acme-940.rush.out.json") {
		t.Errorf("the other half: exit %d\n%s", code, out)
	}
	s.must("edi", "map", "test", "--update", m)
	if out := s.must("edi", "map", "test", "--json", m); strings.TrimSpace(out) != `{"map":"`+m+`","pair":"rush","ok":true}` {
		t.Errorf("after --update: %s", out)
	}
	if err := os.Remove(rush + ".in.edi"); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(rush + ".out.json"); err != nil {
		t.Fatal(err)
	}
	if out, _, code := s.pipe("", "edi", "map", "test", m); code != 3 || !strings.Contains(out, "no pair lies beside it") {
		t.Errorf("no pair: exit %d\n%s", code, out)
	}
}

func TestMapsRun(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	dir := copyMaps(t, s)
	m := filepath.Join(dir, "acme-940.yaml")
	if out := s.must("edi", "map", "run", m, filepath.Join(dir, "acme-940.rush.in.edi")); strings.Count(out, `"number"`) != 2 {
		t.Errorf("got\n%s", out)
	}
	if out, _, code := s.pipe("", "edi", "map", "run", m, filepath.Join(dir, "acme-940.refused.in.edi")); code != 3 || !strings.Contains(out, `"refused"`) {
		t.Errorf("a refusal: exit %d\n%s", code, out)
	}
	if _, errs, code := s.pipe("nothing of the kind", "edi", "map", "run", m, "-"); code != 1 || !strings.Contains(errs, "neither X12 nor EDIFACT") {
		t.Errorf("no document: exit %d\n%s", code, errs)
	}
	good, err := os.ReadFile(filepath.Join(dir, "acme-940.rush.in.edi"))
	if err != nil {
		t.Fatal(err)
	}
	other := strings.ReplaceAll(string(good), "ST*940", "ST*947")
	if _, errs, code := s.pipe(other, "edi", "map", "run", m, "-"); code != 1 || !strings.Contains(errs, "no document in it is one that the map is for: 940") {
		t.Errorf("another set: exit %d\n%s", code, errs)
	}
	rewrite(t, m, "file: acme-carriers.csv, key: [routing], value: scac", "file: ../acme-carriers.csv, key: [routing], value: scac")
	if _, errs, code := s.pipe("", "edi", "map", "run", m, filepath.Join(dir, "acme-940.rush.in.edi")); code != 3 || !strings.Contains(errs, "tables.carrier.file") {
		t.Errorf("a table outside the folder: exit %d\n%s", code, errs)
	}
}

func TestConfigurationsWithMapsThatCannotWorkAreRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ maps, old, now, want string }{
		"one that is not there":     {`"940": acme-941.yaml`, "", "", "edi.partners.ACME.maps.940: "},
		"one of another set":        {`"850": acme-940.yaml`, "", "", "edi.partners.ACME.maps.850: map acme-940 reads 940"},
		"one that does not compile": {`"940": acme-940.yaml`, "makes: order", "makes: orders", `edi.partners.ACME.maps.940: acme-940.yaml:5:8: makes: "orders" is none of`},
		"one of JSON":               {`"940": acme-940.yaml`, "makes: order", "makes: json", "makes JSON, of which no flow takes any"},
		"a receipt of EDIFACT":      {`RECADV: r.yaml`, "", "", ""},
		"one of what is sent":       {`"945": acme-945.yaml`, "", "", "map acme-945 changes what is sent: it stands under outbound_maps"},
		"one of what comes, out":    {`}, outbound_maps: {"940": acme-940.yaml`, "", "", "edi.partners.ACME.outbound_maps.940: map acme-940 makes order"},
		"one of another set, out":   {`}, outbound_maps: {"944": acme-945.yaml`, "", "", "edi.partners.ACME.outbound_maps.944: map acme-945 reads 945"},
		"one of what is not sent":   {`}, outbound_maps: {"997": acks.yaml`, "", "", "no 997 is sent that a map may change: there are 204, "},
		"one that works, out":       {`}, outbound_maps: {"945": acme-945.yaml`, "", "", ""},
		"one that works":            {`"940": acme-940.yaml`, "", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShell(t)
			dir := copyMaps(t, s)
			if err := os.WriteFile(filepath.Join(dir, "r.yaml"), []byte("map: r\nreads: RECADV\nmakes: receipt\nout: {receipt: \"set.BGM[2]\"}\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "acks.yaml"), []byte("map: acks\nreads: \"997\"\nmakes: changes\nout: [{remove: set.AK1}]\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			if c.old != "" {
				rewrite(t, filepath.Join(dir, "acme-940.yaml"), c.old, c.now)
			}
			text := "data: " + s.data + "\nedi:\n  maps: " + dir + "\n  partners:\n    ACME: {id: ACME, owner: ACME, maps: {" + c.maps + "}}\n"
			if err := os.WriteFile(s.config, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			out, errs, code := s.pipe("", "config", "check")
			if (code == 0) != (c.want == "") || !strings.Contains(errs, c.want) {
				t.Errorf("exit %d\n%s%s", code, out, errs)
			}
		})
	}
}
