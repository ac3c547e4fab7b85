package main

import (
	"cmp"
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/paklog/hub/adapters/as2"
	"github.com/paklog/hub/adapters/blob"
	"github.com/paklog/hub/adapters/edifolder"
	"github.com/paklog/hub/configs"
)

func newPartners(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use: "partner", Short: "List trading partners, check what is agreed with them, try their stations",
		Example: "  paklog partner list\n  paklog partner check ACME",
	}
	cmd.AddCommand(newPartnerList(g), newPartnerCheck(g), newPartnerTest(g), newPartnerAdd(g), newPartnerCerts(g))
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
	// Left is what stays in his inbox and is not taken.
	Left []edifolder.Left `json:"left,omitempty"`
}

// left says how much stays in an inbox, and since when.
func (r partnerRow) left() string {
	if len(r.Left) == 0 {
		return ""
	}
	oldest := slices.MinFunc(r.Left, func(a, b edifolder.Left) int { return a.Since.Compare(b.Since) })
	return fmt.Sprintf("%d, %s since %s", len(r.Left), oldest.Name, instant(oldest.Since))
}

func newPartnerList(g *global) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the trading partners of the configuration, and how documents reach them",
		Long: `List the trading partners of the configuration, how documents reach them, and what stays in their inboxes: folders,
and files that for ten minutes are named as one that is being written (hidden, .tmp, .part, .filepart). The hub
takes neither. A file that is empty or has no IEA or UNZ at its end waits for its rest (edi.patience), and is
then taken as it is, which makes a letter. The hub's log says all of it, once.`,
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
				if left, err := edifolder.LeftIn(cfg.partnersRoot(), name, time.Now()); err == nil { // else no hub made it yet
					row.Left = left
				}
				if c, ok := station.Partners[name].EncryptsFor(time.Now()); ok {
					row.Expires = c.NotAfter
				}
				rows = append(rows, row)
			}
			if g.json {
				return writeJSON(cmd.OutOrStdout(), rows)
			}
			t := newTable(cmd.OutOrStdout(), "PARTNER", "ID", "BY", "AS2 NAME", "STATION", "CERTIFICATE ENDS", "LEFT IN INBOX")
			for _, r := range rows {
				t.row(r.Name, r.ID, r.By, r.AS2, r.URL, instant(r.Expires), r.left())
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
not go with a key, and what makes an exchange unsafe; files of certificates whose order or issuers do not fit; doors
that are chained (hands_on) and lead nowhere. Nobody is asked and nothing is sent; paklog partner test does that. The fingerprints are what both sides
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
				folders := cfg.folderPartners(args)
				if len(folders) == 0 {
					return err
				}
				return onlyFolders(cmd, g, cfg, station, folders)
			}
			keys, err := cfg.pgpKeys()
			if err != nil {
				return err
			}
			found, now := []partnerComplaint{}, time.Now()
			for _, name := range names {
				for _, c := range cfg.checkAS2(name, station.Partners[name], station.Own, now) {
					found = append(found, partnerComplaint{name, c})
				}
				found = append(found, cfg.checkHandOn(name, station, now)...)
			}
			inFiles := []partnerComplaint{}
			for _, name := range files {
				inFiles = append(inFiles, cfg.checkFiles(name, keys)...)
				if !slices.Contains(names, name) {
					inFiles = append(inFiles, cfg.checkHandOn(name, station, now)...)
				}
			}
			var chained []string // by folders alone
			if len(args) == 0 {
				chained = slices.DeleteFunc(cfg.folderPartners(nil), func(name string) bool {
					return cfg.EDI.Partners[name].HandsOn.To == "" || slices.Contains(names, name) || slices.Contains(files, name)
				})
			}
			inFolders := cfg.checkFolderPartners(chained, station, now)
			all := slices.Concat(found, inFiles, inFolders)
			stops := slices.ContainsFunc(all, func(c partnerComplaint) bool { return c.Stops })
			if g.json {
				err = writeJSON(cmd.OutOrStdout(), all)
			} else {
				w := cmd.OutOrStdout()
				if len(names) > 0 {
					err = cfg.tellChecked(w, station, names, found)
				}
				for _, name := range files {
					cfg.tellFiles(w, name, keys)
					if !slices.Contains(names, name) {
						cfg.tellHandOn(w, name)
					}
					tellComplaints(w, name, inFiles)
				}
				cfg.tellFolders(w, chained, inFolders)
			}
			if err == nil && stops {
				return exitFindings
			}
			return err
		},
	}
}

