package routes

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/pack"
	"github.com/paklog/hub/core/ship"
)

// paperTray is a printer; what lies in it is the ground truth.
type paperTray struct {
	mu     sync.Mutex
	script []error // of the next jobs; then it prints
	sheets []ship.PrintJob
}

func (p *paperTray) Print(_ context.Context, j ship.PrintJob) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var err error
	if len(p.script) > 0 {
		err, p.script = p.script[0], p.script[1:]
	}
	if err == nil || err == errLost { //nolint:errorlint // ours, as it is
		p.sheets = append(p.sheets, j)
	}
	return err
}

// lies says what was printed: carrier labels, carton labels and slips.
func (p *paperTray) lies() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := map[string]int{}
	for _, j := range p.sheets {
		switch {
		case bytes.HasPrefix(j.Data, []byte("%PDF")):
			n["pdf"]++
		case bytes.HasPrefix(j.Data, []byte("^XAJo Doe")): // as the test's carrier draws it
			n["carrier"]++
		case bytes.Contains(j.Data, []byte("00614141000000")):
			n["carton"]++
		default:
			n[fmt.Sprintf("odd %.20q", j.Data)]++
		}
	}
	var out []string
	for _, k := range slices.Sorted(maps.Keys(n)) {
		out = append(out, fmt.Sprintf("%d %s", n[k], k))
	}
	return strings.Join(out, ", ")
}

// printRig is a rig with a label printer for all and another for ann, and an office printer for slips.
func printRig(t *testing.T, more ...func(*FlowConfig)) (r *rig, all, anns, office *paperTray) {
	t.Helper()
	all, anns, office = &paperTray{}, &paperTray{}, &paperTray{}
	labels := []string{ship.PaperCarrier, ship.PaperCarton}
	r = newRig(t, append([]func(*FlowConfig){func(c *FlowConfig) {
		c.Printers = []PrinterConfig{
			{Name: "ann", Port: anns, Papers: labels, Format: "zpl", Packers: []string{"ann"}},
			{Name: "all", Port: all, Papers: labels, Format: "zpl"},
			{Name: "office", Port: office, Papers: []string{ship.PaperSlip}, Format: "pdf"},
		}
	}}, more...)...)
	r.stock("A", 50, "P-1")
	return r, all, anns, office
}

func TestPapersArePrintedOnce(t *testing.T) {
	for name, c := range map[string]struct {
		script []error
		labels string // of the printer for all
	}{
		"at once":                             {nil, "1 carrier, 1 carton"},
		"the answer is lost":                  {[]error{errLost, errLost}, "1 carrier, 1 carton"},
		"it may have been cut off":            {[]error{fault.E("tray", fault.Unknown, fmt.Errorf("reset"))}, "1 carrier"},
		"it is away for a while":              {[]error{fault.E("tray", fault.Unavailable, fmt.Errorf("away")), fault.E("tray", fault.Unavailable, fmt.Errorf("away"))}, "1 carrier, 1 carton"},
		"it is away until the order has left": {slices.Repeat([]error{fault.E("tray", fault.Unavailable, fmt.Errorf("away"))}, 6), "1 carrier, 1 carton"},
		"it is busy":                          {[]error{fault.E("tray", fault.Throttled, fmt.Errorf("busy"))}, "1 carrier, 1 carton"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, all, anns, office := printRig(t)
				all.script = c.script
				r.place("SO-1", "A", 1)
				settle(time.Hour)
				r.status("SO-1", order.StatusShipped)
				if all.lies() != c.labels || anns.lies() != "" || office.lies() != "1 pdf" {
					t.Errorf("all %q, ann %q, office %q; want %q, nothing and a slip", all.lies(), anns.lies(), office.lies(), c.labels)
				}
				r.noLetters()
			})
		})
	}
}

// What a printer refuses holds up nobody: the order leaves, and the paper is a letter.
func TestAPaperThatIsRefusedIsALetter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _, _, office := printRig(t)
		office.script = []error{fault.E("tray", fault.Rejected, fmt.Errorf("does not print this format"))}
		r.place("SO-1", "A", 1)
		settle(time.Hour)
		r.status("SO-1", order.StatusShipped)
		if l := r.letters(); len(l) != 1 || l[0].Route != "out.print.office" || !strings.Contains(l[0].Cause, "does not print this format") {
			t.Errorf("letters: %+v", l)
		}
	})
}

// Who packed it has it at his own printer.
func TestAPapersPrinterIsThePackers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, all, anns, _ := printRig(t, func(c *FlowConfig) { c.Auto.Pack = false })
		for i, packer := range []string{"ann", "bob"} {
			number := fmt.Sprintf("SO-%d", i+1)
			r.place(number, "A", 1)
			settle(time.Hour)
			id := "P1-" + number
			r.must(door.Floor, id, pack.CloseCarton{Box: "S", Contents: r.packing(id).Left, Packer: packer})
			settle(time.Hour)
		}
		if all.lies() != "1 carrier, 1 carton" || anns.lies() != "1 carrier, 1 carton" {
			t.Errorf("ann %q, all %q", anns.lies(), all.lies())
		}
		r.noLetters()
	})
}

