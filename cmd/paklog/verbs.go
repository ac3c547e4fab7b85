package main

import "github.com/spf13/cobra"

// verbs is the one table of what paklog can do.
func verbs(g *global) []*cobra.Command {
	return []*cobra.Command{newServe(g), newDemo(), newInit(), newConfig(g)}
}
