package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/paklog/hub/adapters/rest"
	"github.com/paklog/hub/core/count"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/replenish"
	"github.com/paklog/hub/core/reservation"
	"github.com/paklog/hub/core/view"
)

// ask sends a command and decodes the answer, which is printed as it is under --json.
func ask[T any](cmd *cobra.Command, g *global, path string, body any, tell func(T)) error {
	return withHub(cmd, g, func(ctx context.Context, c *caller) error {
		var raw json.RawMessage
		if err := c.do(ctx, http.MethodPost, path, body, &raw); err != nil {
			return err
		}
		return tellAnswer(cmd, g, raw, tell)
	})
}

// tellAnswer prints the hub's answer as it is under --json, and tells it otherwise.
func tellAnswer[T any](cmd *cobra.Command, g *global, raw json.RawMessage, tell func(T)) error {
	if g.json {
		return writeJSON(cmd.OutOrStdout(), raw)
	}
	var v T
	if err := json.Unmarshal(raw, &v); err != nil {
		return fmt.Errorf("reading the hub's answer: %w", err)
	}
	tell(v)
	return nil
}

// shelfFlags name a place and whose goods are meant.
type shelfFlags struct{ owner, facility, location, lot, lpn string }

func (f *shelfFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.owner, "owner", "", "whose goods; the configured owner's where it is left out")
	cmd.Flags().StringVar(&f.facility, "facility", "", "the building; the configured one where it is left out")
	cmd.Flags().StringVar(&f.location, "location", "", "the place")
	cmd.Flags().StringVar(&f.lot, "lot", "", "the lot")
	cmd.Flags().StringVar(&f.lpn, "lpn", "", "the pallet or tote that it stands on")
}

func (f *shelfFlags) shelf() rest.ShelfBody {
	return rest.ShelfBody{Location: f.location, Lot: f.lot, LPN: f.lpn}
}

func stockLine(cmd *cobra.Command) func(rest.StockState) {
	return func(s rest.StockState) {
		fmt.Fprintf(cmd.OutOrStdout(), "item %s of %s: %d on hand, %d may be promised\n", clean(s.Item), clean(s.Owner), s.OnHand, s.Available)
	}
}

func newStockAdjust(g *global) *cobra.Command {
	var f shelfFlags
	var b rest.AdjustBody
	var counted int64
	cmd := &cobra.Command{
		Use: "adjust ITEM", Short: "Set the books of a place right, by what is more or less or by what lies there",
		Example: `  paklog stock adjust MUG --location A-01 --delta -2 --reason damage
  paklog stock adjust MUG --location A-01 --counted 40 --reason cycle_count`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if (b.Delta == 0) != cmd.Flags().Changed("counted") || f.location == "" || b.Reason == "" {
				return usagef(cmd, "adjusting needs --location, --reason and one of --delta and --counted")
			}
			b.Owner, b.Facility, b.Item, b.ShelfBody = f.owner, f.facility, args[0], f.shelf()
			if b.Delta == 0 {
				return ask(cmd, g, "/v1/stock/settle", rest.SettleBody{
					Owner: b.Owner, Facility: b.Facility, Item: b.Item, ShelfBody: b.ShelfBody, Counted: counted, Reason: b.Reason,
				}, stockLine(cmd))
			}
			return ask(cmd, g, "/v1/stock/adjust", b, stockLine(cmd))
		},
	}
	f.add(cmd)
	cmd.Flags().Int64Var(&b.Delta, "delta", 0, "what is more, or less, than the books say")
	cmd.Flags().Int64Var(&counted, "counted", 0, "everything that lies there")
	cmd.Flags().StringVar(&b.Stage, "stage", "", "of --delta: free, received, held, damaged or suspect; free")
	cmd.Flags().StringVar(&b.Reason, "reason", "", "reason code; required")
	_ = cmd.RegisterFlagCompletionFunc("stage", words(inventory.Free, inventory.Received, inventory.Held, inventory.Damaged, inventory.Suspect))
	return cmd
}

