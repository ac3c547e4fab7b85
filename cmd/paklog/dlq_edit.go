package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/paklog/hub/adapters/rest"
	"github.com/paklog/hub/dlq"
)

func editURL(letter string) string { return "/v1/letters/" + url.PathEscape(letter) + "/edit" }

func newDLQEdit(g *global) *cobra.Command {
	var file, reason string
	cmd := &cobra.Command{
		Use: "edit LETTER", Short: "Show a letter's message as a text, check a changed one, or propose it in its place",
		Long: `Without --file the message's text is printed: JSON, or EDI with each segment on a line. With
--file (- is the standard input) it is told what that text would change, and what is wrong with it
by the schema or the partner's profile; with --reason it is proposed besides. It goes once somebody else has
approved of it: paklog dlq edits. What the message already did outside is not done again.`,
		Example: `  paklog dlq edit Lk3u5x2y7abcd > mended.edi
  paklog dlq edit Lk3u5x2y7abcd --file mended.edi
  paklog dlq edit Lk3u5x2y7abcd --file mended.edi --reason "quantity as the partner said by phone"`,
		Args: cobra.ExactArgs(1), ValidArgsFunction: fromHub(g, letterIDs),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := letterNamed(cmd, args); err != nil {
				return err
			}
			if reason != "" && file == "" {
				return usagef(cmd, "--reason is that of a text: name it by --file")
			}
			return withHub(cmd, g, func(ctx context.Context, c *caller) error {
				id, opening := dlq.ParseName(args[0])
				var d dlq.Draft
				if file == "" {
					if err := c.do(ctx, http.MethodGet, editURL(id), nil, &d); err != nil {
						return letterError(err)
					}
					if g.json {
						return writeJSON(cmd.OutOrStdout(), d)
					}
					_, err := io.WriteString(cmd.OutOrStdout(), cleanLines(d.Text))
					return err
				}
				text, err := textOf(cmd, file)
				if err != nil {
					return err
				}
				if reason == "" {
					if err := c.do(ctx, http.MethodPost, editURL(id)+"/check", rest.EditText{Text: text}, &d); err != nil {
						return letterError(err)
					}
					return tellDraft(cmd, g, d)
				}
				seen, err := look(ctx, c, dlq.Entry{Letter: dlq.Letter{ID: id, Opening: opening}})
				if err != nil {
					return err
				}
				var e dlq.Edit
				fields := map[string]string{"If-Match": strconv.Quote(strconv.Itoa(seen.Opening))}
				if _, err := c.send(ctx, http.MethodPost, editURL(id), fields, rest.EditBody{Text: text, Reason: reason}, &e); err != nil {
					return letterError(err)
				}
				return tellEdit(cmd, g, e)
			})
		},
	}
	cmd.Flags().StringVar(&file, "file", "", "the changed text; - is the standard input")
	cmd.Flags().StringVar(&reason, "reason", "", "propose it, for this reason")
	return cmd
}

// textOf is a text from a file, at most as long as one may be.
func textOf(cmd *cobra.Command, file string) (string, error) {
	in := cmd.InOrStdin()
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return "", err
		}
		defer f.Close()
		in = f
	}
	b, err := io.ReadAll(io.LimitReader(in, dlq.LongestText+1))
	if err == nil && len(b) > dlq.LongestText {
		err = fmt.Errorf("%s has more than %d bytes, which is not edited here", file, dlq.LongestText)
	}
	return string(b), err
}

func tellDraft(cmd *cobra.Command, g *global, d dlq.Draft) error {
	w := cmd.OutOrStdout()
	if g.json {
		if err := writeJSON(w, d); err != nil {
			return err
		}
	} else {
		if len(d.Changes) == 0 {
			fmt.Fprintln(w, "nothing is changed")
		}
		for _, c := range d.Changes {
			fmt.Fprintf(w, "%s\n  - %s\n  + %s\n", clean(c.Field), clean(c.Old), clean(c.New))
		}
		for _, p := range d.Problems {
			fmt.Fprintf(cmd.ErrOrStderr(), "%s %s\n", clean(p.Place), clean(p.Message))
		}
	}
	if len(d.Problems) > 0 {
		return exitFailure
	}
	return nil
}

