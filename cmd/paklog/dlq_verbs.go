package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"github.com/spf13/cobra"

	"github.com/paklog/hub/adapters/rest"
	"github.com/paklog/hub/dlq"
)

func newDLQ(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "dlq",
		Short: "The desk of letters: what failed, why, and how it comes back",
		Long: `A message that failed for good becomes a letter, in the commit that parks it. Nothing is
lost: a letter waits until somebody replays or drops it. Replayed, a message goes again under its
own id: what it already did is not done twice.`,
		Example: `  paklog dlq list
  paklog dlq show Lk3u5x2y7abcd
  paklog dlq replay Lk3u5x2y7abcd
  paklog dlq drop Lk3u5x2y7abcd --reason "ordered by phone instead"`,
	}
	cmd.AddCommand(newDLQList(g), newDLQShow(g), newDLQReplay(g), newDLQDrop(g))
	return cmd
}

// letters reads the desk's list, page by page, up to limit (0 is all).
func letters(ctx context.Context, c *caller, state, route string, limit int) ([]dlq.Entry, error) {
	out := []dlq.Entry{}
	q := url.Values{}
	for k, v := range map[string]string{"state": state, "route": route} {
		if v != "" {
			q.Set(k, v)
		}
	}
	for {
		page := 500
		if limit > 0 {
			page = min(page, limit-len(out))
		}
		q.Set("limit", fmt.Sprint(page))
		var got rest.Letters
		if err := c.do(ctx, http.MethodGet, "/v1/letters?"+q.Encode(), nil, &got); err != nil {
			return nil, err
		}
		out = append(out, got.Items...)
		if got.Next == "" || limit > 0 && len(out) >= limit {
			// As they came, for who reads them and for who replays them all: ids say nothing.
			slices.SortStableFunc(out, func(a, b dlq.Entry) int {
				return cmp.Or(a.Opened.Compare(b.Opened), cmp.Compare(a.Position, b.Position))
			})
			return out, nil
		}
		q.Set("after", got.Next)
	}
}

