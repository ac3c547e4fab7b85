package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/paklog/hub/adapters/bulk"
	"github.com/paklog/hub/adapters/rest"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/view"
)

func newStockReconcile(g *global) *cobra.Command {
	var format, owner, facility, reason string
	var adjust bool
	cmd := &cobra.Command{
		Use: "reconcile FILE", Short: "Compare the stock with another system's snapshot, and set it right when told to",
		Long: `Compare what lies here with a file of what another system believes: columns item and qty, and of
location, lot and lpn those that it tells places apart by. Of the owners and items that are meant, what the
file does not name counts as none there. Without locations the file is compared with everything in the
building, totes and cartons included; such a difference has no place and is only listed.

OUTCOME says of each difference whether it can be booked, and else why not. With --adjust each that can be
is, and OUTCOME says what became of it: one that is refused keeps no other from being booked. Goods that
orders were promised are not written off: what is missing of them is told. Ends with 3 while differences
are left.`,
		Example: `  paklog stock reconcile snapshot.csv
  paklog stock reconcile snapshot.csv --owner ACME --adjust --reason cutover`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if adjust && reason == "" {
				return usagef(cmd, "--adjust needs --reason: it is kept with each adjustment")
			}
			if format == "" {
				format = formatOf(args[0])
			}
			if format != bulk.CSV && format != bulk.NDJSON {
				return usagef(cmd, "say with --format whether %s is csv or ndjson", args[0])
			}
			return withHub(cmd, g, func(ctx context.Context, c *caller) error {
				sc := scope.Scope{Tenant: c.cfg.Tenant, Owner: c.cfg.Owner, Facility: c.cfg.Facility}
				if owner != "" {
					sc.Owner = owner
				}
				if facility != "" {
					sc.Facility = facility
				}
				f, err := os.Open(args[0])
				if err != nil {
					return err
				}
				defer f.Close()
				theirs, grain, err := bulk.ReadSnapshot(f, bulk.Config{Format: format, Scope: sc})
				if err != nil {
					return fmt.Errorf("reading %s: %w", args[0], err)
				}
				r := &reconciling{c: c, theirs: theirs, grain: grain, sc: sc, all: owner == ""}
				diffs, err := r.differences(ctx)
				if err != nil {
					return err
				}
				rows, err := r.judge(ctx, diffs)
				if err == nil && adjust {
					err = r.book(ctx, rows, reason)
				}
				if shown := showDifferences(cmd, g, rows); err == nil {
					err = shown
				}
				return err // what was booked before it is listed
			})
		},
	}
	cmd.Flags().StringVar(&format, "format", "", "csv or ndjson; by the file's name where it is left out")
	cmd.Flags().StringVar(&owner, "owner", "", "only this owner's stock; that of all whom the file names where it is left out")
	cmd.Flags().StringVar(&facility, "facility", "", "the building; the configured one where it is left out")
	cmd.Flags().BoolVar(&adjust, "adjust", false, "book the differences that have one place")
	cmd.Flags().StringVar(&reason, "reason", "", "of --adjust: reason code")
	_ = cmd.RegisterFlagCompletionFunc("format", words(bulk.CSV, bulk.NDJSON))
	return cmd
}

// reconciling compares the stock of a building with a snapshot.
type reconciling struct {
	c      *caller
	theirs []inventory.SnapshotLine
	grain  inventory.Grain
	sc     scope.Scope
	all    bool // every owner whom the snapshot names
	ours   map[string]inventory.Stock
}

func (r *reconciling) differences(ctx context.Context) ([]inventory.Difference, error) {
	owners := map[string]bool{r.sc.Owner: true}
	for _, l := range r.theirs {
		if r.all {
			owners[l.Owner] = true
		}
	}
	var ours []inventory.Stock
	for owner := range owners {
		docs, err := documents(ctx, r.c, "/v1/stock", url.Values{"owner": {owner}, "facility": {r.sc.Facility}}, 0)
		if err != nil {
			return nil, err
		}
		for _, d := range docs.Items {
			var s inventory.Stock
			if err := json.Unmarshal(d.State, &s); err != nil {
				return nil, fmt.Errorf("reading %s: %w", d.Key, err)
			}
			ours = append(ours, s)
		}
	}
	var theirs []inventory.SnapshotLine
	for _, l := range r.theirs {
		if owners[l.Owner] && l.Facility == r.sc.Facility {
			theirs = append(theirs, l)
		}
	}
	r.ours = map[string]inventory.Stock{}
	for _, s := range ours {
		r.ours[s.Book()] = s
	}
	return inventory.Reconcile(ours, theirs, r.grain), nil
}

// What becomes of a difference.
const (
	canBook      = "can_be_booked"
	cannotBook   = "cannot_be_booked"
	booked       = "booked"
	partlyBooked = "partly_booked"
	refusedRow   = "refused"
)

// differing is a difference, and what becomes of it.
type differing struct {
	inventory.Difference
	Outcome string `json:"outcome"`
	Why     string `json:"why,omitempty"`
	// Left is the difference that a booking left.
	Left int64 `json:"left,omitempty"`
}

