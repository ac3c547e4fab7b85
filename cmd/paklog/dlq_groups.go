package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/paklog/hub/adapters/rest"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/view"
	"github.com/paklog/hub/dlq"
)

func newDLQGroups(g *global) *cobra.Command {
	var status string
	cmd := &cobra.Command{
		Use: "groups", Short: "List what fails by cause, those that failed last first",
		Example: `  paklog dlq groups
  paklog dlq groups --status all`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withHub(cmd, g, func(ctx context.Context, c *caller) error {
				var got rest.Groups
				if err := c.do(ctx, http.MethodGet, "/v1/letter-groups?"+queryOf("status", status), nil, &got); err != nil {
					return err
				}
				if g.json {
					return writeJSON(cmd.OutOrStdout(), got.Items)
				}
				if len(got.Items) == 0 {
					fmt.Fprintln(cmd.OutOrStdout(), "no groups: nothing waits for you")
					return nil
				}
				t := newTable(cmd.OutOrStdout(), "GROUP", "STATUS", "CHANNEL", "OPEN", "FAILURES", "FIRST", "LAST", "ROUTE", "PLACE", "ASSIGNEE", "CAUSE")
				for _, x := range got.Items {
					t.row(x.Fingerprint, x.Status, x.Channel, x.Open, x.Failures, instant(x.First), instant(x.Last), x.Route, x.Place, x.Assignee, clip(x.Cause, 80))
				}
				return t.flush()
			})
		},
	}
	cmd.Flags().StringVar(&status, "status", "", "open, snoozed, archived, done or all; open without it")
	_ = cmd.RegisterFlagCompletionFunc("status", words(dlq.GroupOpen, dlq.GroupSnoozed, dlq.GroupArchived, dlq.GroupDone, "all"))
	return cmd
}

// queryOf is a query of those pairs that have a value.
func queryOf(pairs ...string) string {
	q := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	return q.Encode()
}

func groupURL(fingerprint string) string { return "/v1/letter-groups/" + url.PathEscape(fingerprint) }

// groupError adds what to do where a group is not there.
func groupError(err error) error {
	var p *problem
	if errors.As(err, &p) && p.Status == http.StatusNotFound {
		return fmt.Errorf("%w: paklog dlq groups --status all shows those there are", err)
	}
	return err
}

func newDLQGroup(g *global) *cobra.Command {
	return &cobra.Command{
		Use: "group GROUP", Short: "Show a group: what its failures have in common, what changed before, notes and runbook",
		Example: `  paklog dlq group 1f0c4a5be77d`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withHub(cmd, g, func(ctx context.Context, c *caller) error {
				var shown struct {
					dlq.Group
					Contrast dlq.Contrast `json:"contrast"`
				}
				if err := c.do(ctx, http.MethodGet, groupURL(args[0]), nil, &shown.Group); err != nil {
					return groupError(err)
				}
				if err := c.do(ctx, http.MethodGet, groupURL(args[0])+"/contrast", nil, &shown.Contrast); err != nil {
					return groupError(err)
				}
				if g.json {
					return writeJSON(cmd.OutOrStdout(), shown)
				}
				return tellGroup(cmd.OutOrStdout(), shown.Group, shown.Contrast)
			})
		},
	}
}

