package routes

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/label"
	"github.com/paklog/hub/core/pack"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/ship"
	"github.com/paklog/hub/routes/bus"
	"github.com/paklog/hub/routes/eip"
	"github.com/paklog/hub/transforms/papers"
)

// PrinterConfig is a printer and what it prints by itself.
type PrinterConfig struct {
	Name       string // part of the stored format
	Port       ship.Printer
	Papers     []string // of [ship.Papers]
	Format     string   // of carton labels: "zpl" or "pdf"; carriers' labels are ZPL, slips are PDF
	Packers    []string // whose cartons; none is everybody's whom no other printer of the paper names
	Facilities []string // none is all
	Timeout    time.Duration
}

const (
	cmdPrint   = "paper.Print"
	stepPrint  = "print"
	printsFrom = "prints"     // route that says what is printed where
	printRoute = "out.print." // routes of printers
)

func (f *Flows) printTopics() []string {
	var out []string
	for _, p := range f.cfg.Printers {
		out = append(out, printTopic(p.Name))
	}
	return out
}

func printTopic(printer string) string { return "print." + printer }

// printing is a paper on its way to a printer. Papers bear addresses: they are written when they
// are printed, and kept nowhere.
type printing struct {
	Scope scope.Scope `json:"scope"`
	Paper string      `json:"paper"`
	ID    string      `json:"id"` // SSCC, or the order's number of a slip
	// Label is the tracking number of a carrier's label that is printed by itself: one that is given
	// back before it is printed is not.
	Label string `json:"label,omitempty"`
}

// addPrinters hosts what prints by itself: who prints what, and a route to each printer.
func (f *Flows) addPrinters() error {
	if len(f.cfg.Printers) == 0 {
		return nil
	}
	for _, p := range f.cfg.Printers {
		if err := p.Check(); err != nil {
			return fmt.Errorf("printer %s: %w", p.Name, err)
		}
		if err := f.hub.AddEffect(Route{
			Name: printRoute + p.Name, About: "prints on " + p.Name + ", each paper at most once by itself", Conn: p.Name,
			Topics: []string{printTopic(p.Name)}, Parking: Parking{Independent: true},
			Patterns: []string{eip.NameChannelAdapter, eip.NameBreaker},
		}, Effect{
			Step: stepPrint, Timeout: p.Timeout, Certain: true,
			Plan: func(ctx context.Context, m *Message) (*Call, *Out, error) { return f.planPrint(ctx, m, p) },
			Do: func(ctx context.Context, call *Call) ([]byte, error) {
				job := call.Value.(ship.PrintJob)
				if job.Data == nil {
					return []byte(`"gone"`), nil // the carton was emptied, or its label given back, between two tries
				}
				return nil, p.Port.Print(ctx, job)
			},
			// A paper too many is a carton with two labels, and a printer forgets its jobs: what may have
			// been printed counts as printed, and a person asks for it again.
			Resolve: func(context.Context, *Call) ([]byte, bool, error) { return []byte(`"unanswered"`), true, nil },
			Then:    func(_ context.Context, m *Message, _ *Call, _ []byte) (*Out, error) { return m.Out(), nil },
		}); err != nil {
			return err
		}
	}
	return f.hub.Add(Route{
		Name: printsFrom, About: "says which printer prints what was packed", Start: bus.Now,
		Topics: []string{onPacks}, Types: takes(pack.CartonClosed{}, pack.Completed{}, label.Bought{}),
		Handle: f.print, Writes: f.printTopics(), Parking: Parking{Independent: true},
	})
}

// print sends the papers of what was packed to the printers that print them by themselves.
func (f *Flows) print(ctx context.Context, m *Message) (*Out, error) {
	d := f.decide(ctx, m)
	switch e := m.Event.(type) {
	case pack.CartonClosed:
		d.printAt(f.printerOf(ship.PaperCarton, e.Scope, e.Packer), printing{Scope: e.Scope, Paper: ship.PaperCarton, ID: e.Carton})
	case pack.Completed:
		packer := ""
		if all := d.packing(e.Scope, e.Pack).Cartons; len(all) > 0 {
			packer = all[len(all)-1].Packer
		}
		d.printAt(f.printerOf(ship.PaperSlip, e.Scope, packer), printing{Scope: e.Scope, Paper: ship.PaperSlip, ID: e.Order})
	case label.Bought:
		d.printAt(f.printerOf(ship.PaperCarrier, e.Scope, d.packerOf(e.Scope, e.Carton)),
			printing{Scope: e.Scope, Paper: ship.PaperCarrier, ID: e.Carton, Label: e.Tracking})
	}
	return d.done()
}

