package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"

	"github.com/spf13/cobra"

	"github.com/paklog/hub/configs"
)

func newInit() *cobra.Command {
	var force bool
	cmd := &cobra.Command{
		Use:   "init [FILE]",
		Short: "Write a commented configuration with every setting and its default",
		Example: `  paklog init                      writes configs/paklog.yaml
  paklog init /etc/paklog.yaml`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			path := "configs/paklog.yaml"
			if len(args) > 0 {
				path = args[0]
			}
			flags := os.O_CREATE | os.O_WRONLY | os.O_EXCL
			if force {
				flags = os.O_CREATE | os.O_WRONLY | os.O_TRUNC
			}
			if len(args) == 0 {
				if err := os.MkdirAll("configs", 0o750); err != nil {
					return err
				}
			}
			f, err := os.OpenFile(path, flags, 0o640)
			if errors.Is(err, fs.ErrExist) {
				return fmt.Errorf("%s is there already: --force overwrites it", path)
			}
			if err != nil {
				return err
			}
			if err := errors.Join(configs.Template(f, defaults(), "PAKLOG"), f.Close()); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "wrote %s: edit it, then paklog config check --config %s\n", path, path)
			return nil
		},
	}
	cmd.Flags().BoolVar(&force, "force", false, "overwrite the file")
	return cmd
}

func newConfig(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Check, explain and reload the configuration",
		Example: `  paklog config check --config configs/paklog.yaml
  paklog config explain
  paklog config reload`,
	}
	cmd.AddCommand(&cobra.Command{
		Use:     "check",
		Short:   "Report everything that is wrong with the configuration, at once",
		Example: `  paklog config check --config configs/paklog.yaml`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, applied, err := load(g.config)
			if g.json {
				problems := configs.Problems{} // a list where there is none, too
				_ = errors.As(err, &problems)
				out := struct {
					OK       bool             `json:"ok"`
					Problems configs.Problems `json:"problems"`
				}{err == nil, problems}
				if jerr := json.NewEncoder(cmd.OutOrStdout()).Encode(out); jerr != nil {
					return jerr
				}
				if err != nil {
					return exitCode(1)
				}
				return nil
			}
			if err != nil {
				return err
			}
			for _, name := range applied.Unused() {
				fmt.Fprintf(cmd.ErrOrStderr(), "note: %s sets nothing\n", name)
			}
			fmt.Fprintln(cmd.OutOrStdout(), "the configuration is good")
			return nil
		},
	}, &cobra.Command{
		Use:     "explain",
		Short:   "Print what is in force and where each value came from; secrets are not shown",
		Example: `  PAKLOG_HTTP_LISTEN=127.0.0.1:9000 paklog config explain`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, applied, err := load(g.config)
			if err != nil {
				return err
			}
			if g.json {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(applied.Settings())
			}
			return applied.Explain(cmd.OutOrStdout())
		},
	}, newConfigReload(g))
	return cmd
}

func newConfigReload(g *global) *cobra.Command {
	return &cobra.Command{
		Use:   "reload",
		Short: "Let the running hub read its configuration again",
		Long: `Let the running hub read the file that it was started with again. API keys, webhooks and the
log level are swapped: requests under way end as they began. What else differs is named and is in force
after a restart. Where anything is wrong, nothing changes. The environment is that of the hub's start.`,
		Example: `  paklog config reload
  kill -HUP PID                    the same, told in the log of the hub`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, cfg, err := running(cmd.Context(), g)
			if err != nil {
				return err
			}
			if c == nil {
				return fmt.Errorf("no hub runs on %s: it reads its configuration when it starts", cfg.Data)
			}
			var done reloadedConfig
			if err := c.do(cmd.Context(), http.MethodPost, "/control/config/reload", nil, &done); err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			if g.json {
				return writeJSON(out, done)
			}
			for _, key := range done.Applied {
				fmt.Fprintf(out, "in force            %s\n", key)
			}
			for _, key := range done.Restart {
				fmt.Fprintf(out, "after a restart     %s\n", key)
			}
			if len(done.Applied)+len(done.Restart) == 0 {
				fmt.Fprintln(out, "nothing differs")
			}
			return nil
		},
	}
}