func tellGroup(w io.Writer, x dlq.Group, c dlq.Contrast) error {
	var b strings.Builder
	fmt.Fprintf(&b, "group %s, %s: %s\n\n", x.Fingerprint, x.Status, cleanLines(x.Cause))
	fmt.Fprintf(&b, "route     %s, %s %s\n", clean(x.Route), x.Channel, clean(x.Place))
	fmt.Fprintf(&b, "letters   %d open, %d replaying, %d resolved, %d dropped; %d failures\n", x.Open, x.Replaying, x.Resolved, x.Dropped, x.Failures)
	fmt.Fprintf(&b, "seen      %s to %s\n", instant(x.First), instant(x.Last))
	if x.Assignee != "" {
		fmt.Fprintf(&b, "assignee  %s\n", clean(x.Assignee))
	}
	if x.Archived != nil {
		fmt.Fprintf(&b, "archived  by %s: %s\n", clean(x.Archived.By), clean(x.Archived.Reason))
	}
	b.WriteString("\nin common\n")
	if len(c.Traits) == 0 {
		b.WriteString("  no field tells the failures from what went well\n")
	}
	for _, t := range c.Traits {
		fmt.Fprintf(&b, "  %s = %s: %d of %d failures, %d of %d successes\n", clean(t.Field), clean(t.Value), t.Failures, c.Failures, t.Successes, c.Successes)
	}
	if len(c.Before) > 0 {
		b.WriteString("\nchanged in the hour before\n")
	}
	for _, x := range c.Before {
		fmt.Fprintf(&b, "  %s  %s %s\n", instant(x.At), clean(x.Type), clean(x.Key))
	}
	if x.Runbook != "" {
		b.WriteString("\nwhat to do\n" + indent(cleanLines(x.Runbook)))
	}
	if len(x.Notes) > 0 {
		b.WriteString("\nnotes\n")
	}
	for _, n := range x.Notes {
		fmt.Fprintf(&b, "  %s %s: %s\n", instant(n.At), clean(n.By), clean(n.Text))
	}
	fmt.Fprintf(&b, "\n  paklog dlq search --group %s\n  paklog dlq operate --group %s --reason \"...\"\n", x.Fingerprint, x.Fingerprint)
	_, err := io.WriteString(w, b.String())
	return err
}

func newDLQTend(g *global) *cobra.Command {
	var note, runbook, assign, snooze, archive string
	var restore bool
	cmd := &cobra.Command{
		Use: "tend GROUP", Short: "Note, assign, snooze, archive or restore a group, or write its runbook",
		Example: `  paklog dlq tend 1f0c4a5be77d --note "ACME changed its item codes on Monday"
  paklog dlq tend 1f0c4a5be77d --assign kim
  paklog dlq tend 1f0c4a5be77d --snooze 24h
  paklog dlq tend 1f0c4a5be77d --archive "test files"`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			b := rest.GroupBody{Note: note, Archive: archive, Restore: restore}
			if cmd.Flags().Changed("runbook") {
				b.Runbook = &runbook
			}
			if cmd.Flags().Changed("assign") {
				b.Assign = &assign
			}
			if b.Snooze = snooze; snooze != "" && snooze != "off" {
				d, err := time.ParseDuration(snooze)
				if err != nil || d <= 0 {
					return usagef(cmd, "--snooze is for how long, as 24h, or off")
				}
				b.Snooze = time.Now().Add(d).UTC().Format(time.RFC3339)
			}
			return withHub(cmd, g, func(ctx context.Context, c *caller) error {
				var x dlq.Group
				if err := c.do(ctx, http.MethodPost, groupURL(args[0]), b, &x); err != nil {
					return groupError(err)
				}
				if g.json {
					return writeJSON(cmd.OutOrStdout(), x)
				}
				fmt.Fprintf(cmd.OutOrStdout(), "group %s is %s\n", x.Fingerprint, x.Status)
				return nil
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&note, "note", "", "what was found out; kept beside the others")
	f.StringVar(&runbook, "runbook", "", "what to do about this cause; replaces what stands there")
	f.StringVar(&assign, "assign", "", "who looks after it; \"\" for nobody")
	f.StringVar(&snooze, "snooze", "", "do not list it for so long, as 24h; off ends that")
	f.StringVar(&archive, "archive", "", "put it away, for this reason; it comes back when it fails again")
	f.BoolVar(&restore, "restore", false, "take it out of the archive")
	return cmd
}

// choose are the flags that letters are chosen by.
type choose struct{ state, channel, kind, route, partner, group, key, text string }

func (s *choose) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&s.channel, "channel", "", "dead (could not be delivered) or invalid (could not be understood)")
	f.StringVar(&s.kind, "kind", "", "fault kind: rejected, invalid, unknown, internal, ...")
	f.StringVar(&s.route, "route", "", "of this route")
	f.StringVar(&s.partner, "partner", "", "of this partner")
	f.StringVar(&s.group, "group", "", "of this group, by its fingerprint")
	f.StringVar(&s.key, "key", "", "with this business key: order, PO, ASN, wave, LPN, SSCC, tracking number, ...")
	f.StringVar(&s.text, "text", "", "with these words in its cause")
}

