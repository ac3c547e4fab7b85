package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/paklog/hub/adapters/rest"
	"github.com/paklog/hub/configs"
	"github.com/paklog/hub/dlq"
	"github.com/paklog/hub/routes"
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
	cmd.AddCommand(newDLQList(g), newDLQShow(g), newDLQReplay(g), newDLQDrop(g),
		newDLQGroups(g), newDLQGroup(g), newDLQTend(g), newDLQFix(g), newDLQSearch(g), newDLQSearches(g), newDLQOperate(g), newDLQOperation(g), newDLQEdit(g), newDLQEdits(g))
	return cmd
}

// letters reads all of the desk's list, page by page, in the order in which they came: ids say nothing.
func letters(ctx context.Context, c *caller, state, route string) ([]dlq.Entry, error) {
	out := []dlq.Entry{}
	q := lettersQuery(state, route)
	q.Set("limit", "500")
	for {
		var got rest.Letters
		if err := c.do(ctx, http.MethodGet, "/v1/letters?"+q.Encode(), nil, &got); err != nil {
			return nil, err
		}
		out = append(out, got.Items...)
		if got.Next == "" {
			slices.SortStableFunc(out, func(a, b dlq.Entry) int { return cmp.Compare(a.Position, b.Position) })
			return out, nil
		}
		q.Set("after", got.Next)
	}
}

func lettersQuery(state, route string) url.Values {
	q := url.Values{}
	for k, v := range map[string]string{"state": state, "route": route} {
		if v != "" {
			q.Set(k, v)
		}
	}
	return q
}

// lettersPage reads up to limit letters of those that came behind a cursor.
func lettersPage(ctx context.Context, c *caller, state, route, after string, limit int) (rest.Letters, error) {
	var all rest.Letters
	q := lettersQuery(state, route)
	q.Set("order", "came")
	for all.Next = after; ; {
		q.Set("limit", strconv.Itoa(min(500, limit-len(all.Items))))
		if all.Next != "" {
			q.Set("after", all.Next)
		}
		var got rest.Letters
		if err := c.do(ctx, http.MethodGet, "/v1/letters?"+q.Encode(), nil, &got); err != nil {
			return all, err
		}
		all.Items, all.Next, all.Counts = append(all.Items, got.Items...), got.Next, got.Counts
		if got.Next == "" || len(all.Items) >= limit {
			return all, nil
		}
	}
}

// countLetters says in a line what there is: "82003 open: x12.refused 82000, label.refused 3".
func countLetters(w io.Writer, counts []dlq.Count) {
	for len(counts) > 0 {
		state, sum := counts[0].State, 0
		var routes []string
		for len(counts) > 0 && counts[0].State == state {
			sum += counts[0].Letters
			routes = append(routes, fmt.Sprintf("%s %d", clean(counts[0].Route), counts[0].Letters))
			counts = counts[1:]
		}
		fmt.Fprintf(w, "%d %s: %s\n", sum, state, strings.Join(routes, ", "))
	}
}

