package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/dlq"
)

// resendOrder is what the verb asks of the hub.
type resendOrder struct {
	Partner   string `json:"partner"`
	Document  string `json:"document"`
	Corrected []byte `json:"corrected,omitempty"`
}

// resent is the answer: the document that was made, and the letters about the one before that were
// let go.
type resent struct {
	door.Resent
	Letters []string `json:"letters"`
}

func newEDIResend(g *global) *cobra.Command {
	var with string
	cmd := &cobra.Command{
		Use: "resend PARTNER DOCUMENT", Short: "Send a document that left anew, as it was or corrected, under new control numbers",
		Long: `Send a document that left for a partner anew, under new control numbers: one that he rejected by a 997 or
CONTRL, by an 824 or APERAK, or that he does not find. The document is named as it left, as letters and document.Sent name it; the name of
an interchange that has several means all of them that were not sent anew. The one
before stays in the journal, and its acknowledgement is waited for no more; open letters about it are let go. Asked
again for the same document, it answers with the one that was made.

--with takes the whole interchange as it should have been: its control numbers are those of the old one and do not
count. It is checked by the rules of the partner first.`,
		Example: `  paklog edi resend ACME 945-000000007-1f2e3d4c.edi
  paklog edi resend ACME 945-000000007-1f2e3d4c.edi --with corrected.edi`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			in := resendOrder{Partner: args[0], Document: args[1]}
			if with != "" {
				var err error
				if in.Corrected, err = os.ReadFile(with); err != nil {
					return err
				}
				if len(in.Corrected) == 0 {
					return fmt.Errorf("%s is empty", with)
				}
			}
			return withHub(cmd, g, func(ctx context.Context, c *caller) error {
				var out resent
				if err := c.do(ctx, http.MethodPost, "/control/edi/resend", in, &out); err != nil {
					return err
				}
				if g.json {
					return writeJSON(cmd.OutOrStdout(), out)
				}
				how := "goes anew as"
				if out.Repeat {
					how = "went anew already, as"
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%s %s %s\n", clean(in.Document), how, clean(out.Document))
				for _, l := range out.Letters {
					fmt.Fprintf(cmd.OutOrStdout(), "letter %s is let go\n", clean(l))
				}
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&with, "with", "", "file with the interchange as it should have been")
	return cmd
}

// resending answers the verb.
func (a *app) resending(w http.ResponseWriter, r *http.Request) {
	var in resendOrder
	if !decodeControl(w, r, &in) {
		return
	}
	actor := "operator@" + hostname()
	v, err := a.hub.Call(r.Context(), door.Outbox, door.Resend{Partner: in.Partner, Document: in.Document, Corrected: in.Corrected, Actor: actor})
	if err != nil {
		status := http.StatusServiceUnavailable
		if k := fault.KindOf(err); k == fault.Invalid || k == fault.Rejected {
			status = http.StatusUnprocessableEntity
		}
		controlError(w, status, err)
		return
	}
	out := resent{Resent: v.(door.Resent), Letters: []string{}}
	for _, route := range []string{"x12.ack-watch", "edifact.ack-watch", "edi.advised"} {
		letters, err := a.hub.Desk().List(r.Context(), dlq.Filter{State: "open", Route: route, Limit: 100_000})
		if err != nil {
			controlError(w, http.StatusServiceUnavailable, err)
			return
		}
		for _, l := range letters {
			if (l.Place == in.Document || slices.Contains(out.Replaced, l.Place)) && a.hub.Desk().Replay(r.Context(), l.ID, l.Opening, actor) == nil { // else somebody was faster
				out.Letters = append(out.Letters, l.Name())
			}
		}
	}
	writeControl(w, out)
}
