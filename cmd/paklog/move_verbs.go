package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
)

func newMoveThere(g *global) *cobra.Command {
	var stop, confirm bool
	cmd := &cobra.Command{
		Use: "to-postgres", Short: "Move the journal of the data folder into PostgreSQL, each position and id as it is",
		Long: `Move the journal of the data folder (data) into the database of postgres.url, in the schema
postgres.schema, which holds no other journal.

While a hub runs on the folder, its log is copied through its socket and it goes on. With --stop, or once it
was stopped, what is missing is copied, and SHA-256 of the log and of every table of both are compared. Only
where all are equal is it noted in both that the journal is in PostgreSQL now; until then it is in the folder.
Whatever ends the command, it goes on where it was when it is run again. Then set store: postgres, with the
same data folder, and start the hub: it goes on at the next position.

paklog migrate back takes the journal back with all that is new, until --confirm.`,
		Example: `  paklog migrate to-postgres
  paklog migrate to-postgres --stop
  paklog migrate to-postgres --confirm`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if stop && confirm {
				return usagef(cmd, "take one of --stop and --confirm")
			}
			return moveJournal(cmd, g, stop, func(ctx context.Context, m *mover) error {
				if confirm {
					return m.confirm(ctx)
				}
				return m.there(ctx)
			})
		},
	}
	cmd.Flags().BoolVar(&stop, "stop", false, "ask the running hub to stop once nearly all is copied")
	cmd.Flags().BoolVar(&confirm, "confirm", false, "the journal stays in PostgreSQL: there is no way back then")
	return cmd
}

func newMoveBack(g *global) *cobra.Command {
	var stop bool
	cmd := &cobra.Command{
		Use: "back", Short: "Take a journal back into its data folder that was moved and is not confirmed",
		Long: `Take the journal back into the data folder that it was moved from, with all that was written in
PostgreSQL since. Hubs that work on it are stopped first. Both are compared as in to-postgres, and only where
they are equal is the journal in the folder again; until then it is in PostgreSQL, where no hub starts on it
any more. Then set store: sqlite and start the hub.`,
		Example: `  paklog migrate back
  paklog migrate back --stop`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return moveJournal(cmd, g, stop, func(ctx context.Context, m *mover) error { return m.back(ctx) })
		},
	}
	cmd.Flags().BoolVar(&stop, "stop", false, "ask the hub that runs on the folder to stop")
	return cmd
}

// moveJournal is one command that moves a journal.
func moveJournal(cmd *cobra.Command, g *global, stop bool, f func(context.Context, *mover) error) error {
	cfg, _, err := load(g.config)
	if err != nil {
		return err
	}
	if cfg.Postgres.URL.Reveal() == "" {
		return errors.New("postgres.url names no database: set postgres.url_file, and leave store as it is until the journal is there")
	}
	m := &mover{cfg: cfg, stop: stop, out: cmd.ErrOrStderr()}
	if terminal(cmd.ErrOrStderr()) {
		m.bar = cmd.ErrOrStderr()
	}
	if err := f(cmd.Context(), m); err != nil {
		return err
	}
	if g.json {
		return writeJSON(cmd.OutOrStdout(), m.report)
	}
	return m.print(cmd)
}

func (m *mover) print(cmd *cobra.Command) error {
	r, out := &m.report, cmd.OutOrStdout()
	fmt.Fprintf(out, "%s: %s -> %s, up to position %d (%d positions copied now)\n", r.State, clean(r.From), clean(r.To), r.Position, r.Copied)
	if r.Payloads > 0 {
		fmt.Fprintf(out, "%d payload files were copied\n", r.Payloads)
	}
	for _, name := range r.Lost {
		fmt.Fprintf(out, "payload %s is not there, and was not before: see paklog audit\n", name)
	}
	if p := r.Proof; p != nil {
		units, rows := 0, 0
		for _, x := range p.Ranges {
			units += x.Units
		}
		for _, x := range p.Tables {
			rows += x.Rows
		}
		fmt.Fprintf(out, "equal: %d units in %d ranges of the log and %d rows in %d tables have the same SHA-256 in both\n", units, len(p.Ranges), rows, len(p.Tables))
	}
	if r.Next != "" {
		fmt.Fprintf(out, "next: %s\n", r.Next)
	}
	return nil
}