func newDLQSearch(g *global) *cobra.Command {
	var s choose
	var limit int
	var save, saved string
	cmd := &cobra.Command{
		Use: "search", Short: "Find letters by any business key, cause, partner or route, newest first",
		Example: `  paklog dlq search --key PO-4711 --state all
  paklog dlq search --partner ACME --text "unknown item" --save monday
  paklog dlq search --saved monday`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withHub(cmd, g, func(ctx context.Context, c *caller) error {
				q := queryOf("state", s.state, "channel", s.channel, "kind", s.kind, "route", s.route, "partner", s.partner, "group", s.group, "key", s.key, "text", s.text)
				switch {
				case saved != "" && (q != "" || save != ""):
					return usagef(cmd, "--saved is a search as it stands: no other flag chooses letters beside it")
				case save != "" && q == "":
					return usagef(cmd, "--save needs a search to save")
				case saved != "":
					var err error
					if q, err = savedQuery(ctx, c, saved); err != nil {
						return err
					}
				}
				var got rest.Found
				if err := c.do(ctx, http.MethodGet, "/v1/letters/search?"+q+"&limit="+strconv.Itoa(limit), nil, &got); err != nil {
					return err
				}
				if save != "" {
					if err := c.do(ctx, http.MethodPost, "/v1/letter-searches", rest.SearchBody{Name: save, Query: q}, nil); err != nil {
						return err
					}
				}
				if g.json {
					return writeJSON(cmd.OutOrStdout(), got)
				}
				more := ""
				if got.More {
					more = " and more"
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%d letters%s\n", got.Total, more)
				t := newTable(cmd.OutOrStdout(), "LETTER", "STATE", "KIND", "ROUTE", "PARTNER", "FAILED", "KEY", "GROUP", "CAUSE")
				for _, l := range got.Items {
					t.row(l.ID, l.State, l.Kind, l.Route, l.Partner, instant(l.Failed), l.Key, l.Fingerprint, clip(l.Cause, 80))
				}
				return t.flush()
			})
		},
	}
	s.flags(cmd)
	f := cmd.Flags()
	f.StringVar(&s.state, "state", "", "open, replaying, resolved, dropped or all; open and replaying without it")
	f.IntVar(&limit, "limit", 50, "how many at most, up to 500")
	f.StringVar(&save, "save", "", "keep the search under this name, for everybody")
	f.StringVar(&saved, "saved", "", "the search that was kept under this name")
	return cmd
}

// savedQuery is the query of a search that was saved.
func savedQuery(ctx context.Context, c *caller, name string) (string, error) {
	var got rest.SavedSearches
	if err := c.do(ctx, http.MethodGet, "/v1/letter-searches", nil, &got); err != nil {
		return "", err
	}
	for _, x := range got.Items {
		if x.Name == name {
			return x.Query, nil
		}
	}
	return "", fmt.Errorf("no search is saved as %q: paklog dlq searches shows those there are", name)
}

func newDLQSearches(g *global) *cobra.Command {
	var remove string
	cmd := &cobra.Command{
		Use: "searches", Short: "List the searches that were saved, or remove one",
		Example: `  paklog dlq searches
  paklog dlq searches --remove monday`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withHub(cmd, g, func(ctx context.Context, c *caller) error {
				var got rest.SavedSearches
				var err error
				if remove != "" {
					err = c.do(ctx, http.MethodPost, "/v1/letter-searches", rest.SearchBody{Name: remove}, &got)
				} else {
					err = c.do(ctx, http.MethodGet, "/v1/letter-searches", nil, &got)
				}
				if err != nil {
					return err
				}
				if g.json {
					return writeJSON(cmd.OutOrStdout(), got.Items)
				}
				t := newTable(cmd.OutOrStdout(), "NAME", "SEARCH", "BY", "SAVED")
				for _, x := range got.Items {
					t.row(x.Name, x.Query, x.By, instant(x.At))
				}
				return t.flush()
			})
		},
	}
	cmd.Flags().StringVar(&remove, "remove", "", "remove the one of this name")
	return cmd
}