func newStockMove(g *global) *cobra.Command {
	var f shelfFlags
	var b rest.TransferBody
	var to string
	cmd := &cobra.Command{
		Use: "move ITEM", Short: "Move goods from place to place",
		Example: `  paklog stock move MUG --location B-07 --to A-01 --qty 24
  paklog stock move MUG --location TOTE-4 --to A-01 --qty 2
  paklog slots MUG`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.location == "" || to == "" || b.Qty < 1 {
				return usagef(cmd, "moving needs --location, --to and --qty above 0")
			}
			b.Owner, b.Facility, b.Item, b.From = f.owner, f.facility, args[0], f.shelf()
			b.To = rest.ShelfBody{Location: to, Lot: f.lot, LPN: f.lpn}
			return ask(cmd, g, "/v1/stock/transfer", b, stockLine(cmd))
		},
	}
	f.add(cmd)
	cmd.Flags().StringVar(&to, "to", "", "the place that they are brought to")
	cmd.Flags().Int64Var(&b.Qty, "qty", 0, "how many, in the smallest unit")
	cmd.Flags().StringVar(&b.Stage, "stage", "", "free, received, held or damaged; free, or received where none is free")
	cmd.Flags().StringSliceVar(&b.Serials, "serial", nil, "serial numbers of the units, where it matters which")
	cmd.Flags().StringVar(&b.Reason, "reason", "", "why")
	_ = cmd.RegisterFlagCompletionFunc("stage", words(inventory.Free, inventory.Received, inventory.Held, inventory.Damaged))
	return cmd
}

func newStockSerials(g *global) *cobra.Command {
	var owner, facility string
	cmd := &cobra.Command{
		Use: "serials ITEM [SERIAL]", Short: "Say where serial numbers are: on which shelf, or in which tote or carton",
		Long: `Say where the units of an item are that came in under serial numbers, as the books know it: where they
were named last, and whither goods went that they must have gone along with. STAGE is good, held (or
damaged) or loose: in a tote or a carton.`,
		Example: `  paklog stock serials DRILL
  paklog stock serials DRILL SN-0042 --json`,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withHub(cmd, g, func(ctx context.Context, c *caller) error {
				owner, err := ownerOf(ctx, c, view.Stock, args[0], owner)
				if err != nil {
					return err
				}
				var d view.Doc
				path := "/v1/stock/" + url.PathEscape(owner) + "/" + url.PathEscape(args[0]) + "?facility=" + url.QueryEscape(facility)
				if err := c.do(ctx, http.MethodGet, path, nil, &d); err != nil {
					return err
				}
				var s inventory.Stock
				if err := json.Unmarshal(d.State, &s); err != nil {
					return err
				}
				found := s.WhereSerials()
				if len(args) > 1 {
					found = slices.DeleteFunc(found, func(x inventory.SerialAt) bool { return x.Serial != args[1] })
				}
				if g.json {
					return writeJSON(cmd.OutOrStdout(), found)
				}
				if len(args) > 1 && len(found) == 0 {
					return fmt.Errorf("serial number %s of item %s is not here", args[1], args[0])
				}
				t := newTable(cmd.OutOrStdout(), "SERIAL", "STAGE", "LOCATION", "LOT", "LPN")
				for _, x := range found {
					t.row(x.Serial, x.Stage, x.Location, x.Lot, x.LPN)
				}
				return t.flush()
			})
		},
	}
	cmd.Flags().StringVar(&owner, "owner", "", "whose goods")
	cmd.Flags().StringVar(&facility, "facility", "", "the building; the configured one where it is left out")
	return cmd
}

