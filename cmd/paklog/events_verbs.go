package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"github.com/paklog/hub/adapters/rest"
	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/journal"
)

func newEvents(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use: "events", Short: "Read what happened, and rebuild what is folded from it",
		Example: `  paklog events tail --follow
  paklog events tail --topic order-events --after 0 --json
  paklog events schema order.Accepted
  paklog events replay`,
	}
	cmd.AddCommand(newEventsTail(g), newEventsSchema(g), newEventsReplay(g))
	return cmd
}

// lookBack is how many positions before the end a tail begins.
const lookBack = 100

func newEventsTail(g *global) *cobra.Command {
	var follow bool
	var topics []string
	var after int64
	var poll time.Duration
	cmd := &cobra.Command{
		Use: "tail", Short: "Print events in the order of the journal",
		Long: `Print events in the order of the journal; personal data are not in them. Without --after it
begins 100 positions before the end; --after 0 is the beginning. Under --json there is one CloudEvents
object a line.`,
		Example: `  paklog events tail --follow
  paklog events tail --topic order-events --topic pack-events
  paklog events tail --after 0 --json | jq -r .type | sort | uniq -c`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			known := map[string]bool{}
			for _, t := range event.Topics() {
				known[string(t)] = true
			}
			for _, t := range topics {
				if !known[t] {
					return usagef(cmd, "--topic %s is none of the topics: %v", t, event.Topics())
				}
			}
			if poll <= 0 {
				return usagef(cmd, "--poll is a time above 0, as 500ms")
			}
			if cmd.Flags().Changed("after") && after < 0 {
				return usagef(cmd, "--after is a position, 0 or more")
			}
			return withHub(cmd, g, func(ctx context.Context, c *caller) error {
				t := &tail{c: c, out: cmd.OutOrStdout(), json: g.json, query: url.Values{"limit": {"500"}}, after: journal.Pos(max(after, 0))}
				if len(topics) > 0 {
					t.query.Set("topics", join(topics))
				}
				if !cmd.Flags().Changed("after") {
					if err := t.seek(ctx); err != nil {
						return err
					}
				}
				for {
					if err := t.drain(ctx); err != nil || !follow {
						return quiet(ctx, err)
					}
					select {
					case <-ctx.Done():
						return nil
					case <-time.After(poll):
					}
				}
			})
		},
	}
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "go on as events come, until Ctrl-C")
	cmd.Flags().StringArrayVar(&topics, "topic", nil, "only this topic; may be given again")
	cmd.Flags().Int64Var(&after, "after", -1, "position behind which to begin")
	cmd.Flags().DurationVar(&poll, "poll", 500*time.Millisecond, "with --follow: time between two looks")
	names := make([]string, 0, len(event.Topics()))
	for _, t := range event.Topics() {
		names = append(names, string(t))
	}
	_ = cmd.RegisterFlagCompletionFunc("topic", words(names...))
	return cmd
}

func join(topics []string) string {
	s := topics[0]
	for _, t := range topics[1:] {
		s += "," + t
	}
	return s
}

// quiet is err, unless whoever asked has ended it.
func quiet(ctx context.Context, err error) error {
	select {
	case <-ctx.Done():
		return nil
	default:
		return err
	}
}

type tail struct {
	c     *caller
	out   io.Writer
	json  bool
	query url.Values
	after journal.Pos
}

func (t *tail) page(ctx context.Context) (rest.Tail, error) {
	t.query.Set("after", fmt.Sprint(uint64(t.after)))
	var got rest.Tail
	err := t.c.do(ctx, http.MethodGet, "/v1/events?"+t.query.Encode(), nil, &got)
	return got, err
}

// seek goes to where a tail begins.
func (t *tail) seek(ctx context.Context) error {
	t.after = 1 << 62 // behind everything: only the position is asked for
	got, err := t.page(ctx)
	t.after = got.Position - min(got.Position, lookBack)
	return err
}