func newDLQOperate(g *global) *cobra.Command {
	var s choose
	var reason string
	var ramp []int
	var rate, stopAt int
	var start bool
	cmd := &cobra.Command{
		Use: "operate [LETTER...]", Short: "Plan the replay of many letters: a ramp, a rate, and a stop when they fail again",
		Long: `Plan the replay of letters by name, or of all open ones that the flags choose. The plan is a dry run: it
says how many did something outside that is not done again, and how many have an unknown outcome that is asked
for first. It begins with --start, or with paklog dlq operation start. A letter is in one operation at a time; the hub
goes on with it after a crash.`,
		Example: `  paklog dlq operate --group 1f0c4a5be77d --reason "carrier is back"
  paklog dlq operate --partner ACME --reason "map mended" --ramp 1,10,100 --rate 20 --start`,
		Args: cobra.ArbitraryArgs, ValidArgsFunction: fromHub(g, letterIDs),
		RunE: func(cmd *cobra.Command, args []string) error {
			b := rest.ReplayBody{Letters: args, Reason: reason, Ramp: ramp, Rate: rate, StopAt: stopAt}
			if strings.TrimSpace(reason) == "" {
				return usagef(cmd, "a replay needs --reason: it is kept with it")
			}
			if cmd.Flags().Changed("stop-at") && (stopAt < 1 || stopAt > 100) {
				return usagef(cmd, "--stop-at %d: want a percentage from 1 to 100; 100 stops only where all fail", stopAt)
			}
			if rate < 0 {
				return usagef(cmd, "--rate %d: want letters a second, or 0 for no bound", rate)
			}
			if cmd.Flags().Changed("ramp") && len(ramp) == 0 {
				return usagef(cmd, "--ramp is empty: want the letters of the first steps, as 1,10,100")
			}
			for _, n := range ramp {
				if n < 1 || n > dlq.MostStep {
					return usagef(cmd, "--ramp: %d letters are no step: 1 to %d are", n, dlq.MostStep)
				}
			}
			if s.kind != "" {
				if _, ok := fault.ParseKind(s.kind); !ok {
					return usagef(cmd, "--kind %q is none of %v", s.kind, fault.Kinds())
				}
			}
			if len(args) == 0 {
				b.Search = &rest.ReplaySearch{Channel: s.channel, Kind: s.kind, Route: s.route, Partner: s.partner, Group: s.group, Key: s.key, Text: s.text}
				if *b.Search == (rest.ReplaySearch{}) {
					return usagef(cmd, "name letters, or choose them: --group, --route, --partner, --key, --text, --kind, --channel")
				}
			}
			return withHub(cmd, g, func(ctx context.Context, c *caller) error {
				var o dlq.Operation
				if err := c.do(ctx, http.MethodPost, "/v1/replays", b, &o); err != nil {
					return err
				}
				if start && o.State == dlq.OpPlanned {
					if err := c.do(ctx, http.MethodPost, "/v1/replays/"+o.ID+"/start", nil, &o); err != nil {
						return err
					}
				}
				return tellOperation(cmd, g, o)
			})
		},
	}
	s.flags(cmd)
	f := cmd.Flags()
	f.StringVar(&reason, "reason", "", "why; required")
	f.IntSliceVar(&ramp, "ramp", nil, "letters of the first steps; 1,2,5,10,25,50,100 without it")
	f.IntVar(&rate, "rate", 0, "letters a second at most; 0 is no bound")
	f.IntVar(&stopAt, "stop-at", 0, "percent of failures that stop it; 20 without it")
	f.BoolVar(&start, "start", false, "begin at once")
	return cmd
}

func tellOperation(cmd *cobra.Command, g *global, o dlq.Operation) error {
	if g.json {
		return writeJSON(cmd.OutOrStdout(), o)
	}
	w := cmd.OutOrStdout()
	fmt.Fprintf(w, "operation %s: %s", o.ID, o.State)
	if o.Why != "" {
		fmt.Fprintf(w, " (%s)", clean(o.Why))
	}
	fmt.Fprintf(w, "\nletters   %d: %d did nothing outside yet, %d did what is not done again, %d have an unknown outcome that is asked for first; %d left out\n",
		o.Plan.Letters, o.Plan.Fresh, o.Plan.Confirmed, o.Plan.Unknown, o.Plan.Skipped)
	fmt.Fprintf(w, "progress  %d resolved, %d failed again, %d taken by others\n", o.Progress.Resolved, o.Progress.Failed, o.Progress.Others)
	fmt.Fprintf(w, "pace      steps of %v, stops at %d %% failed\n", o.Ramp, o.StopAt)
	fmt.Fprintf(w, "by        %s: %s\n", clean(o.Author), clean(o.Reason))
	if o.State == dlq.OpWaiting {
		fmt.Fprintf(w, "\nsomebody else must approve: paklog dlq operation approve %s\n", o.ID)
	}
	if o.State == dlq.OpPlanned {
		fmt.Fprintf(w, "\npaklog dlq operation start %s\n", o.ID)
	}
	return nil
}

