package main

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	data "github.com/paklog/hub/edi/grammar"
	"github.com/paklog/hub/edi/x12/grammar"
)

func newProfile() *cobra.Command {
	cmd := &cobra.Command{
		Use: "profile", Short: "What documents are checked by: the profiles, and which layer set each rule",
		Long: `Profiles are PakLog's own: they name what a warehouse uses, of X12 in releases 004010 and 005010, of EDIFACT in
directories D96A and D01B. No table of X12 is included. Overlays (YAML) stand on them: base, industry, partner. What a profile does not know is noted and
never refused, unless an overlay says closed: true.`,
		Example: `  paklog edi profile list
  paklog edi profile explain 940 --profile profiles/acme.yaml`,
	}
	cmd.AddCommand(newProfileList(), newProfileExplain(), newProfileGuide(), newProfileImport())
	return cmd
}

func newProfileList() *cobra.Command {
	var rules rulesFlags
	cmd := &cobra.Command{
		Use: "list", Short: "List the sets that there are profiles of", Args: cobra.NoArgs,
		Example: "  paklog edi profile list",
		RunE: func(cmd *cobra.Command, _ []string) error {
			lib, err := rules.library()
			if err != nil {
				return err
			}
			messages, err := rules.messages()
			if err != nil {
				return err
			}
			t := newTable(cmd.OutOrStdout(), "set", "release", "group", "overlays")
			for _, s := range append(lib.Sets(), messages.Sets()...) {
				var over []string
				for _, l := range s.Layers {
					over = append(over, l.Overlay)
				}
				t.row(s.ID, s.Release, s.Group, strings.Join(over, " "))
			}
			return t.flush()
		},
	}
	rules.add(cmd)
	return cmd
}

// oneSet finds one set.
func oneSet(cmd *cobra.Command, rules *rulesFlags, id, release string) (*data.Set, error) {
	var s *data.Set
	var exact bool
	if isMessageType(id) {
		lib, err := rules.messages()
		if err != nil {
			return nil, err
		}
		if !cmd.Flags().Changed("release") {
			release = "D96A"
		}
		s, exact = lib.Library.Find(id, release)
	} else {
		lib, err := rules.library()
		if err != nil {
			return nil, err
		}
		s, exact = lib.Find(id, release)
		exact = exact || !cmd.Flags().Changed("release") // a 999 is of 005010 alone
	}
	if s == nil || !exact {
		return nil, usagef(cmd, "no profile of set %q in release %q: paklog edi profile list has them all", id, release)
	}
	return s, nil
}

func newProfileExplain() *cobra.Command {
	var rules rulesFlags
	var release string
	cmd := &cobra.Command{
		Use: "explain SET [PLACE]", Short: "Show every rule of a set and which layer set it",
		Example: `  paklog edi profile explain 940
  paklog edi profile explain 940 W05-03 --profile profiles/acme.yaml`,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := oneSet(cmd, &rules, args[0], release)
			if err != nil {
				return err
			}
			place := ""
			if len(args) > 1 {
				place = args[1]
			}
			return s.Explain(cmd.OutOrStdout(), place)
		},
	}
	rules.add(cmd)
	cmd.Flags().StringVar(&release, "release", "004010", "release of the set; of an EDIFACT message its directory, D96A unless another is named")
	return cmd
}

func newProfileGuide() *cobra.Command {
	var rules rulesFlags
	var release string
	cmd := &cobra.Command{
		Use: "guide SET", Short: "Write the implementation guide of a set as one HTML page, the partner's rules marked",
		Example: `  paklog edi profile guide 940 --profile profiles/acme.yaml > acme-940.html`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := oneSet(cmd, &rules, args[0], release)
			if err != nil {
				return err
			}
			return s.Guide(cmd.OutOrStdout())
		},
	}
	rules.add(cmd)
	cmd.Flags().StringVar(&release, "release", "004010", "release of the set; of an EDIFACT message its directory, D96A unless another is named")
	return cmd
}

func newProfileImport() *cobra.Command {
	var release, set, group, dir string
	cmd := &cobra.Command{
		Use: "import FILE.sef|FILE.xsd", Short: "Make grammars of one's own tables in SEF, or of an XML schema",
		Long: `Make grammars of one's own tables: of the Standard Exchange Format (.sef), or of the XML schema of one set
(.xsd) as BizTalk and others keep it. What is not understood is left out and named. The folder is then read by
--grammars of the other verbs; its sets take the place of PakLog's of the same release.`,
		Example: `  paklog edi profile import 850.sef --release 004010 --dir grammars/
  paklog edi profile import X12_00401_850.xsd --set 850 --release 004010 --dir grammars/
  paklog edi validate --grammars grammars/ inbox/`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if dir == "" || release == "" {
				return usagef(cmd, "needs --dir and --release")
			}
			text, err := os.ReadFile(args[0])
			if err != nil {
				return err
			}
			groups := map[string]string{"": group}
			for _, s := range grammar.Builtin().Sets() {
				groups[s.ID] = s.Group
			}
			var got *data.Imported
			switch ext := strings.ToLower(filepath.Ext(args[0])); {
			case ext == ".sef":
				got, err = data.SEF(string(text), release, groups)
			case ext == ".xsd" && set == "":
				return usagef(cmd, "needs --set: which set the schema is of")
			case ext == ".xsd":
				if group == "" {
					group = groups[set]
				}
				got, err = data.XSD(string(text), set, release, group)
			default:
				return usagef(cmd, "%s is neither .sef nor .xsd", args[0])
			}
			if err != nil {
				return err
			}
			// What is written must be what can be read.
			l := data.NewLibrary()
			errs := []error{l.AddSegments(release, got.Segments)}
			for _, id := range slices.Sorted(maps.Keys(got.Sets)) {
				errs = append(errs, l.AddSet(got.Sets[id]))
			}
			if err := errors.Join(errs...); err != nil {
				return fmt.Errorf("%s makes no grammar: %w", args[0], err)
			}
			if err := os.MkdirAll(dir, 0o750); err != nil {
				return err
			}
			folder, err := os.OpenRoot(dir) // a set's name in a file must not lead out of it
			if err != nil {
				return err
			}
			defer folder.Close()
			errs = []error{folder.WriteFile(release+".segments", []byte(got.Segments), 0o600)}
			for id, text := range got.Sets {
				errs = append(errs, folder.WriteFile(id+".set", []byte(text), 0o600))
			}
			if err := errors.Join(errs...); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s: %d sets of release %s\n", dir, len(got.Sets), release)
			for _, left := range got.Left {
				fmt.Fprintf(cmd.ErrOrStderr(), "left out: %s\n", left)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&release, "release", "", "release of the tables: 004010")
	cmd.Flags().StringVar(&set, "set", "", "set that a schema is of")
	cmd.Flags().StringVar(&group, "group", "", "its functional group, where PakLog does not know it")
	cmd.Flags().StringVar(&dir, "dir", "", "folder that the grammars go to")
	return cmd
}
