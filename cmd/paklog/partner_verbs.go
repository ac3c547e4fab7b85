package main

import (
	"cmp"
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/paklog/hub/adapters/as2"
	"github.com/paklog/hub/adapters/blob"
	"github.com/paklog/hub/configs"
)

func newPartners(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use: "partner", Short: "List trading partners, check what is agreed with them, try their stations",
		Example: "  paklog partner list\n  paklog partner check ACME",
	}
	cmd.AddCommand(newPartnerList(g), newPartnerCheck(g), newPartnerTest(g), newPartnerAdd(g))
	return cmd
}

// partnerRow is a partner as list tells of him.
type partnerRow struct {
	Name    string    `json:"name"`
	ID      string    `json:"id"`
	By      string    `json:"by"` // folder, as2 or both
	AS2     string    `json:"as2,omitempty"`
	URL     string    `json:"url,omitempty"`
	Expires time.Time `json:"expires,omitzero"` // the certificate that is encrypted for
}

func newPartnerList(g *global) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the trading partners of the configuration, and how documents reach them",
		Example: "  paklog partner list\n  paklog partner list --json | jq '.[] | select(.by == \"as2\")'",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, _, err := load(g.config)
			if err != nil {
				return err
			}
			station, err := cfg.station()
			if err != nil {
				return err
			}
			rows := []partnerRow{}
			for _, name := range slices.Sorted(maps.Keys(cfg.EDI.Partners)) {
				p := cfg.EDI.Partners[name]
				row := partnerRow{Name: name, ID: p.ID, By: "folder", AS2: p.AS2.ID, URL: p.AS2.URL}
				switch {
				case p.AS2.ID != "" && p.AS2.URL != "":
					row.By = "as2"
				case p.AS2.ID != "":
					row.By = "as2 in, folder out"
				case p.SFTP.Addr != "":
					row.By, row.URL = "sftp", p.SFTP.Addr
				case p.FTPS.Addr != "":
					row.By, row.URL = "ftps", p.FTPS.Addr
				default:
					if _, in := p.Login.account(); in {
						row.By = "our sftp server"
					}
				}
				if c, ok := station.Partners[name].EncryptsFor(time.Now()); ok {
					row.Expires = c.NotAfter
				}
				rows = append(rows, row)
			}
			if g.json {
				return writeJSON(cmd.OutOrStdout(), rows)
			}
			t := newTable(cmd.OutOrStdout(), "PARTNER", "ID", "BY", "AS2 NAME", "STATION", "CERTIFICATE ENDS")
			for _, r := range rows {
				t.row(r.Name, r.ID, r.By, r.AS2, r.URL, instant(r.Expires))
			}
			return t.flush()
		},
	}
}

// partnerComplaint is a complaint with the partner it is about.
type partnerComplaint struct {
	Partner string `json:"partner"`
	as2.Complaint
}

func newPartnerCheck(g *global) *cobra.Command {
	return &cobra.Command{
		Use: "check [PARTNER]", Short: "Say in words what does not fit: certificates, algorithms, what is agreed, a shop's or ERP's set-up",
		Long: `Say in words what does not fit in what is agreed with partners who speak AS2 or exchange files over SFTP and FTP:
certificates and OpenPGP keys that have expired or soon will, that are for another use or too weak, algorithms that do
not go with a key, and what makes an exchange unsafe. Nobody is asked and nothing is sent; paklog partner test does that. The fingerprints are what both sides
compare over the telephone. Ends with 3 when messages fail by it.

A shop is asked: whether it lets the app in, what the app may do there, whose clock is off, which of its places and
webhooks are set up. Nothing is changed there. So is an ERP: whether it lets the user in, and would take a goods issue.`,
		Example: "  paklog partner check\n  paklog partner check ACME --json\n  paklog partner check main        a shop",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				for _, check := range []func(*cobra.Command, *global, string) (bool, error){checkShop, checkERP} {
					if known, err := check(cmd, g, args[0]); known || err != nil {
						return err
					}
				}
			}
			cfg, _, err := load(g.config)
			if err != nil {
				return err
			}
			station, names, err := stationOf(cfg, args)
			files := cfg.filesWith()
			if len(args) == 1 {
				files = slices.DeleteFunc(files, func(name string) bool { return name != args[0] })
			}
			if err != nil && len(files) == 0 {
				return err
			}
			keys, err := cfg.pgpKeys()
			if err != nil {
				return err
			}
			found := []partnerComplaint{}
			for _, name := range names {
				for _, c := range station.Partners[name].Check(station.Own, time.Now()) {
					found = append(found, partnerComplaint{name, c})
				}
			}
			inFiles := []partnerComplaint{}
			for _, name := range files {
				inFiles = append(inFiles, cfg.checkFiles(name, keys)...)
			}
			all := slices.Concat(found, inFiles)
			stops := slices.ContainsFunc(all, func(c partnerComplaint) bool { return c.Stops })
			if g.json {
				err = writeJSON(cmd.OutOrStdout(), all)
			} else {
				w := cmd.OutOrStdout()
				if len(names) > 0 {
					err = tellChecked(w, station, names, found)
				}
				for _, name := range files {
					cfg.tellFiles(w, name, keys)
					tellComplaints(w, name, inFiles)
				}
			}
			if err == nil && stops {
				return exitFindings
			}
			return err
		},
	}
}

