package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"github.com/paklog/hub/adapters/rest"
	"github.com/paklog/hub/core/crew"
	"github.com/paklog/hub/core/pick"
	"github.com/paklog/hub/core/task"
	"github.com/paklog/hub/core/view"
)

// taskKinds are the kinds of work.
var taskKinds = []string{task.KindPick, task.KindPack, task.KindPutAway, task.KindReplenish, task.KindCount, task.KindMove}

func newTasks(g *global) *cobra.Command {
	cmd := newTasksList(g)
	cmd.Use, cmd.Short = "tasks", "List tasks; ask for the next one, and tell what was done"
	cmd.Example = `  paklog tasks --status open
  paklog tasks next --worker kim --location A-01
  paklog tasks pick T1-SO-1001 --step 1 --qty 5 --tote TOTE-7 --worker kim
  paklog tasks short T1-SO-1001 --step 2 --found 0 --worker kim --reason not_found
  paklog tasks put B1.1-W-000001 --item MUG --qty 2 --tote BIN-1 --slot WALL-03 --worker kim`
	cmd.AddCommand(newTasksList(g), newTaskNext(g), newTaskClaim(g), newTaskRelease(g), newTaskPick(g), newTaskShort(g), newTaskPut(g), newTaskComplete(g))
	return cmd
}

func newTasksList(g *global) *cobra.Command {
	var l listing
	cmd := &cobra.Command{
		Use: "list", Short: "List tasks by owner and name",
		Example: `  paklog tasks list --status open`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return l.list(cmd, g, "/v1/tasks", []string{"OWNER", "TASK", "STATUS", "KIND", "ORDER", "WAVE", "ZONE", "NEEDS", "STEPS", "PRIORITY", "WORKER", "CUT-OFF"}, func(d view.Doc) ([]any, error) {
				var x task.Task
				if err := json.Unmarshal(d.State, &x); err != nil {
					return nil, err
				}
				cut := ""
				if !x.CutOff.IsZero() {
					cut = x.CutOff.UTC().Format("2006-01-02T15:04Z")
				}
				return []any{d.Owner, d.ID, d.Status, x.Kind, x.Order, x.Wave, x.Zone, strings.Join(x.Needs, " "), len(x.Steps), x.Priority, x.Worker, cut}, nil
			})
		},
	}
	l.flags(cmd, rest.Statuses(view.Task)...)
	return cmd
}

func newTaskNext(g *global) *cobra.Command {
	var b rest.NextBody
	cmd := &cobra.Command{
		Use: "next", Short: "Give a worker the best task that he may do, and claim it for him",
		Long: `Give a worker the best task that he may do, and claim it for him: the most urgent by cut-off, age and
priority, or the nearest of those that are as urgent. Asked again, he is given the task that he holds.`,
		Example: `  paklog tasks next --worker kim
  paklog tasks next --worker kim --location A-01 --equipment reach_truck
  paklog tasks next --worker kim --kind count --json | jq .score`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if b.Worker == "" {
				return usagef(cmd, "say with --worker who asks")
			}
			return ask(cmd, g, "/v1/tasks/next", b, tellAssignment(cmd))
		},
	}
	f := cmd.Flags()
	f.StringVar(&b.Worker, "worker", "", "who asks")
	f.StringVar(&b.Facility, "facility", "", "the building; the configured one where it is left out")
	f.StringVar(&b.Device, "device", "", "what the worker asks with")
	f.StringVar(&b.Location, "location", "", "where the worker stands")
	f.StringVar(&b.Zone, "zone", "", "the zone where the worker stands; that of --location, else the worker's home")
	f.StringArrayVar(&b.Equipment, "equipment", nil, "at hand; may be given again")
	f.StringArrayVar(&b.Skills, "skill", nil, "that the worker has; may be given again")
	f.StringArrayVar(&b.Kinds, "kind", nil, "of work that is wanted; may be given again")
	f.Int64Var(&b.Seconds, "lease-seconds", 0, "how long the task is the worker's: 900")
	_ = cmd.RegisterFlagCompletionFunc("kind", words(taskKinds...))
	_ = cmd.RegisterFlagCompletionFunc("worker", fromHub(g, workerIDs))
	return cmd
}