// folderPartners are the partners that are asked about, where nothing but a folder is between us and them.
func (c *Config) folderPartners(args []string) []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(c.EDI.Partners)) {
		if len(args) == 0 || args[0] == name {
			out = append(out, name)
		}
	}
	return out
}

// checkFolders says whether the folders of partners are there and can be written, and what lies in them for long.
func (c *Config) checkFolders(names []string) []partnerComplaint {
	found := []partnerComplaint{}
	for _, name := range names {
		for _, folder := range []string{"inbox", "outbox"} {
			dir := filepath.Join(c.partnersRoot(), name, folder)
			// W_OK and X_OK of access(2): to take a file out of a folder is to write it.
			if err := syscall.Access(dir, 0x2|0x1); errors.Is(err, fs.ErrNotExist) {
				found = append(found, partnerComplaint{name, as2.Complaint{Place: folder, Text: dir + " is not there yet: the hub makes it when it starts"}})
			} else if err != nil {
				found = append(found, partnerComplaint{name, as2.Complaint{Place: folder, Stops: true, Text: dir + " cannot be written by this user: " + err.Error()}})
			}
		}
		left, err := edifolder.LeftIn(c.partnersRoot(), name, time.Now())
		if err != nil {
			continue // told above
		}
		for _, l := range left {
			found = append(found, partnerComplaint{name, as2.Complaint{Place: "inbox/" + l.Name, Text: l.Why + "; it lies there since " + instant(l.Since)}})
		}
	}
	return found
}

// checkFolderPartners says what does not fit with partners whose files lie in folders here.
func (c *Config) checkFolderPartners(names []string, station as2.Config, now time.Time) []partnerComplaint {
	found := c.checkFolders(names)
	for _, name := range names {
		found = append(found, c.checkHandOn(name, station, now)...)
	}
	return found
}

// tellFolders shows whether the folders of partners are there and can be written.
func (c *Config) tellFolders(w io.Writer, names []string, found []partnerComplaint) {
	for _, name := range names {
		fmt.Fprintf(w, "%s exchanges files through %s\n", clean(name), filepath.Join(c.partnersRoot(), name))
		c.tellHandOn(w, name)
		if tellComplaints(w, name, found) {
			fmt.Fprintln(w, "  nothing stops files")
		}
	}
}

// onlyFolders is the check of partners where nothing but folders is between us and them.
func onlyFolders(cmd *cobra.Command, g *global, cfg *Config, station as2.Config, names []string) (err error) {
	found := cfg.checkFolderPartners(names, station, time.Now())
	if g.json {
		err = writeJSON(cmd.OutOrStdout(), found)
	} else {
		cfg.tellFolders(cmd.OutOrStdout(), names, found)
	}
	if err == nil && slices.ContainsFunc(found, func(c partnerComplaint) bool { return c.Stops }) {
		return exitFindings
	}
	return err
}

func (c *Config) tellChecked(w io.Writer, station as2.Config, names []string, found []partnerComplaint) error {
	for i, x := range station.Own {
		fmt.Fprintf(w, "ours[%d] %s, until %s, SHA-256 %s\n", i, clean(x.Subject.String()), instant(x.NotAfter), as2.Fingerprint(x.Certificate))
	}
	for _, name := range names {
		p := station.Partners[name]
		fmt.Fprintf(w, "%s is %s, and knows us as %s\n", clean(name), clean(p.ID), clean(p.OurID))
		for i, x := range p.Certificates {
			fmt.Fprintf(w, "  certificates[%d] %s, until %s, SHA-256 %s\n", i, clean(x.Subject.String()), instant(x.NotAfter), as2.Fingerprint(x.Certificate))
		}
		c.tellHandOn(w, name)
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
	s, err := as2.New(cfg, nil, fileStore{store})
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
			for _, c := range cfg.checkAS2(args[0], station.Partners[args[0]], station.Own, time.Now()) {
				found = append(found, partnerComplaint{args[0], c})
			}
			if err := cfg.tellChecked(w, station, []string{args[0]}, found); err != nil {
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
