package main

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/paklog/hub/adapters/rest"
	"github.com/paklog/hub/routes"
)

// addCompletion adds cobra's own verb now and not when the command is run, so that [strict] sees
// it: an unknown shell would be answered with help and success.
func addCompletion(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		if c.Name() != "completion" {
			continue
		}
		c.Example = "  source <(paklog completion bash)\n  paklog completion fish > ~/.config/fish/completions/paklog.fish"
		for _, shell := range c.Commands() {
			shell.Example = "  paklog completion " + shell.Name()
			shell.RunE = completionScript // cobra's writes to where the root wrote when it was added
		}
	}
}

func completionScript(cmd *cobra.Command, _ []string) error {
	root, out := cmd.Root(), cmd.OutOrStdout()
	bare, err := cmd.Flags().GetBool("no-descriptions")
	switch {
	case err != nil:
		return err
	case cmd.Name() == "bash":
		return root.GenBashCompletionV2(out, !bare)
	case cmd.Name() == "fish":
		return root.GenFishCompletion(out, !bare)
	case cmd.Name() == "zsh" && bare:
		return root.GenZshCompletionNoDesc(out)
	case cmd.Name() == "zsh":
		return root.GenZshCompletion(out)
	case bare:
		return root.GenPowerShellCompletion(out)
	}
	return root.GenPowerShellCompletionWithDesc(out)
}

// completer offers arguments to the shell.
type completer func(cmd *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective)

// fromHub asks the running hub. A folder is not opened for it: a key press must not make a
// folder busy.
func fromHub(g *global, names func(ctx context.Context, c *caller, begun string) ([]string, error)) completer {
	return func(cmd *cobra.Command, _ []string, begun string) ([]string, cobra.ShellCompDirective) {
		// Nobody waits at a key press for a hub that does not answer.
		ctx, stop := context.WithTimeout(cmd.Context(), 3*time.Second)
		defer stop()
		c, _, err := running(ctx, g)
		if err != nil || c == nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		found, err := names(ctx, c, begun)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return slices.DeleteFunc(found, func(name string) bool { return !strings.HasPrefix(name, begun) }), cobra.ShellCompDirectiveNoFileComp
	}
}

// words offers what never changes.
func words(names ...string) completer {
	return func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return names, cobra.ShellCompDirectiveNoFileComp
	}
}

// beginning asks for what begins as it was typed: of many only the first hundred are offered.
func beginning(begun string) url.Values {
	if begun == "" {
		return url.Values{}
	}
	return url.Values{"begins": {begun}}
}

func routeNames(ctx context.Context, c *caller, _ string) ([]string, error) {
	var list []routes.RouteInfo
	if err := c.do(ctx, http.MethodGet, "/control/routes", nil, &list); err != nil {
		return nil, err
	}
	var out []string
	for _, r := range list {
		out = append(out, r.Name+"\t"+r.About)
	}
	return out, nil
}

func letterIDs(ctx context.Context, c *caller, _ string) ([]string, error) {
	var page rest.Letters
	if err := c.do(ctx, http.MethodGet, "/v1/letters?limit=100", nil, &page); err != nil {
		return nil, err
	}
	var out []string
	for _, l := range page.Items {
		out = append(out, l.Name()+"\t"+clip(clean(l.Cause), 60))
	}
	return out, nil
}

func orderNumbers(ctx context.Context, c *caller, begun string) ([]string, error) {
	found, err := documents(ctx, c, "/v1/orders", beginning(begun), 100)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, d := range found.Items {
		out = append(out, d.ID+"\t"+d.Owner+" "+d.Status)
	}
	return out, nil
}