func tellAssignment(cmd *cobra.Command) func(rest.Assignment) {
	return func(a rest.Assignment) {
		out := cmd.OutOrStdout()
		if b := a.TakenBack; b != nil {
			fmt.Fprintf(out, "task %s was taken back for %s: %s\n", clean(b.Task), clean(b.For), clean(b.Reason))
		}
		if a.Task == nil {
			fmt.Fprintf(out, "there is nothing for %s now\n", clean(a.Worker))
			return
		}
		t := a.Task
		fmt.Fprintf(out, "task %s of %s: %s, until %s (claim %d)\n", clean(t.Task), clean(t.Owner), t.Kind, t.Until.UTC().Format("15:04:05Z"), t.Claims)
		if a.Why != nil && a.Score != nil {
			fmt.Fprintf(out, "  why: %s of %d; due by %s in %ds, priority %d\n", a.Why.Rule, a.Why.Of, a.Score.By, a.Score.Slack, a.Score.Priority)
		}
		if a.List == nil {
			tellSteps(cmd, t.Steps)
			return
		}
		tellList(cmd)(*a.List)
	}
}

func tellSteps(cmd *cobra.Command, steps []task.Step) {
	for _, s := range steps {
		fmt.Fprintf(cmd.OutOrStdout(), "  %d. %d of item %s at %s %s %s\n", s.No, s.Qty, clean(s.Item), clean(s.From.Location), clean(s.From.Lot), clean(s.To.Location))
	}
}

func tellList(cmd *cobra.Command) func(pick.List) {
	return func(l pick.List) {
		fmt.Fprintf(cmd.OutOrStdout(), "pick list of task %s is %s\n", clean(l.Task), l.Status)
		for _, s := range l.Steps {
			fmt.Fprintf(cmd.OutOrStdout(), "  %d. %d of item %s at %s %s for %s: %d picked, %d short\n",
				s.No, s.Qty, clean(s.Item), clean(s.From.Location), clean(s.From.Lot), clean(s.Order), s.Picked, s.Shorted)
		}
	}
}

// floorFlags name whose task is meant and where.
type floorFlags struct{ owner, facility string }

func (f *floorFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.owner, "owner", "", "whose task, where several have one of this name")
	cmd.Flags().StringVar(&f.facility, "facility", "", "the building; the configured one where it is left out")
}

func newTaskClaim(g *global) *cobra.Command {
	var f floorFlags
	var b rest.ClaimBody
	cmd := &cobra.Command{
		Use: "claim TASK", Short: "Take a certain task for a worker, or renew his claim",
		Example: `  paklog tasks claim T1-SO-1001 --worker kim --lease-seconds 600`,
		Args:    cobra.ExactArgs(1), ValidArgsFunction: fromHub(g, openTasks),
		RunE: func(cmd *cobra.Command, args []string) error {
			if b.Worker == "" {
				return usagef(cmd, "say with --worker who takes it")
			}
			return thingAct(cmd, g, view.Task, "/v1/tasks/", args[0], f.owner, f.facility, "claim", b, func(t task.Task) {
				fmt.Fprintf(cmd.OutOrStdout(), "task %s is claimed by %s until %s (claim %d)\n", clean(t.Task), clean(t.Worker), t.Until.UTC().Format("15:04:05Z"), t.Claims)
			})
		},
	}
	f.add(cmd)
	cmd.Flags().StringVar(&b.Worker, "worker", "", "who takes it")
	cmd.Flags().IntVar(&b.Claim, "claim", 0, "number of the claim that is renewed")
	cmd.Flags().Int64Var(&b.Seconds, "lease-seconds", 0, "for how long: 900")
	return cmd
}

