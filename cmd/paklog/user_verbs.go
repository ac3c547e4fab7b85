package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/paklog/hub/adapters/rest"
)

func newUser() *cobra.Command {
	cmd := &cobra.Command{
		Use: "user", Short: "Make what the configuration holds of people who sign in to the console",
		Example: `  systemd-ask-password | paklog user hash > secrets/kim.hash`,
	}
	cmd.AddCommand(&cobra.Command{
		Use: "hash", Short: "Read a password from the standard input and print its hash for http.users",
		Long: `Read a password, one line, from the standard input and print its bcrypt hash. The hash goes into a file
that http.users.NAME.password_hash_file names; the password itself is kept nowhere.`,
		Example: `  systemd-ask-password | paklog user hash > secrets/kim.hash`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			line, err := bufio.NewReader(io.LimitReader(cmd.InOrStdin(), 4096)).ReadString('\n')
			if err != nil && !errors.Is(err, io.EOF) {
				return err
			}
			hash, err := rest.HashPassword(strings.TrimRight(line, "\r\n"))
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), hash)
			return err
		},
	})
	return cmd
}