// A label that is given back while its printer is away is not printed when it comes back.
func TestALabelThatWasGivenBackIsNotPrinted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, all, _, _ := printRig(t)
		r.hubPause("ship.confirm", true)
		r.hubPause("out.print.all", true)
		r.place("SO-1", "A", 1)
		settle(time.Minute)
		r.must(door.Orders, "SO-1", order.Cancel{Reason: "customer"})
		settle(time.Hour)
		if r.carrier.voided != 1 {
			t.Fatalf("%d labels were given back", r.carrier.voided)
		}
		r.hubPause("out.print.all", false)
		settle(time.Hour)
		if all.lies() != "" && all.lies() != "1 carton" {
			t.Errorf("printed %q", all.lies())
		}
		r.noLetters()
	})
}

func TestAPaperIsPrintedAgainWhenSomebodyAsks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, all, anns, office := printRig(t)
		r.place("SO-1", "A", 1)
		settle(time.Hour)
		carton := r.cartons("SO-1")[0]
		ask := func(id string, cmd ship.PrintOn, key string) (ship.PrintSent, error) {
			a := door.Ask{ID: id, Cmd: cmd, Actor: "ann"}
			if key != "" {
				a.Key = &door.Key{Scope: "http/ann", ID: key, Hash: sha256.Sum256([]byte(key))}
			}
			got, err := r.ask(door.Prints, a)
			var sent ship.PrintSent
			if err == nil {
				err = json.Unmarshal(got.Body, &sent)
			}
			settle(time.Minute)
			return sent, err
		}
		for range 2 { // the key comes again
			if sent, err := ask(carton, ship.PrintOn{Paper: ship.PaperCarrier}, "k1"); err != nil || sent.Printer != "all" {
				t.Fatal(sent, err)
			}
		}
		if _, err := ask(carton, ship.PrintOn{Paper: ship.PaperCarton, Printer: "ann"}, ""); err != nil {
			t.Fatal(err)
		}
		if _, err := ask("SO-1", ship.PrintOn{Paper: ship.PaperSlip}, ""); err != nil {
			t.Fatal(err)
		}
		if all.lies() != "2 carrier, 1 carton" || anns.lies() != "1 carton" || office.lies() != "2 pdf" {
			t.Errorf("all %q, ann %q, office %q", all.lies(), anns.lies(), office.lies())
		}
		for name, c := range map[string]struct {
			id   string
			cmd  ship.PrintOn
			kind fault.Kind
			says string
		}{
			"a printer that is none":          {carton, ship.PrintOn{Paper: ship.PaperCarton, Printer: "attic"}, fault.Invalid, "ann, all, office"},
			"a paper that is none":            {carton, ship.PrintOn{Paper: "poem"}, fault.Invalid, "carrier, carton, slip"},
			"a slip on labels":                {"SO-1", ship.PrintOn{Paper: ship.PaperSlip, Printer: "ann"}, fault.Rejected, "a packing slip is a PDF"},
			"a carrier's label in the office": {carton, ship.PrintOn{Paper: ship.PaperCarrier, Printer: "office"}, fault.Rejected, "carriers' labels are ZPL"},
			"a carton that is none":           {"106141412345678908", ship.PrintOn{Paper: ship.PaperCarton}, fault.Rejected, "there is no carton"},
			"an order that is none":           {"SO-2", ship.PrintOn{Paper: ship.PaperSlip}, fault.Rejected, "there is no order"},
		} {
			if _, err := ask(c.id, c.cmd, ""); fault.KindOf(err) != c.kind || !strings.Contains(fmt.Sprint(err), c.says) {
				t.Errorf("%s: %v, want %v %q", name, err, c.kind, c.says)
			}
		}
		var image []byte
		if err := json.Unmarshal(r.must(door.Prints, carton, ship.PrintCarrier{}).Body, &image); err != nil || len(image) == 0 {
			t.Errorf("the carrier's label: %d bytes, %v", len(image), err)
		}
		r.noLetters()
	})
}

// The process dies after each unit: no paper comes twice, and each that nobody lost comes.
func TestACrashPrintsNothingTwice(t *testing.T) {
	afterEachUnit(t, 15, func(t *testing.T, n int) (ended bool) {
		r, all, _, office := printRig(t)
		r.batch = 1
		r.restart()
		r.crash(n)
		p := place("SO-1", lines("A", 1))
		_, first := r.ask(door.Orders, door.Ask{ID: "SO-1", Cmd: p})
		settle(10 * time.Minute)
		if ended = r.bus.Err() == nil; !ended {
			r.restart()
			if _, again := r.ask(door.Orders, door.Ask{ID: "SO-1", Cmd: p}); again != nil {
				t.Fatalf("first %v, again %v", first, again)
			}
			settle(time.Hour)
		}
		r.status("SO-1", order.StatusShipped)
		// One that may have been printed when the process died counts as printed.
		if n := len(all.sheets) + len(office.sheets); n < 2 || n > 3 || strings.Contains(all.lies()+office.lies(), "2 ") {
			t.Errorf("all %q, office %q", all.lies(), office.lies())
		}
		r.noLetters()
		return ended
	})
}

func TestPrintersThatCannotPrint(t *testing.T) {
	for says, p := range map[string]PrinterConfig{
		"a packing slip is a PDF":       {Name: "p", Format: "zpl", Papers: []string{ship.PaperSlip}},
		"carriers' labels are ZPL":      {Name: "p", Format: "pdf", Papers: []string{ship.PaperCarrier}},
		"none of carrier, carton, slip": {Name: "p", Format: "pdf", Papers: []string{"poem"}},
		"none of zpl, pdf":              {Name: "p", Format: "png", Papers: []string{ship.PaperCarton}},
	} {
		if err := p.Check(); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%+v: %v, want %q", p, err, says)
		}
	}
}