// drain prints what there is.
func (t *tail) drain(ctx context.Context) error {
	for {
		got, err := t.page(ctx)
		if err != nil || len(got.Items) == 0 {
			return err
		}
		for _, e := range got.Items {
			if err := t.print(e); err != nil {
				return err
			}
		}
		t.after = got.Next
	}
}

func (t *tail) print(e rest.Event) error {
	if t.json {
		b, err := json.Marshal(e)
		if err == nil {
			_, err = fmt.Fprintf(t.out, "%s\n", b)
		}
		return err
	}
	_, err := fmt.Fprintf(t.out, "%-8d %s %-18s %-24s %s\n", uint64(e.Position), e.Time.UTC().Format("2006-01-02T15:04:05.000Z"),
		clean(e.Topic), clean(e.Type), clean(e.Key))
	return err
}

func newEventsSchema(g *global) *cobra.Command {
	version := 0
	cmd := &cobra.Command{
		Use: "schema [TYPE]", Short: "Print the JSON Schema of a type of event, or list the types",
		Example: `  paklog events schema
  paklog events schema order.Accepted
  paklog events schema task.Created --version 1 | jq .required`,
		Args: cobra.MaximumNArgs(1), ValidArgsFunction: fromHub(g, eventTypes),
		RunE: func(cmd *cobra.Command, args []string) error {
			if version < 0 {
				return usagef(cmd, "--version counts from 1")
			}
			return withHub(cmd, g, func(ctx context.Context, c *caller) error {
				var all rest.Schemas
				if err := c.do(ctx, http.MethodGet, "/v1/schemas", nil, &all); err != nil {
					return err
				}
				if len(args) == 0 {
					if g.json {
						return writeJSON(cmd.OutOrStdout(), all.Items)
					}
					t := newTable(cmd.OutOrStdout(), "TOPIC", "TYPE", "VERSION", "DATASCHEMA")
					for _, s := range all.Items {
						t.row(s.Topic, s.Type, s.Version, s.URN)
					}
					return t.flush()
				}
				v := version
				for _, s := range all.Items {
					if s.Type == args[0] && v == 0 {
						v = s.Version
					}
				}
				var doc json.RawMessage
				if err := c.do(ctx, http.MethodGet, fmt.Sprintf("/v1/schemas/%s/%d", url.PathEscape(args[0]), max(v, 1)), nil, &doc); err != nil {
					return err
				}
				return writeJSON(cmd.OutOrStdout(), doc)
			})
		},
	}
	cmd.Flags().IntVar(&version, "version", 0, "of the type; the newest where it is left out")
	return cmd
}

func eventTypes(ctx context.Context, c *caller, _ string) ([]string, error) {
	var all rest.Schemas
	if err := c.do(ctx, http.MethodGet, "/v1/schemas", nil, &all); err != nil {
		return nil, err
	}
	var out []string
	for _, s := range all.Items {
		out = append(out, s.Type+"\t"+s.Topic)
	}
	return out, nil
}

func newEventsReplay(g *global) *cobra.Command {
	return &cobra.Command{
		Use: "replay", Short: "Rebuild the views from the journal, and nothing else",
		Long: `Fold the views (what orders list, search and the console read) from the journal's beginning.
Nothing else is done again: no handler runs, no label is bought, no document is sent, no letter opens.
Queries are answered from the old views until the new ones have caught up, which then take their
place in one step.`,
		Example: `  paklog events replay`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withHub(cmd, g, func(ctx context.Context, c *caller) error {
				var got struct {
					Position journal.Pos `json:"position"`
				}
				if err := c.do(ctx, http.MethodPost, "/control/views/rebuild", nil, &got); err != nil {
					return err
				}
				if g.json {
					return writeJSON(cmd.OutOrStdout(), got)
				}
				fmt.Fprintf(cmd.OutOrStdout(), "the views were built anew, up to position %d; nothing else was done again\n", uint64(got.Position))
				return nil
			})
		},
	}
}