// judge says of each difference whether it can be booked, and else why not.
func (r *reconciling) judge(ctx context.Context, diffs []inventory.Difference) ([]differing, error) {
	items, places := map[string]*item.Item{}, map[string]bool{}
	rows := make([]differing, 0, len(diffs))
	for _, d := range diffs {
		why, err := r.cannot(ctx, d, items, places)
		if err != nil {
			return rows, err
		}
		row := differing{Difference: d, Outcome: canBook}
		if why != "" {
			row.Outcome, row.Why = cannotBook, why
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// cannot says why a difference cannot be booked; "" is that it can. Items and places are asked for
// once each.
func (r *reconciling) cannot(ctx context.Context, d inventory.Difference, items map[string]*item.Item, places map[string]bool) (string, error) {
	switch {
	case d.At == nil:
		return "it has no one place", nil
	case d.Should() < 0:
		return fmt.Sprintf("only %d lie there", d.Booked), nil
	}
	it, asked := items[d.Book()]
	if !asked {
		it = &item.Item{}
		if _, err := r.find(ctx, "/v1/items/"+url.PathEscape(d.Owner)+"/"+url.PathEscape(d.Item), it); err != nil {
			return "", err
		}
		items[d.Book()] = it
	}
	there, asked := places[d.At.Location]
	if !asked {
		var err error
		there, err = r.find(ctx, "/v1/locations/"+url.PathEscape(d.Facility)+"/"+url.PathEscape(d.At.Location), nil)
		if err != nil {
			return "", err
		}
		places[d.At.Location] = there
	}
	switch {
	case !it.Known():
		return "item is not known", nil
	case it.Spec.Tracking.Serial:
		return "item is tracked by serial number: adjust by those that are missing or too many", nil
	case it.Spec.Tracking.Lot && d.At.Lot == "" && d.Theirs > d.Ours:
		return "item is tracked by lot: the snapshot names none", nil
	case it.Spec.Tracking.Expiry && d.Theirs > d.Ours && r.ours[d.Book()].Expires(d.At.Lot) == "":
		return "nobody said when the lot expires: receive these goods with their expiry", nil
	case !there:
		return "location is not known", nil
	}
	return "", nil
}

// find reads the state of a document, and reports whether there is one.
func (r *reconciling) find(ctx context.Context, path string, state any) (bool, error) {
	var doc view.Doc
	err := r.c.do(ctx, http.MethodGet, path, nil, &doc)
	var p *problem
	if errors.As(err, &p) && p.Status == http.StatusNotFound {
		return false, nil
	}
	if err == nil && state != nil {
		err = json.Unmarshal(doc.State, state)
	}
	return err == nil, err
}

// book sets each difference right that can be, and says of each what became of it. One that the hub
// refuses keeps no other from being booked.
func (r *reconciling) book(ctx context.Context, rows []differing, reason string) error {
	for i := range rows {
		d := &rows[i]
		if d.Outcome != canBook {
			continue
		}
		err := r.c.do(ctx, http.MethodPost, "/v1/stock/settle", rest.SettleBody{
			Owner: d.Owner, Facility: d.Facility, Item: d.Item, ShelfBody: rest.ShelfBody(*d.At), Counted: d.Should(), Reason: reason,
		}, nil)
		var p *problem
		switch {
		case err == nil:
			d.Outcome = booked
		case errors.As(err, &p) && p.Status < http.StatusInternalServerError:
			d.Outcome, d.Why = refusedRow, err.Error()
		default:
			return fmt.Errorf("item %s at %s: %w", clean(d.Item), clean(d.At.Location), err)
		}
	}
	left, err := r.differences(ctx)
	if err != nil {
		return err
	}
	for i := range rows {
		d := &rows[i]
		for _, x := range left {
			if d.Outcome == booked && x.BookKey == d.BookKey && x.Place == d.Place {
				d.Outcome, d.Left, d.Why = partlyBooked, x.Theirs-x.Ours, "orders were promised the rest"
			}
		}
	}
	return nil
}

// showDifferences lists them, and ends with 3 where some are not booked.
func showDifferences(cmd *cobra.Command, g *global, rows []differing) error {
	out, err := cmd.OutOrStdout(), error(nil)
	switch {
	case g.json:
		err = writeJSON(out, append([]differing{}, rows...))
	case len(rows) == 0:
		fmt.Fprintln(out, "no differences")
	default:
		t := newTable(out, "OWNER", "ITEM", "LOCATION", "LOT", "LPN", "OURS", "THEIRS", "DIFFERENCE", "OUTCOME")
		for _, d := range rows {
			outcome := strings.ReplaceAll(d.Outcome, "_", " ")
			if d.Left != 0 {
				outcome += fmt.Sprintf(", %d left", d.Left)
			}
			if d.Why != "" {
				outcome += ": " + d.Why
			}
			t.row(d.Owner, d.Item, d.Location, d.Lot, d.LPN, d.Ours, d.Theirs, d.Theirs-d.Ours, outcome)
		}
		err = t.flush()
	}
	if err == nil && slices.ContainsFunc(rows, func(d differing) bool { return d.Outcome != booked }) {
		return exitFindings
	}
	return err
}