func tellChecked(w io.Writer, station as2.Config, names []string, found []partnerComplaint) error {
	for i, c := range station.Own {
		fmt.Fprintf(w, "ours[%d] %s, until %s, SHA-256 %s\n", i, clean(c.Subject.String()), instant(c.NotAfter), as2.Fingerprint(c.Certificate))
	}
	for _, name := range names {
		p := station.Partners[name]
		fmt.Fprintf(w, "%s is %s, and knows us as %s\n", clean(name), clean(p.ID), clean(p.OurID))
		for i, c := range p.Certificates {
			fmt.Fprintf(w, "  certificates[%d] %s, until %s, SHA-256 %s\n", i, clean(c.Subject.String()), instant(c.NotAfter), as2.Fingerprint(c.Certificate))
		}
		if tellComplaints(w, name, found) {
			fmt.Fprintln(w, "  nothing stops messages: paklog partner test "+clean(name)+" sends one")
		}
	}
	return nil
}

// tellComplaints shows those about a partner, and reports whether nothing fails by them.
func tellComplaints(w io.Writer, name string, found []partnerComplaint) bool {
	good := true
	for _, c := range found {
		if c.Partner != name {
			continue
		}
		mark := "  note  "
		if c.Stops {
			mark = "  fails "
		}
		good = good && !c.Stops
		fmt.Fprintf(w, "%s%s: %s\n", mark, c.Place, clean(c.Text))
	}
	return good
}

// stationOf is the station of the configuration, and the partners that are asked about.
func stationOf(cfg *Config, args []string) (as2.Config, []string, error) {
	station, err := cfg.station()
	if err != nil {
		return station, nil, err
	}
	names := slices.Sorted(maps.Keys(station.Partners))
	if len(args) == 0 {
		if len(names) == 0 {
			return station, nil, errors.New("no partner speaks AS2: paklog partner add shows what one needs")
		}
		return station, names, nil
	}
	if _, ok := cfg.EDI.Partners[args[0]]; !ok {
		return station, nil, fmt.Errorf("no partner is named %q: paklog partner list shows who is there", args[0])
	}
	if _, ok := station.Partners[args[0]]; !ok {
		return station, nil, fmt.Errorf("%s does not speak AS2: edi.partners.%[1]s.as2.id is not set", args[0])
	}
	return station, args[:1], nil
}

func newPartnerTest(g *global) *cobra.Command {
	return &cobra.Command{
		Use: "test PARTNER", Short: "Send a partner's station a line of text, and say what its receipt proves; try his SFTP or FTP server",
		Long: `Send a partner's station one line of text, signed, encrypted and compressed as agreed, and say what its receipt
proves. The receipt is asked for in the answer, whatever is agreed. He sees the message as one of ours: tell him before.
No hub is needed, and a running one is not disturbed. Ends with 1 when the message is not taken.

A partner with an SFTP or FTP server: logs in, looks into his folder, and puts a hidden file into the one that ours go
to, renames it and takes it away again.`,
		Example: "  paklog partner test ACME",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			all, _, err := load(g.config)
			if err != nil {
				return err
			}
			cfg, _, noStation := stationOf(all, args)
			if p := all.EDI.Partners[args[0]]; p.SFTP.Addr != "" || p.FTPS.Addr != "" {
				tried, err := tryFiles(cmd.Context(), args[0], p)
				switch {
				case err != nil:
					return fmt.Errorf("%s's server is no use as it is: %w", args[0], err)
				case g.json && noStation != nil:
					return writeJSON(cmd.OutOrStdout(), tried)
				case !g.json:
					tellTried(cmd.OutOrStdout(), args[0], tried)
				}
				if p.AS2.ID == "" {
					return nil
				}
			}
			if noStation != nil {
				return noStation
			}
			proof, err := tryStation(cmd.Context(), cfg, args[0])
			if err != nil {
				return fmt.Errorf("%s has not taken it: %w", args[0], err)
			}
			if g.json {
				return writeJSON(cmd.OutOrStdout(), proof)
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s has it: %s %s\n", clean(args[0]), cmp.Or(proof.Outcome, "no receipt was asked for"), clean(proof.Reason))
			return nil
		},
	}
}

