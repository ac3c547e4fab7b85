package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/paklog/hub/adapters/rest"
	"github.com/paklog/hub/core/shop"
)

func newShops(g *global) *cobra.Command {
	cmd := &cobra.Command{Use: "shops", Short: "Load the orders of shops", Example: "  paklog shops load main --since 2026-01-01"}
	cmd.AddCommand(newShopsLoad(g))
	return cmd
}

func newShopsLoad(g *global) *cobra.Command {
	var since string
	var restart, show bool
	var wait time.Duration
	cmd := &cobra.Command{
		Use: "load SHOP", Short: "Read all orders of a shop since a day, and show how far it is",
		Long: `Read all orders of a shop that changed since a day: those that are to be shipped become orders here, each once, whatever
polls and webhooks told of it before. It goes on by itself where the hub stopped, and without whoever asked for it;
asked again it shows how far it is.`,
		Example: "  paklog shops load main --since 2026-01-01\n  paklog shops load main --show",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			body := rest.ShopLoadBody{Restart: restart}
			if !show {
				var err error
				if body.Since, err = time.Parse(time.RFC3339, since); err != nil {
					body.Since, err = time.Parse(time.DateOnly, since)
				}
				if err != nil {
					return usagef(cmd, "--since %q: want a day like 2026-01-31 (UTC), or a moment like 2026-01-31T06:00:00Z", since)
				}
				if body.Since.After(time.Now()) {
					return usagef(cmd, "--since %s is still to come: nothing has changed since", since)
				}
			}
			return withHub(cmd, g, func(ctx context.Context, c *caller) error {
				path := "/v1/shops/" + url.PathEscape(args[0]) + "/load"
				var raw json.RawMessage
				var r shop.LoadReport
				look := func(method string, body any) error {
					if err := c.do(ctx, method, path, body, &raw); err != nil {
						return err
					}
					r = shop.LoadReport{}
					return json.Unmarshal(raw, &r)
				}
				method, asked := http.MethodPost, any(body)
				if show {
					method, asked = http.MethodGet, nil
				}
				if err := look(method, asked); err != nil {
					return err
				}
				drawn := newBar(cmd.ErrOrStderr(), g.json)
				for end := time.Now().Add(wait); !show && r.Done.IsZero() && time.Now().Before(end); {
					drawn.draw(r)
					again := time.NewTimer(200 * time.Millisecond)
					select {
					case <-again.C:
					case <-ctx.Done():
						drawn.end()
						return ctx.Err()
					}
					if err := look(http.MethodGet, nil); err != nil {
						return err
					}
				}
				drawn.end()
				return tellAnswer(cmd, g, raw, func(r shop.LoadReport) { fmt.Fprintln(cmd.OutOrStdout(), loadLine(r)) })
			})
		},
	}
	cmd.Flags().StringVar(&since, "since", "", "day or moment since which orders changed")
	cmd.Flags().BoolVar(&restart, "restart", false, "begin anew where a load is under way")
	cmd.Flags().BoolVar(&show, "show", false, "show how far the last load is, and begin none")
	cmd.Flags().DurationVar(&wait, "wait", 24*time.Hour, "how long to watch; it goes on without you")
	return cmd
}

// loadLine is how far a load is, in words.
func loadLine(r shop.LoadReport) string {
	state := "under way"
	if !r.Done.IsZero() {
		state = "done " + instant(r.Done)
	}
	of := ""
	if r.Total > 0 {
		of = fmt.Sprintf(" of %d", max(r.Total, r.Read))
	}
	return fmt.Sprintf("%s since %s, %s: %d%s orders read in %d pages, nothing is left to do of %d, %d could not be read",
		clean(r.Shop), instant(r.Since), state, r.Read, of, r.Pages, r.Past, r.Bad)
}

// bar draws progress on a terminal, and nothing elsewhere.
type bar struct {
	w     io.Writer
	on    bool
	drawn bool
}

func newBar(w io.Writer, quiet bool) *bar {
	return &bar{w: w, on: !quiet && terminal(w)}
}

const barWidth = 30

func (b *bar) draw(r shop.LoadReport) {
	if b.on {
		b.drawn = true
		fmt.Fprintf(b.w, "\r\x1b[K%s", barLine(r))
	}
}

func (b *bar) end() {
	if b.drawn {
		fmt.Fprint(b.w, "\r\x1b[K")
	}
}

// barLine is a bar where it is known how many there are, else a count.
func barLine(r shop.LoadReport) string {
	if r.Total == 0 {
		return fmt.Sprintf("%s  %d orders", clean(r.Shop), r.Read)
	}
	total := max(r.Total, r.Read)
	full := barWidth * r.Read / total
	return fmt.Sprintf("%s  [%s%s] %d of %d orders, %d %%", clean(r.Shop), strings.Repeat("#", full), strings.Repeat(".", barWidth-full), r.Read, total, 100*r.Read/total)
}