// packerOf is who closed a carton; "" where nobody said so.
func (d *decision) packerOf(s scope.Scope, sscc string) string {
	all := d.packing(s, d.docked(s, sscc).Pack).Cartons
	if i := slices.IndexFunc(all, func(c pack.Closed) bool { return c.Carton == sscc }); i >= 0 {
		return all[i].Packer
	}
	return ""
}

// printerOf is the printer of a paper: the packer's, or else the first that is for everybody. Its
// name is "" where none prints it.
func (f *Flows) printerOf(paper string, s scope.Scope, packer string) PrinterConfig {
	var rest PrinterConfig
	for _, p := range f.cfg.Printers {
		if !slices.Contains(p.Papers, paper) || len(p.Facilities) > 0 && !slices.Contains(p.Facilities, s.Facility) {
			continue
		}
		if len(p.Packers) == 0 {
			if rest.Name == "" {
				rest = p
			}
		} else if packer != "" && slices.Contains(p.Packers, packer) {
			return p
		}
	}
	return rest
}

func (d *decision) printAt(p PrinterConfig, what printing) {
	if p.Name != "" {
		d.out.Publish(printTopic(p.Name), cmdPrint, scope.Join(what.Paper, what.ID), what)
	}
}

// askPrintOn sends a paper to a printer because somebody asks for it.
func (d *decision) askPrintOn(s scope.Scope, id string, cmd ship.PrintOn) (answered, error) {
	const op = "routes.PrintOn"
	what := printing{Scope: s, Paper: cmd.Paper, ID: id}
	packer := ""
	switch cmd.Paper {
	case ship.PaperCarrier, ship.PaperCarton:
		_, own, ok := d.carton(s, id)
		if !ok {
			return answered{}, d.err
		}
		what.Scope = own
		packer = d.packerOf(own, id)
		if cmd.Paper == ship.PaperCarrier {
			if _, err := d.carrierLabel(own, id); err != nil {
				return answered{}, err
			}
		} else {
			d.cartonPaper(own, id)
		}
	case ship.PaperSlip:
		what.Scope = d.order(s, id).Scope
		d.orderPaper(s, id)
	default:
		return answered{}, fault.At(op, fault.Invalid, "paper", fmt.Errorf("%.64q is none of %s", cmd.Paper, strings.Join(ship.Papers(), ", ")))
	}
	if d.err != nil {
		return answered{}, d.err
	}
	p := d.f.printerOf(cmd.Paper, what.Scope, packer)
	if cmd.Printer != "" {
		i := slices.IndexFunc(d.f.cfg.Printers, func(p PrinterConfig) bool { return p.Name == cmd.Printer })
		if i < 0 {
			return answered{}, fault.At(op, fault.Invalid, "printer", fmt.Errorf("there is no printer %.64q; there are: %s", cmd.Printer, d.f.printerNames()))
		}
		p = d.f.cfg.Printers[i]
		if err := p.takes(cmd.Paper); err != nil {
			return answered{}, fault.At(op, fault.Rejected, "printer", err)
		}
	}
	if p.Name == "" {
		return answered{}, fault.At(op, fault.Rejected, "printer", fmt.Errorf("no printer prints a %s paper here by itself: name one; there are: %s", cmd.Paper, d.f.printerNames()))
	}
	d.printAt(p, what)
	return answered{ship.PrintSent{Paper: cmd.Paper, Printer: p.Name}, true}, nil
}

func (f *Flows) printerNames() string {
	var out []string
	for _, p := range f.cfg.Printers {
		out = append(out, p.Name)
	}
	if out == nil {
		return "none, the configuration has no printers"
	}
	return strings.Join(out, ", ")
}

