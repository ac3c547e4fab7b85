package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/paklog/hub/adapters/bulk"
	"github.com/paklog/hub/adapters/rest"
	"github.com/paklog/hub/core/facility"
	"github.com/paklog/hub/core/view"
)

// listed is where the documents of a kind of export are listed.
var listed = map[string]string{bulk.Owners: "/v1/owners", bulk.Crossrefs: "/v1/crossrefs", bulk.Items: "/v1/items", bulk.Locations: "/v1/locations", bulk.Facilities: "/v1/facilities", bulk.Workers: "/v1/workers", bulk.Opening: "/v1/stock"}

func newExport(g *global) *cobra.Command {
	l := listing{whose: "owner"}
	var format string
	cmd := &cobra.Command{
		Use: "export owners|crossrefs|items|locations|facilities|workers|opening FILE", Short: "Write master data or stock to a file that import reads back",
		Long: `Write a CSV or NDJSON file that paklog import reads back, here or in another hub. opening is what lies on
the shelves, as the opening stock of another hub: what orders were given is free there, what is doubted is
held, and what is in totes and cartons is left out. Serial numbers stand where the books know them
("paklog stock serials"). crossrefs are what codes of partners mean, those that were removed left out.
- is standard output.`,
		Example: `  paklog export items items.csv
  paklog export crossrefs crossrefs.csv
  paklog export facilities - --format ndjson
  paklog export opening stock.ndjson --owner ACME`,
		Args: cobra.ExactArgs(2), ValidArgs: bulk.Exports(),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !slices.Contains(bulk.Exports(), args[0]) {
				return usagef(cmd, "%q is none of %s", args[0], strings.Join(bulk.Exports(), ", "))
			}
			if format == "" {
				format = formatOf(args[1])
			}
			if format != bulk.CSV && format != bulk.NDJSON {
				return usagef(cmd, "say with --format whether %s is to be csv or ndjson", args[1])
			}
			return withHub(cmd, g, func(ctx context.Context, c *caller) (err error) {
				found, err := documents(ctx, c, listed[args[0]], l.query(), 0)
				if err != nil {
					return err
				}
				out := cmd.OutOrStdout()
				if args[1] != "-" {
					f, ferr := os.Create(args[1])
					if ferr != nil {
						return ferr
					}
					defer func() { err = errors.Join(err, f.Close()) }()
					out = f
				}
				if err := export(out, args[0], format, found.Items); err != nil {
					return err
				}
				fmt.Fprintf(cmd.ErrOrStderr(), "%d exported, ", len(found.Items))
				standing(cmd.ErrOrStderr(), found)
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&format, "format", "", "csv or ndjson; by the file's name where it is left out")
	cmd.Flags().StringVar(&l.owner, "owner", "", "only this owner's items or stock")
	_ = cmd.RegisterFlagCompletionFunc("format", words(bulk.CSV, bulk.NDJSON))
	return cmd
}

func export(w io.Writer, kind, format string, docs []view.Doc) error {
	e, err := bulk.NewExport(w, kind, format)
	if err != nil {
		return err
	}
	for _, d := range docs {
		if err := e.Add(d); err != nil {
			return err
		}
	}
	return e.Close()
}

func newFacilities(g *global) *cobra.Command {
	var l listing
	cmd := &cobra.Command{
		Use: "facilities", Short: "List buildings with their zones, aisles and slotting rules",
		Example: `  paklog facilities
  paklog facilities --json | jq '.[].state.spec.slotting'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return l.list(cmd, g, "/v1/facilities", []string{"FACILITY", "TITLE", "TIME ZONE", "ZONES", "AISLES", "RULES"}, func(d view.Doc) ([]any, error) {
				var f facility.Facility
				if err := json.Unmarshal(d.State, &f); err != nil {
					return nil, err
				}
				var zones []string
				for _, z := range f.Spec.Zones {
					zones = append(zones, z.Code)
				}
				return []any{d.ID, f.Spec.Title, f.Spec.TimeZone, clip(strings.Join(zones, " "), 60), len(f.Spec.Aisles), len(f.Spec.Slotting)}, nil
			})
		},
	}
	l.flags(cmd)
	return cmd
}

func newSlots(g *global) *cobra.Command {
	var owner, facility string
	var limit int
	cmd := &cobra.Command{
		Use: "slots ITEM", Short: "Say where more of an item may lie, best first, and why",
		Example: `  paklog slots MUG
  paklog slots MUG --owner ACME --limit 5`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withHub(cmd, g, func(ctx context.Context, c *caller) error {
				owner, err := ownerOf(ctx, c, view.Item, args[0], owner)
				if err != nil {
					return err
				}
				q := url.Values{"facility": {facility}, "limit": {fmt.Sprint(limit)}}
				var out rest.Slots
				if err := c.do(ctx, http.MethodGet, "/v1/items/"+url.PathEscape(owner)+"/"+url.PathEscape(args[0])+"/slots?"+q.Encode(), nil, &out); err != nil {
					return err
				}
				if g.json {
					return writeJSON(cmd.OutOrStdout(), out.Items)
				}
				t := newTable(cmd.OutOrStdout(), "LOCATION", "ZONE", "PURPOSE", "ROOM", "BECAUSE", "RULE")
				for _, a := range out.Items {
					room := "no bound"
					if a.Room >= 0 {
						room = fmt.Sprint(a.Room)
					}
					t.row(a.Location, a.Zone, a.Purpose, room, a.Because, a.Rule)
				}
				return t.flush()
			})
		},
	}
	cmd.Flags().StringVar(&owner, "owner", "", "whose item")
	cmd.Flags().StringVar(&facility, "facility", "", "the building; the configured one where it is left out")
	cmd.Flags().IntVar(&limit, "limit", 20, "how many at most, up to 500")
	return cmd
}
