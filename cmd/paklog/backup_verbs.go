package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/paklog/hub/adapters/sqlite"
	"github.com/paklog/hub/core/journal"
)

func newBackup(g *global) *cobra.Command {
	return &cobra.Command{
		Use: "backup DIR", Short: "Copy the journal into a new folder, while the hub runs or not",
		Long: `Copy the journal, as of one moment, into a new folder, with the files that it names and a
manifest of their hashes. Work goes on meanwhile. The folder appears whole or not at all. A running hub
writes it itself, so DIR is a folder of its machine that its user may write.`,
		Example: `  paklog backup /backups/paklog-$(date +%F)
  paklog audit /backups/paklog-2026-11-23`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			to, err := filepath.Abs(args[0])
			if err != nil {
				return err
			}
			return withHub(cmd, g, func(ctx context.Context, c *caller) error {
				var got struct {
					To       string      `json:"to"`
					Position journal.Pos `json:"position"`
				}
				if err := c.do(ctx, http.MethodPost, "/control/backup", map[string]string{"to": to}, &got); err != nil {
					return err
				}
				if g.json {
					return writeJSON(cmd.OutOrStdout(), got)
				}
				fmt.Fprintf(cmd.OutOrStdout(), "backup in %s\npaklog audit %s proves it; paklog restore %s brings it back\n", got.To, got.To, got.To)
				return nil
			})
		},
	}
}

func newRestore(g *global) *cobra.Command {
	var data string
	cmd := &cobra.Command{
		Use: "restore BACKUP", Short: "Put a backup into an empty data folder",
		Long: `Put a backup into the data folder, which must be empty or missing, after each of its files was
found to be what its manifest says.

What happened after the backup is not in it, and the world may have moved on: labels were bought, documents
were sent. So a restored hub opens with its outward doors shut: every route that speaks to a partner is
paused, calls that were under way are Unknown and are resolved with the partner before anything is done
again, and control numbers are advanced by a thousand, so that none is used twice. It says so when it
starts. Compare with your partners, then let each door open with paklog routes resume ROUTE.`,
		Example: `  paklog restore /backups/paklog-2026-11-23
  paklog restore /backups/paklog-2026-11-23 --data /srv/paklog`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if data == "" {
				cfg, _, err := load(g.config)
				if err != nil {
					return err
				}
				data = cfg.Data
			}
			if info, err := os.Stat(args[0]); err != nil || !info.IsDir() {
				return usagef(cmd, "%s is no folder of a backup", args[0])
			}
			if err := empty(data); err != nil {
				return err
			}
			if err := sqlite.Restore(cmd.Context(), args[0], data); err != nil {
				return err
			}
			if g.json {
				return writeJSON(cmd.OutOrStdout(), map[string]string{"data": data, "from": args[0]})
			}
			fmt.Fprintf(cmd.OutOrStdout(), `restored into %s
its hub opens with its outward doors shut: routes that speak to partners are paused, calls that were
under way are Unknown, control numbers are advanced. Compare with your partners, then:
  paklog routes               shows what is paused
  paklog routes resume ROUTE  opens a door
`, data)
			return nil
		},
	}
	cmd.Flags().StringVar(&data, "data", "", "folder to restore into; the configured one where it is left out")
	_ = cmd.MarkFlagDirname("data") // the flag is there
	return cmd
}

// empty says what to do where the folder to restore into is none that is empty.
func empty(dir string) error {
	names, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case len(names) == 0:
		return nil
	}
	return fmt.Errorf("%s is not empty: stop its hub and move the folder away first, or restore beside it with --data", dir)
}