func newStockQuarantine(g *global, release bool) *cobra.Command {
	var f shelfFlags
	var b rest.QuarantineBody
	cmd := &cobra.Command{
		Use: "quarantine ITEM", Short: "Hold a lot, a place or an LPN back; orders that were given it find others",
		Example: `  paklog stock quarantine MILK --lot L-77 --reason recall
  paklog stock quarantine MUG --location A-01 --reason leak`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.shelf() == (rest.ShelfBody{}) || b.Reason == "" {
				return usagef(cmd, "say what is meant with --lot, --location or --lpn, and why with --reason")
			}
			b.Owner, b.Facility, b.Item, b.Location, b.Lot, b.LPN = f.owner, f.facility, args[0], f.location, f.lot, f.lpn
			path := "/v1/stock/quarantine"
			if release {
				path = "/v1/stock/release"
			}
			return ask(cmd, g, path, b, func(s rest.QuarantineState) {
				stockLine(cmd)(s.StockState)
				if !release && b.Lot != "" && !slices.ContainsFunc(s.Shelves, func(sh inventory.Shelf) bool { return sh.Lot == b.Lot }) {
					fmt.Fprintf(cmd.OutOrStdout(), "no shelf has lot %s: what comes of it is held until \"paklog stock release\" says otherwise\n", clean(b.Lot))
				}
				if len(s.TakenBack) > 0 {
					fmt.Fprintf(cmd.OutOrStdout(), "taken back from orders, which wait for others: %s\n", clean(strings.Join(s.TakenBack, ", ")))
				}
				if len(s.OnHold) > 0 {
					fmt.Fprintf(cmd.OutOrStdout(), "on hold, for goods of it lie in their totes or cartons: %s\n", clean(strings.Join(s.OnHold, ", ")))
				}
				if s.Left > 0 {
					fmt.Fprintf(cmd.OutOrStdout(), "%d were not moved: they are promised, or somebody fetches them\n", s.Left)
				}
			})
		},
	}
	if release {
		cmd.Use, cmd.Short = "release ITEM", "Give what was held back free again"
		cmd.Example = `  paklog stock release MILK --lot L-77 --reason passed`
	}
	f.add(cmd)
	cmd.Flags().StringVar(&b.Reason, "reason", "", "why; required")
	cmd.Flags().StringSliceVar(&b.Serials, "serial", nil, "serial numbers of the units that are meant, where it is not all of the item")
	return cmd
}

func newStockAccounts(g *global) *cobra.Command {
	var owner, facility string
	cmd := &cobra.Command{
		Use: "accounts ITEM", Short: "Show the double entry of an item: every account and its balance, which sum to zero",
		Long: `Show every account of an item. Places of goods are named stage/location/lot/LPN and never fall below
zero. atp is what may be promised, promised what is without a place, unallocated the mirror of what lies
free; world is the other side of the door: goods come from it and leave to it.`,
		Example: `  paklog stock accounts MUG
  paklog stock accounts MUG --owner ACME --json`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withHub(cmd, g, func(ctx context.Context, c *caller) error {
				owner, err := ownerOf(ctx, c, view.Stock, args[0], owner)
				if err != nil {
					return err
				}
				var a rest.Accounts
				path := "/v1/stock/" + url.PathEscape(owner) + "/" + url.PathEscape(args[0]) + "/accounts?facility=" + url.QueryEscape(facility)
				if err := c.do(ctx, http.MethodGet, path, nil, &a); err != nil {
					return err
				}
				if g.json {
					return writeJSON(cmd.OutOrStdout(), a)
				}
				t := newTable(cmd.OutOrStdout(), "ACCOUNT", "BALANCE", "FLOOR")
				for _, x := range a.Items {
					floor := "none"
					if x.Floor != nil {
						floor = fmt.Sprint(*x.Floor)
					}
					t.row(x.Account, x.Balance, floor)
				}
				return t.flush()
			})
		},
	}
	cmd.Flags().StringVar(&owner, "owner", "", "whose goods")
	cmd.Flags().StringVar(&facility, "facility", "", "the building; the configured one where it is left out")
	return cmd
}

func newReservations(g *global) *cobra.Command {
	cmd := newReservationsList(g)
	cmd.Use, cmd.Short = "reservations", "List stock that is held back for what is no order yet; place, extend and release it"
	cmd.Example = `  paklog reservations
  paklog reservations place CART-7 --item MUG --qty 2 --for 30m
  paklog reservations extend CART-7 --for 1h
  paklog reservations release CART-7`
	cmd.AddCommand(newReservationsList(g), newReservationPlace(g), newReservationEnd(g, "extend"), newReservationEnd(g, "release"))
	return cmd
}

func newReservationsList(g *global) *cobra.Command {
	var l listing
	cmd := &cobra.Command{
		Use: "list", Short: "List reservations by owner and name",
		Example: `  paklog reservations list --status held`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return l.list(cmd, g, "/v1/reservations", []string{"OWNER", "RESERVATION", "STATUS", "KIND", "ITEM", "QTY", "PRIORITY", "EXPIRES"}, func(d view.Doc) ([]any, error) {
				var r reservation.Reservation
				if err := json.Unmarshal(d.State, &r); err != nil {
					return nil, err
				}
				return []any{d.Owner, d.ID, d.Status, r.Kind, r.Item, r.Qty, r.Priority, instant(r.Expires)}, nil
			})
		},
	}
	l.flags(cmd, rest.Statuses(view.Reservation)...)
	return cmd
}

