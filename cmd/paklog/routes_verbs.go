package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/paklog/hub/routes"
)

// planned are consumers that the topics were made for and whose connectors are not there
// yet, so that nobody looks for them in vain.
var planned = []routes.RouteInfo{
	{Name: "out.erp", About: "goods issues and movements to the ERP", Consumes: []string{"order-events", "inventory-events"}},
	{Name: "out.3pl", About: "stock to the WMS of a 3PL", Consumes: []string{"inventory-events"}},
	{Name: "notifications", About: "mails and messages to people", Consumes: []string{"pack-events"}},
}

// routeLine is a route as it is listed.
type routeLine struct {
	State string `json:"state"` // running, paused, door, stopped, planned
	routes.RouteInfo
}

// routeLines are the hub's routes and those that are planned. Of a hub that was opened for this
// one command nothing is known that only a running one counts.
func routeLines(ctx context.Context, c *caller) ([]routeLine, error) {
	var list []routes.RouteInfo
	if err := c.do(ctx, http.MethodGet, "/control/routes", nil, &list); err != nil {
		return nil, err
	}
	out := make([]routeLine, 0, len(list)+len(planned))
	for _, r := range list {
		l := routeLine{"running", r}
		switch {
		case r.Paused != "":
			l.State = "paused"
		case r.Door:
			l.State = "door"
		case c.local != nil:
			l.State = "stopped"
		}
		out = append(out, l)
	}
	for _, r := range planned {
		if slices.ContainsFunc(list, func(l routes.RouteInfo) bool { return l.Name == r.Name }) {
			continue
		}
		out = append(out, routeLine{"planned", r})
	}
	return out, nil
}

func newRoutes(g *global) *cobra.Command {
	var graph string
	cmd := &cobra.Command{
		Use:   "routes",
		Short: "List the routes: what each consumes and writes, by which patterns, and how it does",
		Long: `List every route of the hub. Each is a named handler of one router; a route that speaks to
a partner stands and waits by itself. LAG is how many positions of the journal it has not seen,
PARKED how many messages wait for a retry or behind a letter.`,
		Example: `  paklog routes
  paklog routes --json | jq '.[] | select(.state == "paused")'
  paklog routes --graph | tee flow.mmd
  paklog routes --graph=dot | dot -Tsvg -o flow.svg
  paklog routes pause out.edi.ACME`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if graph != "" && graph != "mermaid" && graph != "dot" {
				return usagef(cmd, "--graph is mermaid or dot, not %q", graph)
			}
			return withHub(cmd, g, func(ctx context.Context, c *caller) error {
				lines, err := routeLines(ctx, c)
				if err != nil {
					return err
				}
				out := cmd.OutOrStdout()
				switch {
				case graph != "":
					return drawRoutes(out, lines, graph)
				case g.json:
					return writeJSON(out, lines)
				}
				return listRoutes(out, lines, c.local == nil)
			})
		},
	}
	cmd.Flags().StringVar(&graph, "graph", "", "print the flow as a mermaid or dot graph")
	cmd.Flags().Lookup("graph").NoOptDefVal = "mermaid"
	_ = cmd.RegisterFlagCompletionFunc("graph", words("mermaid", "dot")) // the flag is there
	cmd.AddCommand(newRouteSwitch(g, "pause", "Stop a route until it is resumed, over restarts too",
		"its messages wait in order; no other route is touched"),
		newRouteSwitch(g, "resume", "Let a paused route go on, whoever paused it; its partner is tried at once", "it goes on where it stopped"))
	return cmd
}

func listRoutes(w io.Writer, lines []routeLine, counted bool) error {
	t := newTable(w, "ROUTE", "STATE", "CONSUMES", "WRITES", "PATTERNS", "CONNECTION", "BREAKER", "LAG", "PARKED", "WHY")
	for _, l := range lines {
		lag, parked := any("-"), any("-")
		if counted && l.State != "door" && l.State != "planned" {
			lag, parked = l.Behind, l.Parked
		}
		t.row(l.Name, l.State, strings.Join(l.Consumes, " "), strings.Join(l.Writes, " "), strings.Join(l.Patterns, ", "),
			l.Conn, l.Breaker, lag, parked, clip(l.Paused, 60))
	}
	return t.flush()
}

func newRouteSwitch(g *global, verb, short, note string) *cobra.Command {
	return &cobra.Command{
		Use: verb + " ROUTE", Short: short, Example: "  paklog routes " + verb + " out.edi.ACME",
		Args: cobra.ExactArgs(1), ValidArgsFunction: fromHub(g, routeNames),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withHub(cmd, g, func(ctx context.Context, c *caller) error {
				if err := c.do(ctx, http.MethodPost, "/control/routes/"+url.PathEscape(args[0])+"/"+verb, nil, nil); err != nil {
					return err
				}
				if g.json {
					return writeJSON(cmd.OutOrStdout(), map[string]string{"route": args[0], "done": verb})
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%s %sd: %s\n", args[0], verb, note)
				return nil
			})
		},
	}
}

// drawRoutes writes the flow as a graph: routes, and the topics between them.
func drawRoutes(w io.Writer, lines []routeLine, format string) error {
	var b strings.Builder
	ids := map[string]string{}
	id := func(kind, name string) string {
		k := kind + name
		if ids[k] == "" {
			ids[k] = fmt.Sprintf("%s%d", kind, len(ids)+1)
			label := strings.ReplaceAll(clean(name), `"`, "'")
			switch {
			case format == "dot" && kind == "t":
				fmt.Fprintf(&b, "  %s [label=\"%s\" shape=cylinder];\n", ids[k], label)
			case format == "dot":
				fmt.Fprintf(&b, "  %s [label=\"%s\" shape=box];\n", ids[k], label)
			case kind == "t":
				fmt.Fprintf(&b, "  %s[(\"%s\")]\n", ids[k], label)
			default:
				fmt.Fprintf(&b, "  %s[\"%s\"]\n", ids[k], label)
			}
		}
		return ids[k]
	}
	edge := func(from, to string, dashed bool) {
		switch {
		case format == "dot" && dashed:
			fmt.Fprintf(&b, "  %s -> %s [style=dashed];\n", from, to)
		case format == "dot":
			fmt.Fprintf(&b, "  %s -> %s;\n", from, to)
		case dashed:
			fmt.Fprintf(&b, "  %s -.-> %s\n", from, to)
		default:
			fmt.Fprintf(&b, "  %s --> %s\n", from, to)
		}
	}
	if format == "dot" {
		b.WriteString("digraph paklog {\n  rankdir=LR;\n")
	} else {
		b.WriteString("flowchart LR\n")
	}
	for _, l := range lines {
		dashed := l.State == "planned"
		r := id("r", l.Name)
		for _, t := range l.Consumes {
			edge(id("t", t), r, dashed)
		}
		for _, t := range l.Writes {
			edge(r, id("t", t), dashed)
		}
		if l.Conn != "" {
			edge(r, id("c", l.Conn), dashed)
		}
	}
	if format == "dot" {
		b.WriteString("}\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}