func newDLQOperation(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use: "operation", Short: "List replays of many letters, show one, or start, pause, resume, approve or cancel it",
		Example: `  paklog dlq operation
  paklog dlq operation show R0123456789ab
  paklog dlq operation pause R0123456789ab`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withHub(cmd, g, func(ctx context.Context, c *caller) error {
				var got rest.Operations
				if err := c.do(ctx, http.MethodGet, "/v1/replays", nil, &got); err != nil {
					return err
				}
				if g.json {
					return writeJSON(cmd.OutOrStdout(), got.Items)
				}
				t := newTable(cmd.OutOrStdout(), "OPERATION", "STATE", "LETTERS", "RESOLVED", "FAILED", "BY", "PLANNED", "REASON")
				for _, o := range got.Items {
					t.row(o.ID, string(o.State), o.Plan.Letters, o.Progress.Resolved, o.Progress.Failed, o.Author, instant(o.Created), clip(o.Reason, 60))
				}
				return t.flush()
			})
		},
	}
	act := func(verb, short string) *cobra.Command {
		return &cobra.Command{
			Use: verb + " OPERATION", Short: short, Example: "  paklog dlq operation " + verb + " R0123456789ab", Args: cobra.ExactArgs(1),
			RunE: func(cmd *cobra.Command, args []string) error {
				return withHub(cmd, g, func(ctx context.Context, c *caller) error {
					method, path := http.MethodPost, "/v1/replays/"+url.PathEscape(args[0])+"/"+verb
					if verb == "show" {
						method, path = http.MethodGet, strings.TrimSuffix(path, "/show")
					}
					var o dlq.Operation
					if err := c.do(ctx, method, path, nil, &o); err != nil {
						return err
					}
					return tellOperation(cmd, g, o)
				})
			},
		}
	}
	cmd.AddCommand(act("show", "Show its plan and how far it is"), act(dlq.VerbApprove, "Approve of what somebody else planned"), act(dlq.VerbStart, "Begin what was planned"),
		act(dlq.VerbPause, "Send no further letters"), act(dlq.VerbResume, "Go on with what was paused or stopped by itself"), act(dlq.VerbCancel, "End it: what was sent was sent"))
	return cmd
}

func newTrace(g *global) *cobra.Command {
	return &cobra.Command{
		Use: "trace KEY", Short: "Follow any business key from the door on: every message, event and letter, and what is awaited",
		Example: `  paklog trace PO-4711
  paklog trace 00006141411234567890`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withHub(cmd, g, func(ctx context.Context, c *caller) error {
				var t rest.Trace
				if err := c.do(ctx, http.MethodGet, "/v1/traces?"+queryOf("key", args[0]), nil, &t); err != nil {
					return err
				}
				if g.json {
					return writeJSON(cmd.OutOrStdout(), t)
				}
				return tellTrace(cmd.OutOrStdout(), t)
			})
		},
	}
}

func tellTrace(w io.Writer, t rest.Trace) error {
	things := newTable(w, "KIND", "OWNER", "ID", "STATUS", "CHANGED")
	for _, x := range t.Things {
		if x.Kind != view.Letter {
			things.row(x.Kind, x.Owner, x.ID, x.Status, instant(x.Updated))
		}
	}
	if err := things.flush(); err != nil {
		return err
	}
	fmt.Fprintln(w)
	steps := newTable(w, "TIME", "POSITION", "ROUTE", "WHAT", "ABOUT")
	for _, s := range t.Steps {
		what, about := s.Type, s.Key
		if s.Letter != "" {
			what, about = "letter "+s.Letter+" "+s.Type, clip(s.Text, 80)
		}
		steps.row(s.At.UTC().Format("2006-01-02 15:04:05.000"), uint64(s.Position), s.Route, what, about)
	}
	if err := steps.flush(); err != nil {
		return err
	}
	fmt.Fprintln(w)
	for _, a := range t.Awaited {
		fmt.Fprintf(w, "awaited: %s\n", clean(a.What))
	}
	if len(t.Awaited) == 0 {
		fmt.Fprintln(w, "nothing is awaited any more")
	}
	return nil
}
