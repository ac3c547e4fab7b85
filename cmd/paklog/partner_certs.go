package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/paklog/hub/adapters/rest"
	"github.com/paklog/hub/core/trust"
)

func newPartnerCerts(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use: "certs PARTNER", Short: "Show certificates exchanged with an AS2 partner (CEM); accept or reject his, offer ours",
		Long: `Show the certificates that an AS2 partner asks us to trust, and those of ours that he was asked to trust
(certificate exchange, CEM). His are used beside those of the configuration once they are accepted: both verify,
the latest is encrypted for. He is answered once there is a verdict on each certificate of his request. Compare
fingerprints with him before, by another way than AS2; certificate_exchange: auto in his profile does without.

A certificate of ours that he was asked to trust signs for him once he has accepted it, and not while he has not:
give it a from that is far away, and it signs where it is accepted alone. TLS certificates are trusted by ca and door.ca.`,
		Example: `  paklog partner certs ACME
  paklog partner certs accept ACME 3f9a01c2
  paklog partner certs reject ACME 3f9a01c2 --reason "not the one you read to us"
  paklog partner certs offer ACME 77b1e0aa --within 168h`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withHub(cmd, g, func(ctx context.Context, c *caller) error {
				var raw json.RawMessage
				if err := c.do(ctx, http.MethodGet, certsPath(args[0]), nil, &raw); err != nil {
					return err
				}
				return tellAnswer(cmd, g, raw, func(x trust.Exchange) { tellCerts(cmd.OutOrStdout(), args[0], x, time.Now()) })
			})
		},
	}
	cmd.AddCommand(newCertsAccept(g), newCertsReject(g), newCertsOffer(g))
	return cmd
}

func certsPath(partner string) string {
	return "/v1/partners/" + url.PathEscape(partner) + "/certificates"
}

func tellCerts(w io.Writer, partner string, x trust.Exchange, now time.Time) {
	if len(x.Theirs)+len(x.Ours) == 0 {
		fmt.Fprintf(w, "no certificates were exchanged with %s\n", clean(partner))
		return
	}
	for _, side := range []struct {
		whose string
		all   []trust.Entry
	}{{"his", x.Theirs}, {"ours", x.Ours}} {
		for _, e := range side.all {
			fmt.Fprintf(w, "%s  %s  %s%s%s\n", side.whose, e.Status, clean(e.Subject), besides(", by ", clean(e.By)), besides(": ", clean(e.Reason)))
			fmt.Fprintf(w, "  SHA-256 %s\n  valid %s to %s, for %s\n", e.ID, instant(e.NotBefore), instant(e.NotAfter), clean(strings.Join(e.Usages, ", ")))
			if e.Status == trust.StatusPending && !e.RespondBy.IsZero() {
				overdue := ""
				if now.After(e.RespondBy) {
					overdue = ": it is overdue"
				}
				fmt.Fprintf(w, "  to be answered by %s%s\n", instant(e.RespondBy), overdue)
			}
			if e.Wrong != "" && e.Status == trust.StatusPending {
				fmt.Fprintf(w, "  cannot be accepted: %s\n", clean(e.Wrong))
			}
		}
	}
}

func newCertsAccept(g *global) *cobra.Command {
	return &cobra.Command{
		Use: "accept PARTNER FINGERPRINT", Short: "Trust a certificate that a partner offers; eight characters of the fingerprint are enough",
		Example: "  paklog partner certs accept ACME 3f9a01c2",
		Args:    cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return ask(cmd, g, certsPath(args[0])+"/"+url.PathEscape(args[1])+"/accept", nil, func(x trust.Exchange) {
				tellCerts(cmd.OutOrStdout(), args[0], x, time.Now())
			})
		},
	}
}

func newCertsReject(g *global) *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use: "reject PARTNER FINGERPRINT", Short: "Do not trust a certificate that a partner offers, or not any more",
		Example: `  paklog partner certs reject ACME 3f9a01c2 --reason "not the one you read to us"`,
		Args:    cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return ask(cmd, g, certsPath(args[0])+"/"+url.PathEscape(args[1])+"/reject", rest.RefusalBody{Reason: reason}, func(x trust.Exchange) {
				tellCerts(cmd.OutOrStdout(), args[0], x, time.Now())
			})
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why, which he is told")
	_ = cmd.MarkFlagRequired("reason") // the flag is there
	return cmd
}

func newCertsOffer(g *global) *cobra.Command {
	var usages []string
	var within time.Duration
	cmd := &cobra.Command{
		Use: "offer PARTNER FINGERPRINT...", Short: "Ask a partner to trust certificates of ours, of as2.certificates",
		Example: "  paklog partner certs offer ACME 77b1e0aa --within 168h",
		Args:    cobra.MinimumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			b := rest.ProposeBody{Certificates: args[1:], Usages: usages}
			if within > 0 {
				b.RespondBy = time.Now().Add(within).UTC().Truncate(time.Second)
			}
			return ask(cmd, g, certsPath(args[0]), b, func(x trust.Exchange) { tellCerts(cmd.OutOrStdout(), args[0], x, time.Now()) })
		},
	}
	cmd.Flags().StringSliceVar(&usages, "usage", nil, "digitalSignature, keyEncipherment; those that each is set up for")
	cmd.Flags().DurationVar(&within, "within", 7*24*time.Hour, "until when he is to answer; 0 is any time")
	return cmd
}
