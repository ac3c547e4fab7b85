package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// What scripts may count on: 0 is done, 1 it could not be done, 2 it was asked wrongly,
// 3 it was done and something was found.
const (
	exitFailure  exitCode = 1
	exitUsage    exitCode = 2
	exitFindings exitCode = 3
)

// exitCode ends the program without a further word.
type exitCode int

func (c exitCode) Error() string { return fmt.Sprintf("exit status %d", int(c)) }

// usageError says that a verb was asked wrongly.
type usageError struct {
	verb string
	err  error
}

func (e *usageError) Error() string { return e.err.Error() + "\nsee " + e.verb + " --help" }
func (e *usageError) Unwrap() error { return e.err }

func usagef(cmd *cobra.Command, format string, a ...any) error {
	return &usageError{cmd.CommandPath(), fmt.Errorf(format, a...)}
}

// ended tells how a run ended and returns its exit code.
func ended(w io.Writer, err error) int {
	if err == nil {
		return 0
	}
	var code exitCode
	if errors.As(err, &code) {
		return int(code)
	}
	// Nobody is left to tell where standard error is closed.
	_, _ = fmt.Fprintln(w, "paklog:", err)
	var usage *usageError
	if errors.As(err, &usage) {
		return int(exitUsage)
	}
	return int(exitFailure)
}

// strict makes every mistake in asking a usageError, groups of verbs included: cobra would
// answer an unknown verb of a group with its help and success.
func strict(root *cobra.Command) {
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return &usageError{cmd.CommandPath(), err} })
	var walk func(*cobra.Command)
	walk = func(c *cobra.Command) {
		if c.HasSubCommands() && !c.Runnable() {
			c.Args, c.RunE = cobra.ArbitraryArgs, group
		} else if args := c.Args; args != nil {
			c.Args = func(cmd *cobra.Command, given []string) error {
				if err := args(cmd, given); err != nil {
					return &usageError{cmd.CommandPath(), err}
				}
				return nil
			}
		}
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(root)
}

// strictHelp makes help on what is no verb a usageError: cobra would answer with the help of
// the whole and success.
func strictHelp(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	for _, c := range root.Commands() {
		if c.Name() != "help" {
			continue
		}
		c.Example = "  paklog help dlq replay"
		c.Args = cobra.MaximumNArgs(3)
		c.Run, c.RunE = nil, func(_ *cobra.Command, args []string) error {
			about, rest := root, args
			for len(rest) > 0 {
				i := slices.IndexFunc(about.Commands(), func(sub *cobra.Command) bool { return sub.Name() == rest[0] || sub.HasAlias(rest[0]) })
				if i < 0 {
					return group(about, rest)
				}
				about, rest = about.Commands()[i], rest[1:]
			}
			about.InitDefaultHelpFlag()
			return about.Help()
		}
	}
}

// group answers for a command that only has verbs.
func group(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		if !cmd.HasParent() {
			return cmd.Help()
		}
		var names []string
		for _, c := range cmd.Commands() {
			if c.IsAvailableCommand() {
				names = append(names, c.Name())
			}
		}
		slices.Sort(names)
		return usagef(cmd, "%s needs a verb: %s", cmd.CommandPath(), strings.Join(names, ", "))
	}
	cmd.SuggestionsMinimumDistance = 2
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		return usagef(cmd, "%s knows no %q; did you mean %s?", cmd.CommandPath(), args[0], strings.Join(near, " or "))
	}
	return usagef(cmd, "%s knows no %q", cmd.CommandPath(), args[0])
}