func tellReservation(cmd *cobra.Command) func(reservation.Reservation) {
	return func(r reservation.Reservation) {
		fmt.Fprintf(cmd.OutOrStdout(), "reservation %s of %s is %s: %d of item %s until %s\n", clean(r.ID), clean(r.Owner), r.Status(), r.Qty, clean(r.Item), instant(r.Expires))
		for _, p := range r.Pieces {
			fmt.Fprintf(cmd.OutOrStdout(), "  %d at %s %s\n", p.Qty, clean(p.Location), clean(p.Lot))
		}
	}
}

func newReservationPlace(g *global) *cobra.Command {
	var b rest.ReservationBody
	var term time.Duration
	cmd := &cobra.Command{
		Use: "place NAME", Short: "Hold stock back until a time",
		Long: `Hold stock back. A soft reservation is a quantity, a hard one has places. An order that names it among
its references, {"kind":"reservation","value":"NAME"}, takes it.`,
		Example: `  paklog reservations place CART-7 --item MUG --qty 2 --for 30m
  paklog reservations place QUOTE-1 --item MUG --qty 40 --kind hard --lot L1 --for 48h`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if b.Item == "" || b.Qty < 1 || term <= 0 {
				return usagef(cmd, "a reservation needs --item, --qty above 0 and --for a time")
			}
			b.ID, b.Expires = args[0], time.Now().Add(term).UTC()
			return ask(cmd, g, "/v1/reservations", b, tellReservation(cmd))
		},
	}
	cmd.Flags().StringVar(&b.Owner, "owner", "", "whose goods; the configured owner's where it is left out")
	cmd.Flags().StringVar(&b.Facility, "facility", "", "the building; the configured one where it is left out")
	cmd.Flags().StringVar(&b.Item, "item", "", "the SKU")
	cmd.Flags().Int64Var(&b.Qty, "qty", 0, "how many, in the smallest unit")
	cmd.Flags().StringVar(&b.Kind, "kind", "", "soft or hard; soft")
	cmd.Flags().IntVar(&b.Priority, "priority", 0, "0 to 9, as of orders")
	cmd.Flags().DurationVar(&term, "for", 0, "how long")
	cmd.Flags().StringVar(&b.Reference, "reference", "", "what it is for")
	cmd.Flags().StringVar(&b.Lot, "lot", "", "of a hard one: only this lot")
	cmd.Flags().StringVar(&b.MinExpiry, "min-expiry", "", "of a hard one: the goods must not expire before this day")
	_ = cmd.RegisterFlagCompletionFunc("kind", words(reservation.Soft, reservation.Hard))
	return cmd
}

// newReservationEnd is extend or release.
func newReservationEnd(g *global, verb string) *cobra.Command {
	var owner, facility, reason string
	var term time.Duration
	var qty int64
	cmd := &cobra.Command{
		Use: verb + " NAME", Short: "Move the end of a reservation", Example: `  paklog reservations extend CART-7 --for 1h`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var body any = rest.ReduceBody{Qty: qty, Reason: reason}
			if verb == "extend" {
				if term <= 0 {
					return usagef(cmd, "say with --for how long from now on")
				}
				body = rest.ExtendBody{Expires: time.Now().Add(term).UTC()}
			}
			return thingAct(cmd, g, view.Reservation, "/v1/reservations/", args[0], owner, facility, verb, body, tellReservation(cmd))
		},
	}
	if verb == "extend" {
		cmd.Flags().DurationVar(&term, "for", 0, "how long from now on")
	} else {
		cmd.Short, cmd.Example = "Give a reservation back, or a part of it", `  paklog reservations release CART-7 --qty 1`
		cmd.Flags().Int64Var(&qty, "qty", 0, "how many; all where it is left out")
		cmd.Flags().StringVar(&reason, "reason", "", "why")
	}
	cmd.Flags().StringVar(&owner, "owner", "", "whose reservation")
	cmd.Flags().StringVar(&facility, "facility", "", "the building; the configured one where it is left out")
	return cmd
}

