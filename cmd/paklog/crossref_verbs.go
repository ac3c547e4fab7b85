package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	"github.com/spf13/cobra"

	"github.com/paklog/hub/adapters/rest"
	"github.com/paklog/hub/core/crossref"
	"github.com/paklog/hub/core/view"
	"github.com/paklog/hub/transforms/custom"
)

func newCrossrefs(g *global) *cobra.Command {
	cmd := newCrossrefsList(g)
	cmd.Use, cmd.Short = "crossrefs", "List what codes of partners mean; set, remove and show them"
	cmd.Long = `List the cross-references: what each partner's codes mean here. A partner is a connection of the configuration.

  item      his code of an item is our SKU: in orders that he sends, and in the stock that he is told
  unit      his word for a unit is ours
  location  his place is our building: of work of shops, and of the stock that they are told
  carrier   his name of a carrier is our connection: in shipments that he is told
  method    his way of delivery is a service: a carrier and its code, or a service level of ours
  service   his code, he being a carrier, is our service level: labels of that level are bought under it

What was decided by an entry stays as it was decided. A line that waits because nobody knew its item goes on
when its letter is replayed. Each change is a version, and an event. paklog export crossrefs and paklog import
crossrefs --update write and read them all.`
	cmd.Example = `  paklog crossrefs --partner main
  paklog crossrefs set main item COFFEE-6 COFFEE
  paklog crossrefs set main method "Express (2 days)" --level express
  paklog crossrefs set ups service 02 express
  paklog crossrefs remove main item COFFEE-6`
	cmd.AddCommand(newCrossrefsList(g), newCrossrefSet(g), newCrossrefRemove(g), newCrossrefShow(g))
	return cmd
}

func newCrossrefsList(g *global) *cobra.Command {
	l := listing{whose: "partner"}
	cmd := &cobra.Command{
		Use: "list", Short: "List what codes of partners mean",
		Example: `  paklog crossrefs list --partner main --status active`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return l.list(cmd, g, "/v1/crossrefs", []string{"PARTNER", "KIND", "THEIRS", "OURS", "VERSION", "STATUS"}, func(d view.Doc) ([]any, error) {
				var e crossref.Entry
				if err := json.Unmarshal(d.State, &e); err != nil {
					return nil, err
				}
				return []any{e.Owner, string(e.Kind), clip(e.Theirs, 40), clip(e.Says(), 40), e.Version, e.Status}, nil
			})
		},
	}
	l.flags(cmd, rest.Statuses(view.Crossref)...)
	return cmd
}

func tellCrossref(cmd *cobra.Command) func(crossref.Entry) {
	return func(e crossref.Entry) {
		fmt.Fprintf(cmd.OutOrStdout(), "%s %q of %s means %q (version %d, %s)\n", e.Kind, clean(e.Theirs), clean(e.Owner), clean(e.Says()), e.Version, e.Status)
	}
}

func crossrefPath(args []string) string {
	return "/v1/crossrefs/" + url.PathEscape(args[0]) + "/" + url.PathEscape(args[1]) + "/" + url.PathEscape(args[2])
}

func newCrossrefSet(g *global) *cobra.Command {
	var m custom.CrossrefMeaning
	var update bool
	cmd := &cobra.Command{
		Use: "set PARTNER KIND THEIRS [OURS]", Short: "Say what a code of a partner means",
		Long: `Say what a code of a partner means. A method means a service, by --carrier, --level or both; every other kind
means the name of ours that stands last. With --update a code that means something else is changed.`,
		Example: `  paklog crossrefs set main item COFFEE-6 COFFEE
  paklog crossrefs set main method Express --carrier ups --level 02`,
		Args: cobra.RangeArgs(3, 4),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 4 {
				m.Ours = args[3]
			}
			return withHub(cmd, g, func(ctx context.Context, c *caller) error {
				method, path, body := http.MethodPost, "/v1/crossrefs", any(custom.Crossref{Partner: args[0], Kind: args[1], Theirs: args[2], CrossrefMeaning: m})
				if update {
					method, path, body = http.MethodPut, crossrefPath(args), m
				}
				var raw json.RawMessage
				if err := c.do(ctx, method, path, body, &raw); err != nil {
					return err
				}
				return tellAnswer(cmd, g, raw, tellCrossref(cmd))
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&m.Carrier, "carrier", "", "of a method: the carrier connection")
	f.StringVar(&m.Level, "level", "", "of a method: a service level of ours, or the carrier's own code")
	f.StringVar(&m.Account, "account", "", "of a method: whose account is charged")
	f.StringVar(&m.Terms, "terms", "", "of a method: who pays")
	f.BoolVar(&update, "update", false, "change a code that means something else")
	return cmd
}

func newCrossrefRemove(g *global) *cobra.Command {
	return &cobra.Command{
		Use: "remove PARTNER KIND THEIRS", Short: "Let a code of a partner mean nothing any more",
		Example: `  paklog crossrefs remove main item COFFEE-6`,
		Args:    cobra.ExactArgs(3),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withHub(cmd, g, func(ctx context.Context, c *caller) error {
				var raw json.RawMessage
				if err := c.do(ctx, http.MethodPost, crossrefPath(args)+"/remove", nil, &raw); err != nil {
					return err
				}
				return tellAnswer(cmd, g, raw, tellCrossref(cmd))
			})
		},
	}
}

func newCrossrefShow(g *global) *cobra.Command {
	return &cobra.Command{
		Use: "show PARTNER KIND THEIRS", Short: "Show what a code of a partner means",
		Example: `  paklog crossrefs show main item COFFEE-6`,
		Args:    cobra.ExactArgs(3),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withHub(cmd, g, func(ctx context.Context, c *caller) error {
				var d view.Doc
				if err := c.do(ctx, http.MethodGet, crossrefPath(args), nil, &d); err != nil {
					return err
				}
				if g.json {
					return writeJSON(cmd.OutOrStdout(), d)
				}
				var e crossref.Entry
				if err := json.Unmarshal(d.State, &e); err != nil {
					return err
				}
				tellCrossref(cmd)(e)
				return nil
			})
		},
	}
}
