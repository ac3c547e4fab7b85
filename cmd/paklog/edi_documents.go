package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"github.com/paklog/hub/adapters/rest"
	"github.com/paklog/hub/core/document"
	"github.com/paklog/hub/core/view"
)

const documentsPath = "/v1/edi/documents"

func newEDIDocuments(g *global) *cobra.Command {
	l := listing{whose: "partner"}
	cmd := &cobra.Command{
		Use: "documents [PARTNER DOCUMENT]", Short: "List what was sent to partners and what they said of it, or show one document",
		Long: `List what was sent to partners, by its name as letters and resend name it, with what the partner said of its
syntax (997, 999, CONTRL) and of its content (824, APERAK). Acknowledgements are not listed. With partner and
name, one document is shown with each thing that he found wrong.

  queued        it waits for others, to leave in one interchange with them: paklog edi waiting
  written       it waits for the partner's window or rate, or until he can be reached
  sent          nothing was said of it
  acknowledged  its syntax is right
  accepted      its content, too
  rejected      one of both is not: a letter says more, paklog edi resend sends it anew
  replaced      another was sent in its place`,
		Example: `  paklog edi documents --partner ACME --status rejected
  paklog edi documents ACME 945-000000007-1f2e3d4c.edi
  paklog edi documents --limit 0 --json | jq -r '.[].state.numbers.isa13'`,
		Args: cobra.MatchAll(cobra.MaximumNArgs(2), func(_ *cobra.Command, args []string) error {
			if len(args) == 1 {
				return fmt.Errorf("name the partner and the document: %s and what else", args[0])
			}
			return nil
		}),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 2 {
				return showPartnerDocument(cmd, g, args[0], args[1])
			}
			return l.list(cmd, g, documentsPath, []string{"DOCUMENT", "PARTNER", "STATUS", "SET", "ABOUT", "CONTROL", "UPDATED"}, func(d view.Doc) ([]any, error) {
				var doc document.Document
				err := json.Unmarshal(d.State, &doc)
				return []any{d.ID, d.Owner, d.Status, doc.Set, clip(strings.Join(doc.About, " "), 40), doc.Interchange, instant(d.Updated)}, err
			})
		},
	}
	l.flags(cmd, rest.Statuses(view.Document)...)
	return cmd
}

func showPartnerDocument(cmd *cobra.Command, g *global, partner, name string) error {
	return withHub(cmd, g, func(ctx context.Context, c *caller) error {
		var d view.Doc
		if err := c.do(ctx, http.MethodGet, documentsPath+"/"+url.PathEscape(partner)+"/"+url.PathEscape(name), nil, &d); err != nil {
			return err
		}
		if g.json {
			return writeJSON(cmd.OutOrStdout(), d)
		}
		var doc document.Document
		if err := json.Unmarshal(d.State, &doc); err != nil {
			return err
		}
		tellPartnerDocument(cmd, doc)
		return nil
	})
}

func tellPartnerDocument(cmd *cobra.Command, d document.Document) {
	w := cmd.OutOrStdout()
	fmt.Fprintf(w, "%s to %s is %s: %s, interchange %s", clean(d.Document), clean(d.Partner), d.Status(), clean(d.Set), clean(d.Interchange))
	if d.Group != "" {
		fmt.Fprintf(w, ", group %s", clean(d.Group))
	}
	fmt.Fprintf(w, ", about %s\n", clean(strings.Join(d.About, ", ")))
	if !d.SentAt.IsZero() {
		fmt.Fprintf(w, "  %s it left\n", instant(d.SentAt))
	}
	said := map[bool]string{true: "accepted", false: "rejected"}
	if a := d.Acknowledged; a != nil {
		fmt.Fprintf(w, "  %s %s by %s (%s) %s\n", instant(a.At), said[a.Accepted], clean(a.By), clean(a.Code), clean(a.Why))
	}
	if a := d.Advice; a != nil {
		fmt.Fprintf(w, "  %s %s by %s %s\n", instant(a.At), strings.ReplaceAll(a.Verdict, "_", " "), clean(a.By), clean(a.Number))
		for _, f := range a.Findings {
			fmt.Fprintf(w, "    %s %s segment %d element %s: %s\n", clean(f.Code), clean(f.Segment), f.Ordinal, clean(f.Element), clean(f.Text))
		}
	}
	if d.ReplacedBy != "" {
		fmt.Fprintf(w, "  %s was sent in its place\n", clean(d.ReplacedBy))
	}
}