// thingAct sends a command about a thing that has an owner and a building.
func thingAct[T any](cmd *cobra.Command, g *global, kind, path, id, owner, facility, verb string, body any, tell func(T)) error {
	return withHub(cmd, g, func(ctx context.Context, c *caller) error {
		owner, err := ownerOf(ctx, c, kind, id, owner)
		if err != nil {
			return err
		}
		var raw json.RawMessage
		path := path + url.PathEscape(owner) + "/" + url.PathEscape(id) + "/" + verb
		if facility != "" {
			path += "?facility=" + url.QueryEscape(facility)
		}
		if err := c.do(ctx, http.MethodPost, path, body, &raw); err != nil {
			return err
		}
		return tellAnswer(cmd, g, raw, tell)
	})
}

func newCounts(g *global) *cobra.Command {
	cmd := newCountsList(g)
	cmd.Use, cmd.Short = "counts", "List counts; ask for them, and tell what lies there"
	cmd.Example = `  paklog counts --status open
  paklog counts due --class A
  paklog counts open MUG --location A-01
  paklog counts tally C-0123456789ab --counted 40 --worker jo`
	cmd.AddCommand(newCountsList(g), newCountOpen(g), newCountDue(g), newCountTally(g), newCountCancel(g))
	return cmd
}

func newCountsList(g *global) *cobra.Command {
	var l listing
	cmd := &cobra.Command{
		Use: "list", Short: "List counts by owner and name",
		Example: `  paklog counts list --status open`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return l.list(cmd, g, "/v1/counts", []string{"OWNER", "COUNT", "STATUS", "ITEM", "LOCATION", "LOT", "CAUSE", "CLASS", "TASK", "LOOKS", "WHY"}, func(d view.Doc) ([]any, error) {
				var x count.Count
				if err := json.Unmarshal(d.State, &x); err != nil {
					return nil, err
				}
				return []any{d.Owner, d.ID, d.Status, x.Item, x.Location, x.Lot, x.Cause, x.Class, x.Task, len(x.Looks), x.Because}, nil
			})
		},
	}
	l.flags(cmd, rest.Statuses(view.Count)...)
	return cmd
}

func tellCount(cmd *cobra.Command) func(count.Count) {
	return func(x count.Count) {
		fmt.Fprintf(cmd.OutOrStdout(), "count %s of item %s at %s is %s", clean(x.ID), clean(x.Item), clean(x.Location), x.Status)
		switch {
		case x.Because != "":
			fmt.Fprintf(cmd.OutOrStdout(), " (%s)", clean(x.Because))
		case len(x.Looks) > 0:
			fmt.Fprintf(cmd.OutOrStdout(), ": somebody else must look, by task %s", clean(x.Task))
		default:
			fmt.Fprintf(cmd.OutOrStdout(), ", by task %s", clean(x.Task))
		}
		fmt.Fprintln(cmd.OutOrStdout())
	}
}

func newCountOpen(g *global) *cobra.Command {
	var f shelfFlags
	var b rest.CountBody
	cmd := &cobra.Command{
		Use: "open ITEM", Short: "Ask for a count of a place",
		Example: `  paklog counts open MUG --location A-01
  paklog counts open MILK --location C-02 --lot L-77 --show`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.location == "" {
				return usagef(cmd, "name the place with --location")
			}
			b.Owner, b.Facility, b.Item, b.ShelfBody = f.owner, f.facility, args[0], f.shelf()
			return ask(cmd, g, "/v1/counts", b, tellCount(cmd))
		},
	}
	f.add(cmd)
	cmd.Flags().BoolVar(&b.Open, "show", false, "show who counts what the books say; a count is blind without")
	return cmd
}

func newCountDue(g *global) *cobra.Command {
	var b rest.DueBody
	cmd := &cobra.Command{
		Use: "due", Short: "Ask for blind counts of the places whose turn it is, longest uncounted first",
		Example: `  paklog counts due --class A
  paklog counts due --days 60 --limit 20`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return ask(cmd, g, "/v1/counts/due", b, func(d rest.Due) {
				for _, x := range d.Opened {
					tellCount(cmd)(x)
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%d counts asked for, %d of the places are being counted already\n", len(d.Opened), d.Open)
				if d.More {
					fmt.Fprintln(cmd.OutOrStdout(), "there are more: --limit takes up to 200")
				}
			})
		},
	}
	cmd.Flags().StringVar(&b.Owner, "owner", "", "only this owner's goods")
	cmd.Flags().StringVar(&b.Facility, "facility", "", "the building; the configured one where it is left out")
	cmd.Flags().StringVar(&b.Class, "class", "", "only items of class A, B or C")
	cmd.Flags().IntVar(&b.Days, "days", 0, "counted longer ago than this; by class where it is left out: A 30, B 90, others 180")
	cmd.Flags().IntVar(&b.Limit, "limit", 0, "how many at most: 50")
	_ = cmd.RegisterFlagCompletionFunc("class", words("A", "B", "C"))
	return cmd
}