func newTaskRelease(g *global) *cobra.Command {
	var f floorFlags
	var b rest.GiveBackBody
	cmd := &cobra.Command{
		Use: "release TASK", Short: "Give a task back that cannot be done now",
		Long: `Give a task back that cannot be done now, so that nobody has to wait for the end of the claim. Others
may claim it at once and go on where it was left; "paklog tasks next" gives it to the same worker again
after 30 minutes at the earliest.`,
		Example: `  paklog tasks release T1-SO-1001 --worker kim --claim 1 --reason blocked`,
		Args:    cobra.ExactArgs(1), ValidArgsFunction: fromHub(g, openTasks),
		RunE: func(cmd *cobra.Command, args []string) error {
			if b.Worker == "" || b.Claim < 1 || b.Reason == "" {
				return usagef(cmd, "giving back needs --worker, --claim, as the claim was answered, and --reason")
			}
			return thingAct(cmd, g, view.Task, "/v1/tasks/", args[0], f.owner, f.facility, "release", b, func(t task.Task) {
				fmt.Fprintf(cmd.OutOrStdout(), "task %s is %s\n", clean(t.Task), t.Status)
			})
		},
	}
	f.add(cmd)
	cmd.Flags().StringVar(&b.Worker, "worker", "", "who gives it back")
	cmd.Flags().IntVar(&b.Claim, "claim", 0, "what the claim was answered with")
	cmd.Flags().StringVar(&b.Reason, "reason", "", "blocked, too_heavy, no_equipment, ...")
	return cmd
}

func newTaskPick(g *global) *cobra.Command {
	var f floorFlags
	var b rest.ConfirmBody
	cmd := &cobra.Command{
		Use: "pick TASK", Short: "Say what of a step lies in a tote",
		Example: `  paklog tasks pick T1-SO-1001 --step 1 --qty 5 --tote TOTE-7 --worker kim`,
		Args:    cobra.ExactArgs(1), ValidArgsFunction: fromHub(g, openTasks),
		RunE: func(cmd *cobra.Command, args []string) error {
			if b.Worker == "" || b.Step < 1 || b.Qty < 1 || b.Tote == "" {
				return usagef(cmd, "picking needs --step, --qty, --tote and --worker")
			}
			return thingAct(cmd, g, view.Pick, "/v1/picks/", args[0], f.owner, f.facility, "confirm", b, tellList(cmd))
		},
	}
	f.add(cmd)
	cmd.Flags().IntVar(&b.Step, "step", 0, "of the list")
	cmd.Flags().Int64Var(&b.Qty, "qty", 0, "how many, in the smallest unit")
	cmd.Flags().StringVar(&b.Tote, "tote", "", "where they lie")
	cmd.Flags().StringVar(&b.Worker, "worker", "", "who picked")
	cmd.Flags().StringArrayVar(&b.Serials, "serial", nil, "serial number; one for each unit that is tracked so")
	return cmd
}

func newTaskShort(g *global) *cobra.Command {
	var f floorFlags
	var b rest.ShortBody
	cmd := &cobra.Command{
		Use: "short TASK", Short: "End a step with what was found; the rest is looked for elsewhere, and the place is counted",
		Example: `  paklog tasks short T1-SO-1001 --step 2 --found 0 --worker kim --reason not_found
  paklog tasks short T1-SO-1001 --step 2 --found 3 --tote TOTE-7 --worker kim --reason damaged`,
		Args: cobra.ExactArgs(1), ValidArgsFunction: fromHub(g, openTasks),
		RunE: func(cmd *cobra.Command, args []string) error {
			if b.Worker == "" || b.Step < 1 || b.Reason == "" || !cmd.Flags().Changed("found") {
				return usagef(cmd, "a short needs --step, --found, --worker and --reason")
			}
			return thingAct(cmd, g, view.Pick, "/v1/picks/", args[0], f.owner, f.facility, "short", b, tellList(cmd))
		},
	}
	f.add(cmd)
	cmd.Flags().IntVar(&b.Step, "step", 0, "of the list")
	cmd.Flags().Int64Var(&b.Found, "found", 0, "how many were there")
	cmd.Flags().StringVar(&b.Tote, "tote", "", "where the found ones lie")
	cmd.Flags().StringVar(&b.Worker, "worker", "", "who looked")
	cmd.Flags().StringVar(&b.Reason, "reason", "", "not_found, damaged, ...")
	return cmd
}

