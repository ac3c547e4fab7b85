package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	"github.com/spf13/cobra"

	"github.com/paklog/hub/adapters/rest"
	"github.com/paklog/hub/core/erp"
)

func newERP(g *global) *cobra.Command {
	cmd := &cobra.Command{Use: "erp", Short: "Show, take back and post anew what ERPs were asked to post", Example: "  paklog erp show main 80000001"}
	show := erpVerb(g, http.MethodGet, "", nil)
	show.Use, show.Short, show.Example = "show ERP NUMBER", "Show how a goods movement stands at an ERP", "  paklog erp show main 80000001\n  paklog erp show main 180000001 --receipt"
	var reason string
	reverse := erpVerb(g, http.MethodPost, "/reverse", func(cmd *cobra.Command) (any, error) {
		if reason == "" {
			return nil, usagef(cmd, "say why: --reason TEXT")
		}
		return rest.ERPReverseBody{Reason: reason}, nil
	})
	reverse.Use, reverse.Short = "reverse ERP NUMBER", "Take a goods movement back that an ERP has posted"
	reverse.Long = `Take a goods issue (or, with --receipt, a goods receipt) back that the ERP has posted of a delivery: its books are as they were,
and those here stay. It is posted anew by paklog erp post. What the ERP refuses is a letter; asked again it is tried again.`
	reverse.Example = "  paklog erp reverse main 80000001 --reason 'wrong day'"
	reverse.Flags().StringVar(&reason, "reason", "", "why")
	post := erpVerb(g, http.MethodPost, "/post", nil)
	post.Use, post.Short = "post ERP NUMBER", "Post a goods movement again that ended in a letter, or was taken back"
	post.Example = "  paklog erp post main 80000001"
	cmd.AddCommand(show, reverse, post)
	return cmd
}

// erpVerb is a verb about one document; body is what it sends, nil is nothing.
func erpVerb(g *global, method, act string, body func(*cobra.Command) (any, error)) *cobra.Command {
	receipt := false
	cmd := &cobra.Command{
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			var b any
			if body != nil {
				var err error
				if b, err = body(cmd); err != nil {
					return err
				}
			}
			do := erp.DoIssue
			if receipt {
				do = erp.DoReceipt
			}
			return withHub(cmd, g, func(ctx context.Context, c *caller) error {
				var raw json.RawMessage
				if err := c.do(ctx, method, "/v1/erps/"+url.PathEscape(args[0])+"/documents/"+do+"/"+url.PathEscape(args[1])+act, b, &raw); err != nil {
					return err
				}
				return tellAnswer(cmd, g, raw, func(x erp.Document) { fmt.Fprintln(cmd.OutOrStdout(), documentLine(x)) })
			})
		},
	}
	cmd.Flags().BoolVar(&receipt, "receipt", false, "the goods receipt of an inbound delivery, and not a goods issue")
	return cmd
}

// documentLine is how a document stands, in words.
func documentLine(x erp.Document) string {
	what := map[string]string{erp.DoIssue: "goods issue", erp.DoReceipt: "goods receipt"}[x.Do]
	line := fmt.Sprintf("%s of %s in %s: %s since %s", what, clean(x.Number), clean(x.ERP), x.Status, instant(x.At))
	if !x.Day.IsZero() {
		line += ", on " + x.Day.Format("2006-01-02")
	}
	if x.Letter != "" {
		line += fmt.Sprintf("\nletter %s: %s", x.Letter, clean(x.Cause))
	}
	return line
}
