package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/paklog/hub/adapters/postgres"
)

func newMigrate(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use: "migrate", Short: "Move the journal into PostgreSQL and back, and bring its schema forward",
		Long: `paklog migrate to-postgres moves the journal of a data folder into PostgreSQL, back takes it back.

A new schema is made when a hub first starts on it. Later versions of paklog may need steps beyond
that: a hub does not start on a schema that lacks one, nor on one that a newer version made. Steps only go
forward and only add, so a hub of the version before goes on meanwhile. The embedded journal in a data folder
migrates by itself when it is opened, after a backup.`,
		Example: `  paklog migrate to-postgres --stop
  paklog migrate back
  paklog migrate status
  paklog migrate up`,
	}
	run := func(f func(context.Context, postgres.Options) ([]postgres.Migration, error), none string) func(*cobra.Command, []string) error {
		return func(cmd *cobra.Command, _ []string) error {
			cfg, _, err := load(g.config)
			if err != nil {
				return err
			}
			if cfg.Store != inPostgres {
				return errors.New("store is sqlite: its folder migrates by itself when it is opened")
			}
			steps, err := f(cmd.Context(), cfg.Postgres.options())
			if err != nil {
				return fmt.Errorf("schema %s: %w", cfg.Postgres.Schema, err)
			}
			if g.json {
				return writeJSON(cmd.OutOrStdout(), append([]postgres.Migration{}, steps...))
			}
			if len(steps) == 0 {
				fmt.Fprintln(cmd.OutOrStdout(), none)
				return nil
			}
			t := newTable(cmd.OutOrStdout(), "version", "name", "applied")
			for _, m := range steps {
				at := "missing"
				if !m.Applied.IsZero() {
					at = m.Applied.UTC().Format(time.DateTime)
				}
				t.row(m.Version, m.Name, at)
			}
			return t.flush()
		}
	}
	cmd.AddCommand(newMoveThere(g), newMoveBack(g), &cobra.Command{
		Use: "status", Short: "List the steps that the schema has and lacks", Args: cobra.NoArgs,
		Example: "  paklog migrate status",
		RunE:    run(postgres.Status, "no step is known"),
	}, &cobra.Command{
		Use: "up", Short: "Apply the steps that the schema lacks; back up the database first", Args: cobra.NoArgs,
		Example: "  paklog migrate up",
		RunE:    run(postgres.Migrate, "nothing to do"),
	})
	return cmd
}
