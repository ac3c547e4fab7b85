package main

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/paklog/hub/core/journal"
)

func newVersion(g *global) *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Say which program this is, and which journals it reads",
		Example: `  paklog version
  paklog version --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if g.json {
				return writeJSON(cmd.OutOrStdout(), map[string]any{"version": version(), "go": runtime.Version(), "journal_format": journal.Format})
			}
			fmt.Fprintf(cmd.OutOrStdout(), "paklog %s, %s, journal format %d\n", version(), runtime.Version(), journal.Format)
			return nil
		},
	}
}