func tellEdit(cmd *cobra.Command, g *global, e dlq.Edit) error {
	if g.json {
		return writeJSON(cmd.OutOrStdout(), e)
	}
	w := cmd.OutOrStdout()
	fmt.Fprintf(w, "%s: %s, %s by %s: %s\n", clean(e.Letter), clean(strings.Join(e.Fields, ", ")), e.State, clean(e.Author), clean(e.Reason))
	switch e.State {
	case dlq.EditWaiting:
		fmt.Fprintf(w, "it waits for a second person: paklog dlq edits approve %s %s\n", clean(e.Letter), e.Message)
	case dlq.EditApproved:
		fmt.Fprintln(w, "it goes in the place of the message that failed")
	case dlq.EditWithdrawn: // nothing follows
	}
	return nil
}

func newDLQEdits(g *global) *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use: "edits", Short: "List edited messages that wait for a second person, approve of one or withdraw it",
		Example: `  paklog dlq edits
  paklog dlq edits approve Lk3u5x2y7abcd 0197b2f0-5a51-7c3e-9d5b-0123456789ab
  paklog dlq edits withdraw Lk3u5x2y7abcd 0197b2f0-5a51-7c3e-9d5b-0123456789ab --reason "it was right"`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withHub(cmd, g, func(ctx context.Context, c *caller) error {
				var got rest.Edits
				if err := c.do(ctx, http.MethodGet, "/v1/letter-edits", nil, &got); err != nil {
					return err
				}
				if g.json {
					return writeJSON(cmd.OutOrStdout(), got.Items)
				}
				if len(got.Items) == 0 {
					fmt.Fprintln(cmd.OutOrStdout(), "no edits wait for you")
					return nil
				}
				t := newTable(cmd.OutOrStdout(), "LETTER", "MESSAGE", "BY", "AT", "FIELDS", "REASON")
				for _, e := range got.Items {
					t.row(e.Letter, e.Message.String(), e.Author, instant(e.At), clip(strings.Join(e.Fields, ", "), 60), clip(e.Reason, 60))
				}
				return t.flush()
			})
		},
	}
	act := func(verb, short string) *cobra.Command {
		return &cobra.Command{
			Use: verb + " LETTER MESSAGE", Short: short, Example: "  paklog dlq edits " + verb + " Lk3u5x2y7abcd 0197b2f0-5a51-7c3e-9d5b-0123456789ab", Args: cobra.ExactArgs(2),
			RunE: func(cmd *cobra.Command, args []string) error {
				if err := letterNamed(cmd, args); err != nil {
					return err
				}
				return withHub(cmd, g, func(ctx context.Context, c *caller) error {
					id, _ := dlq.ParseName(args[0])
					var e dlq.Edit
					if err := c.do(ctx, http.MethodPost, editURL(id)+"/"+verb, rest.EditDecision{Message: args[1], Reason: reason}, &e); err != nil {
						return editError(err)
					}
					return tellEdit(cmd, g, e)
				})
			},
		}
	}
	withdraw := act("withdraw", "Take it back, or do not approve of it")
	withdraw.Flags().StringVar(&reason, "reason", "", "why")
	cmd.AddCommand(act("approve", "Let it go in the place of the message that failed; its author cannot"), withdraw)
	return cmd
}

// editError adds what tells people apart where one person was asked to be two.
func editError(err error) error {
	var p *problem
	if errors.As(err, &p) && p.Status == http.StatusForbidden {
		return fmt.Errorf("%w: whoever works on the hub's machine is one person", err)
	}
	return letterError(err)
}
