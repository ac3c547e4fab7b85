package routes

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/edi/x12"
	"github.com/paklog/hub/transforms/x12wms"
)

// Every 940 and 850 of the sample corpus goes in by the EDI door. Each set ends as an order
// (accepted, or rejected with its reasons) or as a letter that names its exact place; none as a
// panic and none in silence.
func TestSampleCorpusGoesThroughTheDoor(t *testing.T) {
	root := filepath.Join("..", "..", "shared", "data", "edi-samples")
	if _, err := os.Stat(root); err != nil {
		t.Skipf("no sample corpus at %s", root)
	}
	var files []string
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() && e.Name() != "MANIFEST.tsv" && e.Name() != "README.md" {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	total := map[string]int{}
	seen := 0
	for _, path := range files {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := x12.Parse(data, x12.Limits{})
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		sets := 0
		for p := range doc.Sets() {
			if p.ST.ID == "940" || p.ST.ID == "850" {
				sets++
			}
		}
		if sets == 0 && !bytes.Contains(data, []byte("ST*940")) && !bytes.Contains(data, []byte("ST*850")) {
			continue
		}
		seen++
		name, _ := filepath.Rel(root, path)
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				outcome := throughTheDoor(t, name, data, sets)
				for k, n := range outcome {
					total[k] += n
				}
				t.Logf("%-60s %2d sets: %v", name, sets, outcome)
			})
		})
	}
	t.Logf("%d files: %v", seen, total)
	if seen < 40 || total["order"] == 0 || total["letter"] == 0 {
		t.Errorf("%d files with %v: the corpus was not gone over", seen, total)
	}
}

func throughTheDoor(t *testing.T, name string, data []byte, sets int) map[string]int {
	t.Helper()
	r, _ := ediRig(t, func(p *Partner) {
		// Any building and any owner: the samples are from all over the world.
		p.ID, p.OurID, p.Usage = "", "", usageOf(data)
		p.Profile = x12wms.Profile{Tenant: site.Tenant, Partner: "ACME", Facility: site.Facility}
	})
	r.drop(filepath.Base(name), string(data))
	settle(time.Minute)
	outcome := map[string]int{}
	c := r.count()
	outcome["order"] = c["order.Accepted"] + c["order.Rejected"]
	for _, l := range r.letters() {
		switch l.Route {
		case heldLines: // the order exists, and says what it waits for
			outcome["line held"]++
			continue
		case "x12.orders", "x12.refused", "x12.split", "x12.inbound", "order.place":
			outcome["letter"]++
		default:
			outcome[l.Route]++
		}
		if l.Kind == "internal" {
			t.Errorf("our own fault: %s %s\n%s", l.Cause, l.Place, l.Stack)
		}
		if l.Place == "" || l.Cause == "" || l.Next == "" {
			t.Errorf("a letter that does not explain itself: %+v", l)
		}
	}
	others := 0
	r.each(func(rec *journal.Record) {
		if rec.Topic == topicAcks {
			others++
		}
	})
	if n := c["order.Repeated"] + c["x12.Repeated"]; n > 0 {
		outcome["known already"] = n
	}
	if outcome["order"]+outcome["letter"]+outcome["known already"] < sets {
		t.Errorf("%d sets went in, %d orders and %d letters came out:\n%s", sets, outcome["order"], outcome["letter"], strings.Join(r.lettersText(), "\n"))
	}
	if others > 0 {
		outcome["997 in"] = others
	}
	return outcome
}

// usageOf is ISA15 of the file's first interchange.
func usageOf(data []byte) string {
	doc, err := x12.Parse(data, x12.Limits{})
	if err != nil {
		return "P"
	}
	for _, p := range doc.Parts {
		if p.Kind == x12.InterchangeHeader {
			return p.ISA.Usage
		}
	}
	return "P"
}

func (r *rig) lettersText() []string {
	var out []string
	for _, l := range r.letters() {
		out = append(out, fmt.Sprintf("  %s %s %s: %s", l.Route, l.Kind, l.Place, l.Cause))
	}
	return out
}