func newDLQList(g *global) *cobra.Command {
	var state, route, after string
	var limit int
	var all bool
	cmd := &cobra.Command{
		Use: "list", Short: "List what failed and waits for somebody",
		Long: `List letters in the order in which their messages came, after how many there are by state and
route. Where there are more than are shown the last line says how to go on.`,
		Example: `  paklog dlq list
  paklog dlq list --route out.edi.ACME
  paklog dlq list --state all --all --json | jq -r '.[].id'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case limit < 0:
				return usagef(cmd, "--limit is how many at most, 0 is all")
			case all && (after != "" || cmd.Flags().Changed("limit")):
				return usagef(cmd, "--all is all: without --limit and --after")
			case limit == 0 && after == "":
				all = true
			case limit == 0:
				limit = math.MaxInt
			}
			return withHub(cmd, g, func(ctx context.Context, c *caller) error {
				page := rest.Letters{Items: []dlq.Entry{}}
				var err error
				if all {
					page.Items, err = letters(ctx, c, state, route)
				} else {
					page, err = lettersPage(ctx, c, state, route, after, limit)
				}
				if err != nil {
					return err
				}
				if len(page.Items) == 0 && route != "" {
					if err := knownRoute(ctx, cmd, c, route); err != nil {
						return err
					}
				}
				if len(page.Items) == 0 && !g.json && (state != "" || route != "") {
					fmt.Fprintln(cmd.OutOrStdout(), "no letters of that state and route")
					return nil
				}
				return listLetters(cmd, g, page)
			})
		},
	}
	cmd.Flags().StringVar(&state, "state", "", "open, replaying, resolved, dropped or all; open and replaying without it")
	cmd.Flags().StringVar(&route, "route", "", "only letters of this route")
	cmd.Flags().IntVar(&limit, "limit", mostListed, "how many at most; 0 is all")
	cmd.Flags().BoolVar(&all, "all", false, "all of them")
	cmd.Flags().StringVar(&after, "after", "", "go on behind what was listed before, as its last line says")
	_ = cmd.RegisterFlagCompletionFunc("state", words("open", "replaying", "resolved", "dropped", "all"))
	_ = cmd.RegisterFlagCompletionFunc("route", fromHub(g, routeNames))
	return cmd
}

func listLetters(cmd *cobra.Command, g *global, page rest.Letters) error {
	out := cmd.OutOrStdout()
	if page.Next != "" {
		defer fmt.Fprintf(cmd.ErrOrStderr(), "there are more: --after %s goes on, --all shows all\n", page.Next)
	}
	if g.json {
		return writeJSON(out, append([]dlq.Entry{}, page.Items...))
	}
	if len(page.Items) == 0 {
		fmt.Fprintln(out, "no letters: nothing waits for you")
		return nil
	}
	countLetters(out, page.Counts)
	t := newTable(out, "LETTER", "STATE", "KIND", "ROUTE", "OPENED", "KEY", "PLACE", "CAUSE")
	for _, l := range page.Items {
		t.row(l.Name(), l.State, l.Kind, l.Route, instant(l.Opened), l.Key, l.Place, clip(l.Cause, 80))
	}
	if err := t.flush(); err != nil {
		return err
	}
	fmt.Fprintln(out, "\npaklog dlq show LETTER says what it is and what to do")
	return nil
}

// knownRoute refuses the name of a route that is none. One that is gone may have letters still, so it is
// asked only where there are none.
func knownRoute(ctx context.Context, cmd *cobra.Command, c *caller, route string) error {
	var list []routes.RouteInfo
	if err := c.do(ctx, http.MethodGet, "/control/routes", nil, &list); err != nil {
		return err
	}
	var names, like []string
	for _, r := range list {
		if r.Name == route {
			return nil
		}
		names = append(names, r.Name)
		if strings.Contains(r.Name, route) || strings.Contains(route, r.Name) {
			like = append(like, r.Name)
		}
	}
	if near := configs.Nearest(route, names); near != "" && !slices.Contains(like, near) {
		like = append([]string{near}, like...)
	}
	if len(like) == 0 {
		return usagef(cmd, "no route is named %q, and it has no letters: paklog routes lists them", route)
	}
	return usagef(cmd, "no route is named %q, and it has no letters; did you mean %s?", route, strings.Join(like[:min(len(like), 5)], " or "))
}

// letterVerdict is what became of one letter.
type letterVerdict struct {
	Letter string `json:"letter"`
	Done   bool   `json:"done"`
	State  string `json:"state,omitempty"`
	Error  string `json:"error,omitempty"`
}

// letterAct replays or drops a letter that was seen as e.
func letterAct(ctx context.Context, c *caller, g *global, e dlq.Entry, verb string, body any) (dlq.Entry, error) {
	if e.State == "open" && e.Failed().After(g.began) {
		// Nobody had seen this failure when the command was given.
		return e, errors.New(cleanLines(dlq.Stale(e.Letter).Error()))
	}
	fields := map[string]string{"If-Match": strconv.Quote(strconv.Itoa(e.Opening))}
	var now dlq.Entry
	_, err := c.send(ctx, http.MethodPost, "/v1/letters/"+url.PathEscape(e.ID)+"/"+verb, fields, body, &now)
	return now, letterError(err)
}

// letterNamed refuses a letter without a name, as a variable that is not set gives it.
func letterNamed(cmd *cobra.Command, names []string) error {
	for _, name := range names {
		if strings.TrimSpace(name) == "" {
			return usagef(cmd, "a letter is named by nothing: paklog dlq list shows those there are")
		}
	}
	return nil
}

// lettersNamed are letters as people name them. One that is named without its opening is meant
// as it stands.
func lettersNamed(names []string) []dlq.Entry {
	list := make([]dlq.Entry, len(names))
	for i, name := range names {
		list[i].ID, list[i].Opening = dlq.ParseName(name)
	}
	return list
}

// look reads a letter unless it is known what was seen of it.
func look(ctx context.Context, c *caller, e dlq.Entry) (dlq.Entry, error) {
	if e.Opening > 0 {
		return e, nil
	}
	var d dlq.Detail
	err := letterError(c.do(ctx, http.MethodGet, "/v1/letters/"+url.PathEscape(e.ID), nil, &d))
	return d.Entry, err
}

// eachLetter acts on letters one by one: one that cannot be does not keep the others.
func eachLetter(ctx context.Context, cmd *cobra.Command, g *global, c *caller, list []dlq.Entry, word, verb string, body any) error {
	verdicts := make([]letterVerdict, 0, len(list))
	failed := 0
	for _, l := range list {
		v := letterVerdict{Letter: l.ID}
		e, err := look(ctx, c, l)
		if err == nil {
			e, err = letterAct(ctx, c, g, e, verb, body)
		}
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
			fmt.Fprintf(cmd.OutOrStdout(), "%s %s\n", clean(l.ID), word)
		} else {
			fmt.Fprintf(cmd.ErrOrStderr(), "%s: %s\n", clean(l.ID), cleanLines(v.Error))
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
		Long: `Let the messages of open letters go again. A failure is replayed once: of several who ask for the
same letter one replays it, and the others are told that somebody was faster, or that it was
replayed meanwhile and failed again (and exit 1). What list and show print names what was seen:
Lk3u5x2y7abcd.2 is the letter after its second failure and nothing later. Named without that, it
is meant as it stood when the command was given.`,
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
			if err := letterNamed(cmd, args); err != nil {
				return err
			}
			return withHub(cmd, g, func(ctx context.Context, c *caller) error {
				list := lettersNamed(args)
				if all {
					var err error
					if list, err = letters(ctx, c, "open", route); err != nil {
						return err
					}
					if len(list) == 0 {
						if err := knownRoute(ctx, cmd, c, route); err != nil {
							return err
						}
					}
					if len(list) == 0 && !g.json {
						fmt.Fprintf(cmd.OutOrStdout(), "route %s has no open letters\n", clean(route))
						return nil
					}
				}
				word := "goes again"
				if c.local != nil {
					word = "goes again when the hub runs"
				}
				return eachLetter(ctx, cmd, g, c, list, word, "replay", nil)
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
		Long: `Give messages up. Letters are named as for replay: what failed again since it was looked at is
not dropped.`,
		Example:           `  paklog dlq drop Lk3u5x2y7abcd --reason "test file of the partner"`,
		ValidArgsFunction: fromHub(g, letterIDs),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef(cmd, "name the letters to drop")
			}
			if err := letterNamed(cmd, args); err != nil {
				return err
			}
			if strings.TrimSpace(reason) == "" {
				return usagef(cmd, "dropping a letter needs --reason: it is kept with the letter")
			}
			return withHub(cmd, g, func(ctx context.Context, c *caller) error {
				return eachLetter(ctx, cmd, g, c, lettersNamed(args), "dropped", "drop", map[string]string{"reason": reason})
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