func newDLQList(g *global) *cobra.Command {
	var state, route string
	var limit int
	cmd := &cobra.Command{
		Use: "list", Short: "List what failed and waits for somebody",
		Example: `  paklog dlq list
  paklog dlq list --route out.edi.ACME
  paklog dlq list --state all --json | jq -r '.[].id'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withHub(cmd, g, func(ctx context.Context, c *caller) error {
				list, err := letters(ctx, c, state, route, limit)
				if err != nil {
					return err
				}
				out := cmd.OutOrStdout()
				if g.json {
					return writeJSON(out, list)
				}
				if len(list) == 0 {
					fmt.Fprintln(out, "no letters: nothing waits for you")
					return nil
				}
				t := newTable(out, "LETTER", "STATE", "KIND", "ROUTE", "OPENED", "KEY", "PLACE", "CAUSE")
				for _, l := range list {
					t.row(l.ID, l.State, l.Kind, l.Route, instant(l.Opened), l.Key, l.Place, clip(l.Cause, 80))
				}
				if err := t.flush(); err != nil {
					return err
				}
				fmt.Fprintln(out, "\npaklog dlq show LETTER says what it is and what to do")
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&state, "state", "", "open, replaying, resolved, dropped or all; open and replaying without it")
	cmd.Flags().StringVar(&route, "route", "", "only letters of this route")
	cmd.Flags().IntVar(&limit, "limit", 0, "how many at most; 0 is all")
	_ = cmd.RegisterFlagCompletionFunc("state", words("open", "replaying", "resolved", "dropped", "all"))
	_ = cmd.RegisterFlagCompletionFunc("route", fromHub(g, routeNames))
	return cmd
}

// letterVerdict is what became of one letter.
type letterVerdict struct {
	Letter string `json:"letter"`
	Done   bool   `json:"done"`
	State  string `json:"state,omitempty"`
	Error  string `json:"error,omitempty"`
}

// eachLetter acts on letters one by one: one that cannot be does not keep the others.
func eachLetter(cmd *cobra.Command, g *global, ids []string, word string, act func(id string) (dlq.Entry, error)) error {
	verdicts := make([]letterVerdict, 0, len(ids))
	failed := 0
	for _, id := range ids {
		v := letterVerdict{Letter: id}
		e, err := act(id)
		switch {
		case err == nil:
			v.Done, v.State = true, e.State
		case cmd.Context().Err() != nil:
			return cmd.Context().Err()
		default:
			failed++
			v.Error = err.Error()
		}
		verdicts = append(verdicts, v)
		if g.json {
			continue
		}
		if v.Done {
			fmt.Fprintf(cmd.OutOrStdout(), "%s %s\n", clean(id), word)
		} else {
			fmt.Fprintf(cmd.ErrOrStderr(), "%s: %s\n", clean(id), cleanLines(v.Error))
		}
	}
	if g.json {
		if err := writeJSON(cmd.OutOrStdout(), verdicts); err != nil {
			return err
		}
	}
	if failed > 0 {
		return exitFailure
	}
	return nil
}

func newDLQReplay(g *global) *cobra.Command {
	var all bool
	var route string
	cmd := &cobra.Command{
		Use: "replay LETTER...", Short: "Let messages go again, each once, however often and from wherever it is asked",
		Long: `Let the messages of open letters go again. Of several who ask for the same letter one
replays it and the others are told that somebody was faster (and exit 1).`,
		Example: `  paklog dlq replay Lk3u5x2y7abcd
  paklog dlq replay --all --route out.edi.ACME`,
		ValidArgsFunction: fromHub(g, letterIDs),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case all && len(args) > 0:
				return usagef(cmd, "name letters, or --all, not both")
			case all && route == "":
				return usagef(cmd, "--all needs --route: letters of different routes have different causes")
			case !all && (len(args) == 0 || route != ""):
				return usagef(cmd, "name the letters to replay, or --all --route ROUTE")
			}
			return withHub(cmd, g, func(ctx context.Context, c *caller) error {
				ids := args
				if all {
					open, err := letters(ctx, c, "open", route, 0)
					if err != nil {
						return err
					}
					for _, l := range open {
						ids = append(ids, l.ID)
					}
					if len(ids) == 0 && !g.json {
						fmt.Fprintf(cmd.OutOrStdout(), "route %s has no open letters\n", clean(route))
						return nil
					}
				}
				word := "goes again"
				if c.local != nil {
					word = "goes again when the hub runs"
				}
				return eachLetter(cmd, g, ids, word, func(id string) (e dlq.Entry, err error) {
					err = letterError(c.do(ctx, http.MethodPost, "/v1/letters/"+url.PathEscape(id)+"/replay", nil, &e))
					return e, err
				})
			})
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "all open letters of --route")
	cmd.Flags().StringVar(&route, "route", "", "with --all: of this route")
	_ = cmd.RegisterFlagCompletionFunc("route", fromHub(g, routeNames))
	return cmd
}

func newDLQDrop(g *global) *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use: "drop LETTER...", Short: "Give messages up; the reason is kept with the letter and in audit-events",
		Example:           `  paklog dlq drop Lk3u5x2y7abcd --reason "test file of the partner"`,
		ValidArgsFunction: fromHub(g, letterIDs),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef(cmd, "name the letters to drop")
			}
			if reason == "" {
				return usagef(cmd, "dropping a letter needs --reason: it is kept with the letter")
			}
			return withHub(cmd, g, func(ctx context.Context, c *caller) error {
				return eachLetter(cmd, g, args, "dropped", func(id string) (e dlq.Entry, err error) {
					err = letterError(c.do(ctx, http.MethodPost, "/v1/letters/"+url.PathEscape(id)+"/drop", map[string]string{"reason": reason}, &e))
					return e, err
				})
			})
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why; required")
	return cmd
}

// letterError adds what to do where a letter is not there.
func letterError(err error) error {
	var p *problem
	if errors.As(err, &p) && p.Status == http.StatusNotFound {
		return fmt.Errorf("%w: paklog dlq list --state all shows those there are", err)
	}
	return err
}