func tryStation(ctx context.Context, cfg as2.Config, partner string) (p as2.Tried, err error) {
	dir, err := os.MkdirTemp("", "paklog-as2-")
	if err != nil {
		return p, err
	}
	defer os.RemoveAll(dir)
	store, err := blob.Open(blob.Config{Dir: filepath.Join(dir, payloads)})
	if err != nil {
		return p, err
	}
	s, err := as2.New(cfg, nil, stationStore{store})
	if err != nil {
		return p, err
	}
	defer s.Close()
	return s.Try(ctx, partner)
}

func newPartnerAdd(g *global) *cobra.Command {
	var id, name, url, cert string
	cmd := &cobra.Command{
		Use: "add PARTNER", Short: "Show what to write into the configuration for a partner who speaks AS2, and what to tell him",
		Long: `Show what to write into the configuration for a new partner who speaks AS2, after a look at what he gave, and what to
tell him of ours. What is needed of him: the id of his interchanges (ISA06), his AS2 name, the URL of his station,
and his certificate (PEM, without a key). Nothing is changed: the configuration is yours.`,
		Example: `  paklog partner add ACME --id ACME01 --as2-id ACME-AS2 --url https://as2.acme.example/receive --cert acme.crt`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, _, err := load(g.config)
			if err != nil {
				return err
			}
			if _, there := cfg.EDI.Partners[args[0]]; there {
				return fmt.Errorf("there is a partner %s already: paklog partner check %[1]s", args[0])
			}
			if err := goodName("PARTNER", args[0]); err != nil {
				return err
			}
			text, err := os.ReadFile(cert)
			if err != nil {
				return fmt.Errorf("--cert: %w", err)
			}
			theirs := TheirCertificateConfig{Certificate: configs.NewSecret(string(text))}
			theirs.SetDefaults()
			p := PartnerConfig{}
			p.SetDefaults()
			p.ID, p.AS2.ID, p.AS2.URL, p.AS2.Certificates = cmp.Or(id, args[0]), cmp.Or(name, args[0]), url, []TheirCertificateConfig{theirs}
			if err := errors.Join(p.Validate(), theirs.Validate(), p.AS2.Validate()); err != nil {
				return err
			}
			cfg.EDI.Partners = map[string]PartnerConfig{args[0]: p}
			station, err := cfg.station()
			if err != nil {
				return err
			}
			w := cmd.OutOrStdout()
			var found []partnerComplaint
			for _, c := range station.Partners[args[0]].Check(station.Own, time.Now()) {
				found = append(found, partnerComplaint{args[0], c})
			}
			if err := tellChecked(w, station, []string{args[0]}, found); err != nil {
				return err
			}
			fmt.Fprintf(w, "\nwrite under edi.partners:\n    %s:\n      id: %q\n      as2:\n        id: %q\n", args[0], p.ID, p.AS2.ID)
			if url != "" {
				fmt.Fprintf(w, "        url: %q\n", url)
			}
			fmt.Fprintf(w, "        certificates:\n          - certificate_file: %q\n", cert)
			fmt.Fprintf(w, "\ntell him:\n  our AS2 name  %s\n  our station   %s\n", cmp.Or(cfg.AS2.ID, "(set as2.id)"), cmp.Or(cfg.AS2.URL, "(set as2.listen and as2.url)"))
			if c, ok := as2.SignsWith(station.Own, time.Now()); ok {
				fmt.Fprintf(w, "  our certificate:\n%s", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
			} else {
				fmt.Fprintln(w, "  our certificate: there is none yet; configs/paklog.yaml says above as2.certificates how to make one")
			}
			fmt.Fprintf(w, "\nthen: paklog config check; paklog partner check %s; restart the hub; paklog partner test %[1]s\n", args[0])
			return nil
		},
	}
	cmd.Flags().StringVar(&id, "id", "", "id of his interchanges (ISA06); the partner's name without it")
	cmd.Flags().StringVar(&name, "as2-id", "", "his AS2 name; the partner's name without it")
	cmd.Flags().StringVar(&url, "url", "", "where his station listens")
	cmd.Flags().StringVar(&cert, "cert", "", "file with his certificate, PEM")
	_ = cmd.MarkFlagRequired("cert") // the flag is there
	return cmd
}
