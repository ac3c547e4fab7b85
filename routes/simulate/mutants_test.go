package simulate

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/paklog/hub/core/wave"
)

// A mutant is the core with one check dropped, or one thing done wrongly. The simulation must
// see each.
type mutant struct {
	name     string
	file     string // below core
	old, new string
}

var mutants = []mutant{
	{"inventory: a pick takes free goods", "inventory/decide.go",
		"d.move(c.Qty, c.In(Allocated), InTote(c.Lot, c.Tote))\n\td.serials(c.Serials, c.Qty, false, SerialShelf, SerialOut)", "d.move(c.Qty, c.In(Free), InTote(c.Lot, c.Tote))\n\td.serials(c.Serials, c.Qty, false, SerialShelf, SerialOut)"},
	{"inventory: what is to be put back is held", "inventory/decide.go", "d.move(c.Qty, c.From, c.To.In(Received))", "d.move(c.Qty, c.From, c.To.In(Held))"},
	{"inventory: an allocation that is taken back keeps its promise", "inventory/decide.go", "\tto := ATP\n\tif c.Keep {\n\t\tto = Promised", "\tto := Promised\n\tif c.Keep {\n\t\tto = ATP"},
	{"inventory: a short loses what is missing", "inventory/decide.go", "c.Expected, c.Found, missing, doubted})", "c.Expected, c.Found, 0, doubted})"},
	{"order: a cancellation puts nothing back", "order/hold.go", "PutBack: l.Picked, Unpack", "PutBack: 0, Unpack"},
	{"order: a cancellation gives no place back", "order/hold.go", "Deallocate: l.Allocated,\n", "Deallocate: 0,\n"},
	{"order: a cut-off passes without a word", "order/cutoff.go", "!at.Before(by) && !o.Missed.Equal(by)", "!at.Before(by) && by.IsZero()"},
	{"order: what is short waits and is not noted", "order/order.go", "case Wait:\n\t\tl.Backordered += e.Qty", "case Wait:\n\t\tl.Backordered += 0"},
	{"wave: the last order ends no wave", "wave/decide.go", "if w.Open == 1 && w.Status == StatusReleased {", "if w.Open == 0 && w.Status == StatusReleased {"},
	{"task: a claim is given to two", "task/decide.go", "live := at.Before(t.Until)", "live := at.After(t.Until)"},
	{"wave: a tour says less than its way", "wave/way.go", "cmp.Or(b.Layout, layout)\n\t\treturn length", "cmp.Or(b.Layout, layout)\n\t\treturn length - 1"},
	{"wave: a tour goes to and fro", "wave/way.go", "at[place{layout, p}] = len(at)", "at[place{layout, p}] = len(at) ^ 1"},
	{"wave: a tour leaves a piece behind", "wave/way.go", "Pick{x.Of, x.Line, x.Item, x.From, x.Qty}", "Pick{x.Of, x.Line, x.Item, x.From, max(1, x.Qty-1)}"},
	{"task: a lease ends as it begins", "task/decide.go", "h, until := t.head(at), at.Add(c.Lease).UTC()", "h, until := t.head(at), at.UTC()"},
	{"pick: more is picked than is left", "pick/decide.go", "case c.Qty > s.Left():\n\t\treturn nil, fault.At(op, fault.Rejected, \"qty\"", "case c.Qty > s.Left()+10:\n\t\treturn nil, fault.At(op, fault.Rejected, \"qty\""},
	{"pick: a list ends with its first step", "pick/decide.go", "if left > 0 {\n\t\t\treturn out", "if left > 0 && i == step-1 {\n\t\t\treturn out"},
	{"pick: a short step stays open", "pick/decide.go", "return l.change(e.Step, e.Found, e.Expected-e.Found)", "return l.change(e.Step, e.Found, 0)"},
	{"pack: a carton number is used again", "pack/sscc.go", "serial := fmt.Sprintf(\"%0*d\", room, n.Serial)", "serial := fmt.Sprintf(\"%0*d\", room, n.Serial/2)"},
	{"pack: carton numbers begin anew, when those that had them have left", "pack/sscc.go", "serial := fmt.Sprintf(\"%0*d\", room, n.Serial)", "serial := fmt.Sprintf(\"%0*d\", room, n.Serial%24)"},
	{"task: what is done is held on", "task/decide.go", "t.Status, t.Until = StatusCompleted, time.Time{}", "t.Until = time.Time{}"},
	{"task: what is taken back was another's", "task/decide.go", "Preempted{t.head(at), t.Worker, t.Claims, c.For", "Preempted{t.head(at), t.Worker, t.Claims + 1, c.For"},
	{"inventory: what is put away may be had by nobody", "inventory/decide.go", "if c.Stage == Received {\n\t\td.post.free(c.Qty)\n\t}\n\td.named(", "if c.Stage == Free {\n\t\td.post.free(c.Qty)\n\t}\n\td.named("},
	{"load: a truck takes everything twice", "load/decide.go", "l.SealNo, slices.Clone(c.Cartons), c.By}", "l.SealNo, slices.Concat(c.Cartons, c.Cartons), c.By}"},
	{"routes: what the truck has taken is cancelled, and its label given back", "../routes/undock.go",
		"m.Status == manifest.StatusClosed && d.f.confirms(m.Carrier) == AtManifest", "m.Status == manifest.StatusClosed && d.f.confirms(m.Carrier) == AtLabel"},
	{"pack: what is packed is packed again", "pack/decide.go", "\t\tp.Left = left\n", "\t\t_ = left\n"},
	{"ship: a carton leaves with each confirmation", "ship/confirm_decide.go", "Cartons: ready, Shorts: s.Shorts}", "Cartons: append(ready, s.Gone...), Shorts: s.Shorts}"},
	{"ship: a manifested carton is still waited for", "ship/confirm_decide.go", "without(s.Waiting, m.Carton), append(", "s.Waiting, append("},
}