func newCountTally(g *global) *cobra.Command {
	var owner, facility string
	var b rest.TallyBody
	cmd := &cobra.Command{
		Use: "tally COUNT", Short: "Say what lies there: everything on the shelf, in the smallest unit",
		Example: `  paklog counts tally C-0123456789ab --counted 40 --worker jo`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !cmd.Flags().Changed("counted") || b.Worker == "" {
				return usagef(cmd, "say with --counted what lies there and with --worker who counted")
			}
			return thingAct(cmd, g, view.Count, "/v1/counts/", args[0], owner, facility, "tally", b, tellCount(cmd))
		},
	}
	cmd.Flags().StringVar(&owner, "owner", "", "whose goods")
	cmd.Flags().StringVar(&facility, "facility", "", "the building; the configured one where it is left out")
	cmd.Flags().Int64Var(&b.Counted, "counted", 0, "what lies there")
	cmd.Flags().StringVar(&b.Worker, "worker", "", "who counted")
	return cmd
}

func newCountCancel(g *global) *cobra.Command {
	var owner, facility string
	var b rest.ReasonBody
	cmd := &cobra.Command{
		Use: "cancel COUNT", Short: "End a count without a number",
		Example: `  paklog counts cancel C-0123456789ab --reason mistake`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if b.Reason == "" {
				return usagef(cmd, "cancelling needs --reason: it is kept with the count")
			}
			return thingAct(cmd, g, view.Count, "/v1/counts/", args[0], owner, facility, "cancel", b, tellCount(cmd))
		},
	}
	cmd.Flags().StringVar(&owner, "owner", "", "whose goods")
	cmd.Flags().StringVar(&facility, "facility", "", "the building; the configured one where it is left out")
	cmd.Flags().StringVar(&b.Reason, "reason", "", "why; required")
	return cmd
}