func newTaskPut(g *global) *cobra.Command {
	var f floorFlags
	var b rest.SortBody
	cmd := &cobra.Command{
		Use: "put TASK", Short: "Put goods that were picked for several orders into the slot of their order",
		Example: `  paklog tasks put B1.1-W-000001 --item MUG --qty 2 --tote BIN-1 --slot WALL-03 --worker kim
  paklog tasks put B1.1-W-000001 --item MUG --qty 1 --tote BIN-1 --order SO-1001 --worker kim`,
		Args: cobra.ExactArgs(1), ValidArgsFunction: fromHub(g, openTasks),
		RunE: func(cmd *cobra.Command, args []string) error {
			if b.Item == "" || b.Qty < 1 || b.Tote == "" || b.Worker == "" {
				return usagef(cmd, "putting needs --item, --qty, --tote and --worker")
			}
			return thingAct(cmd, g, view.Pick, "/v1/picks/", args[0], f.owner, f.facility, "put", b, func(s pick.Sorted) {
				for _, p := range s.Puts {
					fmt.Fprintf(cmd.OutOrStdout(), "%d of item %s of order %s lie in slot %s\n", p.Qty, clean(p.Item), clean(p.Order), clean(p.Slot))
				}
				for _, o := range s.Whole {
					fmt.Fprintf(cmd.OutOrStdout(), "order %s is all together: pack it\n", clean(o))
				}
			})
		},
	}
	f.add(cmd)
	cmd.Flags().StringVar(&b.Item, "item", "", "what is put")
	cmd.Flags().StringVar(&b.Lot, "lot", "", "its lot")
	cmd.Flags().Int64Var(&b.Qty, "qty", 0, "how many, in the smallest unit")
	cmd.Flags().StringVar(&b.Tote, "tote", "", "where they lie")
	cmd.Flags().StringVar(&b.Order, "order", "", "for this order; the first that they are for where it is left out")
	cmd.Flags().StringVar(&b.Slot, "slot", "", "a free one, for an order that has none yet")
	cmd.Flags().StringVar(&b.Worker, "worker", "", "who put them")
	return cmd
}

func newTaskComplete(g *global) *cobra.Command {
	var f floorFlags
	var b rest.CompleteBody
	cmd := &cobra.Command{
		Use: "complete TASK", Short: "End a task that has no step left",
		Example: `  paklog tasks complete T1-SO-1001 --worker kim --claim 1`,
		Args:    cobra.ExactArgs(1), ValidArgsFunction: fromHub(g, openTasks),
		RunE: func(cmd *cobra.Command, args []string) error {
			if b.Worker == "" || b.Claim < 1 {
				return usagef(cmd, "completing needs --worker and --claim, as the claim was answered")
			}
			return thingAct(cmd, g, view.Task, "/v1/tasks/", args[0], f.owner, f.facility, "complete", b, func(t task.Task) {
				fmt.Fprintf(cmd.OutOrStdout(), "task %s is %s\n", clean(t.Task), t.Status)
			})
		},
	}
	f.add(cmd)
	cmd.Flags().StringVar(&b.Worker, "worker", "", "who did it")
	cmd.Flags().IntVar(&b.Claim, "claim", 0, "what the claim was answered with")
	return cmd
}

func openTasks(ctx context.Context, c *caller, _ string) ([]string, error) {
	var out []string
	for _, status := range []task.Status{task.StatusClaimed, task.StatusOpen} {
		found, err := documents(ctx, c, "/v1/tasks", url.Values{"status": {string(status)}}, 100)
		if err != nil {
			return nil, err
		}
		for _, d := range found.Items {
			out = append(out, d.ID+"\t"+d.Owner+" "+d.Status)
		}
	}
	return out, nil
}

func newWorkers(g *global) *cobra.Command {
	cmd := newWorkersList(g)
	cmd.Use, cmd.Short = "workers", "List workers; say what they may do, and where"
	cmd.Example = `  paklog workers
  paklog workers set kim --skill hazmat --equipment reach_truck --zone A --zone B --home A
  paklog workers retire kim --reason left`
	cmd.AddCommand(newWorkersList(g), newWorkerSet(g), newWorkerRetire(g))
	return cmd
}