// takes refuses a paper that the printer's format cannot carry.
func (p PrinterConfig) takes(paper string) error {
	switch {
	case paper == ship.PaperSlip && p.Format == "zpl":
		return fmt.Errorf("%s takes ZPL, and a packing slip is a PDF", p.Name)
	case paper == ship.PaperCarrier && p.Format == "pdf":
		return fmt.Errorf("%s takes PDF, and carriers' labels are ZPL", p.Name)
	}
	return nil
}

// Check refuses a printer that cannot print what it should.
func (p PrinterConfig) Check() error {
	var errs []error
	for _, paper := range p.Papers {
		if !slices.Contains(ship.Papers(), paper) {
			errs = append(errs, fmt.Errorf("papers: %q is none of %s", paper, strings.Join(ship.Papers(), ", ")))
		} else if err := p.takes(paper); err != nil {
			errs = append(errs, fmt.Errorf("papers: %w", err))
		}
	}
	if p.Format != "zpl" && p.Format != "pdf" {
		errs = append(errs, fmt.Errorf("format: %q is none of zpl, pdf", p.Format))
	}
	return errors.Join(errs...)
}

// planPrint writes the paper, anew for each try. Nothing is printed where there is nothing to print
// it for any more.
func (f *Flows) planPrint(ctx context.Context, m *Message, p PrinterConfig) (*Call, *Out, error) {
	var w printing
	if err := m.Decode(&w); err != nil {
		return nil, nil, err
	}
	job := ship.PrintJob{Name: m.ID.String(), Format: p.Format}
	begun, err := m.Row(ctx, journal.TableEffect, journal.EffectKey(printRoute+p.Name, m.origin, stepPrint))
	if err != nil {
		return nil, nil, err
	}
	d := f.decide(ctx, m)
	switch w.Paper {
	case ship.PaperCarrier:
		if l := d.label(w.Scope, w.ID); w.Label != "" && l.Tracking != w.Label {
			d.fail(missing("routes.Print", "carton", "label "+w.Label+" was given back"))
		}
		job.Data, err = d.carrierLabel(w.Scope, w.ID)
	case ship.PaperCarton:
		write := papers.LabelZPL
		if p.Format == "pdf" {
			write = papers.LabelPDF
		}
		if paper := d.cartonPaper(w.Scope, w.ID); d.err == nil {
			job.Data, err = write(paper)
		}
	case ship.PaperSlip:
		if paper := d.orderPaper(w.Scope, w.ID); d.err == nil {
			job.Data, err = papers.SlipPDF(paper)
		}
	}
	err = errors.Join(d.err, err)
	switch {
	case err == nil:
	case fault.KindOf(err) != fault.Rejected:
		return nil, nil, err
	case begun == nil:
		return nil, m.Out(), nil
	default:
		job.Data = nil
	}
	return &Call{Ref: job.Name, Value: job}, nil, nil
}

// mostLabels bounds the events of one carton's labels.
const mostLabels = 1000

// carrierLabel are the bytes of the label that a carton has.
func (d *decision) carrierLabel(s scope.Scope, sscc string) ([]byte, error) {
	const op = "routes.CarrierLabel"
	recs, err := d.f.hub.bus.Driver().Stream(d.ctx, label.StreamOf(s, sscc), 0, mostLabels)
	if err != nil {
		return nil, fault.E(op, fault.Transient, fmt.Errorf("reading the journal: %w", err))
	}
	var l label.Label
	var image []byte
	for i := range recs {
		e, err := decodeEvent(d.f.hub.reg, &recs[i])
		if err != nil {
			return nil, err
		}
		if b, ok := e.(label.Bought); ok {
			image = b.Image
		}
		if l, err = label.Fold.Apply(l, e); err != nil {
			return nil, err
		}
	}
	switch {
	case l.Status != label.StatusBought:
		return nil, fault.At(op, fault.Rejected, "carton", fmt.Errorf("carton %s has no carrier label", sscc))
	case l.Document != "" && image == nil && d.f.cfg.ReadLabel != nil:
		return d.f.cfg.ReadLabel(d.ctx, l.Document)
	case len(image) == 0:
		return nil, fault.At(op, fault.Rejected, "carton", fmt.Errorf("the label of carton %s came without its image", sscc))
	}
	return image, nil
}