func newReplenish(g *global) *cobra.Command {
	var facility string
	var b rest.ReplenishBody
	cmd := &cobra.Command{
		Use: "replenish LOCATION", Short: "Let a pick face be filled from bulk",
		Long: `Let a pick face be filled. A face is a location that was given to an item, with the least and the most
that lies there: it fills itself when it falls below its least. By hand: min_max looks now, top_off fills
whatever it holds, demand fills up to what is wanted, emergency is done before all else.`,
		Example: `  paklog replenish A-01
  paklog replenish A-01 --kind demand --wanted 120`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withHub(cmd, g, func(ctx context.Context, c *caller) error {
				if facility == "" {
					facility = c.cfg.Facility
				}
				var out rest.ReplenishState
				if err := c.do(ctx, http.MethodPost, "/v1/locations/"+url.PathEscape(facility)+"/"+url.PathEscape(args[0])+"/replenish", b, &out); err != nil {
					return err
				}
				if g.json {
					return writeJSON(cmd.OutOrStdout(), out)
				}
				if out.Task == nil {
					fmt.Fprintf(cmd.OutOrStdout(), "%s wants nothing, or there is nothing to be had in bulk\n", clean(out.Location))
					return nil
				}
				fmt.Fprintf(cmd.OutOrStdout(), "task %s fills %s:\n", out.Task.Task, clean(out.Location))
				for _, st := range out.Task.Steps {
					fmt.Fprintf(cmd.OutOrStdout(), "  %d of item %s from %s %s\n", st.Qty, clean(st.Item), clean(st.From.Location), clean(st.From.Lot))
				}
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&facility, "facility", "", "the building; the configured one where it is left out")
	cmd.Flags().StringVar(&b.Kind, "kind", replenish.TopOff, strings.Join(replenish.Kinds(), ", "))
	cmd.Flags().Int64Var(&b.Wanted, "wanted", 0, "of a demand: how much the face must hold")
	_ = cmd.RegisterFlagCompletionFunc("kind", words(replenish.Kinds()...))
	return cmd
}

func newOrderWhy(g *global) *cobra.Command {
	var owner string
	cmd := &cobra.Command{
		Use: "why ORDER", Short: "Say why this lot from this place: what was decided about the stock of an order",
		Example: `  paklog orders why SO-1001
  paklog orders why SO-1001 --json | jq -r '.items[].data.why'`,
		Args: cobra.ExactArgs(1), ValidArgsFunction: fromHub(g, orderNumbers),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withHub(cmd, g, func(ctx context.Context, c *caller) error {
				path, err := orderPath(ctx, c, args[0], owner)
				if err != nil {
					return err
				}
				var out rest.Decisions
				if err := c.do(ctx, http.MethodGet, path+"/decisions", nil, &out); err != nil {
					return orderError(err)
				}
				if g.json {
					return writeJSON(cmd.OutOrStdout(), out)
				}
				for _, d := range out.Items {
					says, err := because(d)
					if err != nil {
						return err
					}
					fmt.Fprintf(cmd.OutOrStdout(), "%s  %-20s %s\n", d.Time.UTC().Format("15:04:05.000"), strings.TrimPrefix(d.Type, "stock."), clean(says))
				}
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&owner, "owner", "", "whose order, where several have one of this number")
	return cmd
}

// because says in a line what was decided and why.
func because(d rest.Decision) (string, error) {
	read := func(v any) error {
		if err := json.Unmarshal(d.Data, v); err != nil {
			return fmt.Errorf("reading %s at %d: %w", d.Type, d.Position, err)
		}
		return nil
	}
	at := func(p inventory.Place) string {
		s := p.Location
		if p.Lot != "" {
			s += " lot " + p.Lot
		}
		if p.LPN != "" {
			s += " on " + p.LPN
		}
		return s
	}
	switch d.Type {
	case inventory.StockAllocated{}.EventType():
		var e inventory.StockAllocated
		if err := read(&e); err != nil {
			return "", err
		}
		w := e.Why
		s := fmt.Sprintf("line %d: %d of %s at %s: %s by %s, of %d places", e.Line, e.Qty, e.Item, at(e.Place), w.Because, w.Strategy, w.Considered)
		if w.UOM != "" {
			s += ", in " + w.UOM
		}
		if w.Expiry != "" {
			s += ", expires " + string(w.Expiry)
		}
		if w.MinExpiry != "" {
			s += fmt.Sprintf(", %s demands %s or later", w.MinExpiryBy, w.MinExpiry)
		}
		for _, x := range w.Skipped {
			s += fmt.Sprintf("; passed over %s: %s", at(x.Place), x.Why)
		}
		return s, nil
	case inventory.StockReassigned{}.EventType():
		var e inventory.StockReassigned
		if err := read(&e); err != nil {
			return "", err
		}
		return fmt.Sprintf("%d of %s at %s from %s%s to %s: %s (%d goes before %d)", e.Qty, e.Item, at(e.Place), e.From.Order, e.From.Hold, e.To.Order, e.Reason, e.ToPriority, e.FromPriority), nil
	case inventory.StockShorted{}.EventType():
		var e inventory.StockShorted
		if err := read(&e); err != nil {
			return "", err
		}
		return fmt.Sprintf("line %d: %d of %d of %s were found at %s; %d more are doubted", e.Line, e.Found, e.Expected, e.Item, at(e.Place), e.Quarantined), nil
	case inventory.StockReleased{}.EventType(), inventory.StockDeallocated{}.EventType():
		var e struct {
			inventory.For
			Item   string `json:"item"`
			Qty    int64  `json:"qty"`
			Reason string `json:"reason"`
		}
		if err := read(&e); err != nil {
			return "", err
		}
		return fmt.Sprintf("line %d: %d of %s given back: %s", e.Line, e.Qty, e.Item, e.Reason), nil
	}
	var e struct {
		Lines  []order.LineQty `json:"lines"`
		Reason string          `json:"reason"`
	}
	if err := read(&e); err != nil {
		return "", err
	}
	var lines []string
	for _, l := range e.Lines {
		lines = append(lines, fmt.Sprintf("%d of line %d", l.Qty, l.Line))
	}
	return strings.Join(lines, ", ") + ": " + e.Reason, nil
}