func newWorkersList(g *global) *cobra.Command {
	var l listing
	cmd := &cobra.Command{
		Use: "list", Short: "List workers by building",
		Example: `  paklog workers list --status active`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return l.list(cmd, g, "/v1/workers", []string{"FACILITY", "WORKER", "STATUS", "SKILLS", "EQUIPMENT", "ZONES", "HOME", "KINDS"}, func(d view.Doc) ([]any, error) {
				var x crew.Worker
				if err := json.Unmarshal(d.State, &x); err != nil {
					return nil, err
				}
				all := func(list []string) string { return strings.Join(list, " ") }
				return []any{d.Facility, d.ID, d.Status, all(x.Spec.Skills), all(x.Spec.Equipment), all(x.Spec.Zones), x.Spec.Home, all(x.Spec.Kinds)}, nil
			})
		},
	}
	l.flags(cmd, rest.Statuses(view.Worker)...)
	return cmd
}

func tellWorker(cmd *cobra.Command) func(crew.Worker) {
	return func(w crew.Worker) {
		fmt.Fprintf(cmd.OutOrStdout(), "worker %s is %s: skills %v, equipment %v, zones %v, kinds %v\n",
			clean(w.ID), w.Status, w.Spec.Skills, w.Spec.Equipment, w.Spec.Zones, w.Spec.Kinds)
	}
}

func newWorkerSet(g *global) *cobra.Command {
	var facility string
	var b rest.WorkerSpecBody
	cmd := &cobra.Command{
		Use: "set WORKER", Short: "Say what a worker may do, whether or not he is known; a retired one works again",
		Example: `  paklog workers set kim --skill hazmat --equipment reach_truck --zone A --zone B --home A
  paklog workers set lee --kind count --kind replenish`,
		Args: cobra.ExactArgs(1), ValidArgsFunction: fromHub(g, workerIDs),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withHub(cmd, g, func(ctx context.Context, c *caller) error {
				var raw json.RawMessage
				body := rest.WorkerBody{Facility: facility, Worker: args[0], Update: true, WorkerSpecBody: b}
				if err := c.do(ctx, http.MethodPost, "/v1/workers", body, &raw); err != nil {
					return err
				}
				return tellAnswer(cmd, g, raw, tellWorker(cmd))
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&facility, "facility", "", "the building; the configured one where it is left out")
	f.StringArrayVar(&b.Skills, "skill", nil, "that he has; may be given again")
	f.StringArrayVar(&b.Equipment, "equipment", nil, "that he has at hand; may be given again")
	f.StringArrayVar(&b.Zones, "zone", nil, "where he works; may be given again, none is all")
	f.StringVar(&b.Home, "home", "", "the zone where he begins")
	f.StringArrayVar(&b.Kinds, "kind", nil, "of work that he does; may be given again, none is all")
	_ = cmd.RegisterFlagCompletionFunc("kind", words(taskKinds...))
	return cmd
}

func newWorkerRetire(g *global) *cobra.Command {
	var facility string
	var b rest.ReasonBody
	cmd := &cobra.Command{
		Use: "retire WORKER", Short: "Give a worker no more work; what he holds he may finish",
		Example: `  paklog workers retire kim --reason left`,
		Args:    cobra.ExactArgs(1), ValidArgsFunction: fromHub(g, workerIDs),
		RunE: func(cmd *cobra.Command, args []string) error {
			if b.Reason == "" {
				return usagef(cmd, "retiring needs --reason: it is kept with the worker")
			}
			return withHub(cmd, g, func(ctx context.Context, c *caller) error {
				at := facility
				if at == "" {
					at = c.cfg.Facility
				}
				var raw json.RawMessage
				if err := c.do(ctx, http.MethodPost, "/v1/workers/"+url.PathEscape(at)+"/"+url.PathEscape(args[0])+"/retire", b, &raw); err != nil {
					return err
				}
				return tellAnswer(cmd, g, raw, tellWorker(cmd))
			})
		},
	}
	cmd.Flags().StringVar(&facility, "facility", "", "the building; the configured one where it is left out")
	cmd.Flags().StringVar(&b.Reason, "reason", "", "why; required")
	return cmd
}

func workerIDs(ctx context.Context, c *caller, _ string) ([]string, error) {
	found, err := documents(ctx, c, "/v1/workers", url.Values{}, 100)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, d := range found.Items {
		out = append(out, d.ID+"\t"+d.Status)
	}
	return out, nil
}