// mutantsEnv makes the test binary work through seeds until one fails: the mutants' own run.
const mutantsEnv = "PAKLOG_MUTANT_SEEDS"

func TestMutantRuns(t *testing.T) {
	n := 2 // of the core as it is, which what finds its mutants must pass
	if seeds := os.Getenv(mutantsEnv); seeds != "" {
		var err error
		if n, err = strconv.Atoi(seeds); err != nil {
			t.Fatal(err)
		}
	}
	c := small(0)
	c.Faults.Changes, c.Faults.Short, c.Faults.WrongScan = 4, 10, 10
	// And one picker for tours of several orders, to whom what is urgent does not come in time.
	few := c
	few.Workers, few.Orders, few.Policy.WaveMethod = 2, 150, wave.BatchPick
	// And one on long ways, whose work has to wait for what is urgent.
	hasty := c
	hasty.Workers, hasty.Orders, hasty.Lines = 2, 150, 6
	hasty.Policy.WaveSize, hasty.Policy.WaveTimeout = 2, time.Minute
	for _, c := range []Config{c, few, hasty} {
		if _, err := Many(t.Context(), c, 1, n, 1, nil); err != nil {
			t.Fatal(err)
		}
	}
}

// source is the file that the mutant changes, in one place of it.
func (m mutant) source(t *testing.T, root string) (path, src string) {
	t.Helper()
	path = filepath.Join(root, "core", m.file)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(b), m.old); n != 1 {
		t.Fatalf("%s: what is to be replaced stands %d times in %s", m.name, n, m.file)
	}
	return path, string(b)
}

// Who changes the core hears of a mutant that is none of it any more before all of them run.
func TestMutantsAreOfTheCoreAsItIs(t *testing.T) {
	t.Parallel()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range mutants {
		t.Run(m.name, func(t *testing.T) {
			if m.source(t, root); m.old == m.new {
				t.Error("it changes nothing")
			}
		})
	}
}

// TestMutantsAreKilled builds the core with each fault in it and lets the simulation find it. A few
// of them in a test run, all of them under torture (PAKLOG_TORTURE_CORE).
func TestMutantsAreKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("each mutant is a build of its own")
	}
	list := mutants
	if os.Getenv("PAKLOG_TORTURE_CORE") == "" {
		list = []mutant{mutants[1], mutants[9]}
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range append([]mutant{{name: "the core as it is"}}, list...) {
		t.Run(m.name, func(t *testing.T) {
			why, killed := m.run(t, root)
			if alive := m.file == ""; alive == killed {
				t.Fatalf("killed: %v %s", killed, why)
			}
			t.Log(why)
		})
	}
}

// run builds the mutant and reports whether the simulation found it, and by what.
func (m mutant) run(t *testing.T, root string) (why string, killed bool) {
	t.Helper()
	dir := t.TempDir()
	args := []string{"test", "-c", "-o", filepath.Join(dir, "mutant.test")}
	if m.file != "" {
		path, src := m.source(t, root)
		patched := filepath.Join(dir, "patched.go")
		overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{path: patched}})
		if err != nil {
			t.Fatal(err)
		}
		for name, b := range map[string][]byte{patched: []byte(strings.Replace(src, m.old, m.new, 1)), filepath.Join(dir, "overlay.json"): overlay} {
			if err := os.WriteFile(name, b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		args = append(args, "-overlay", filepath.Join(dir, "overlay.json"))
	}
	ctx, stop := context.WithTimeout(t.Context(), 5*time.Minute)
	defer stop()
	build := exec.CommandContext(ctx, "go", append(args, "./routes/simulate")...)
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%s: building it: %v\n%s", m.name, err, out)
	}
	cmd := exec.CommandContext(ctx, filepath.Join(dir, "mutant.test"), "-test.run", "^TestMutantRuns$")
	cmd.Dir, cmd.Env = dir, append(os.Environ(), mutantsEnv+"=8")
	out, err := cmd.CombinedOutput()
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, "seed ") || strings.HasPrefix(line, "panic") {
			why = strings.TrimSpace(line)
			break
		}
	}
	return why, err != nil
}
