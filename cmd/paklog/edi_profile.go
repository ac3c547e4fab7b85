package main

import (
	"strings"

	"github.com/spf13/cobra"

	data "github.com/paklog/hub/edi/grammar"
)

func newProfile() *cobra.Command {
	cmd := &cobra.Command{
		Use: "profile", Short: "What documents are checked by: the profiles, and which layer set each rule",
		Long: `Profiles are PakLog's own: they name what a warehouse uses, in releases 004010 and 005010. No table of X12 is
included. Overlays (YAML) stand on them: base, industry, partner. What a profile does not know is noted and
never refused, unless an overlay says closed: true.`,
		Example: `  paklog edi profile list
  paklog edi profile explain 940 --profile profiles/acme.yaml`,
	}
	cmd.AddCommand(newProfileList(), newProfileExplain(), newProfileGuide())
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
			t := newTable(cmd.OutOrStdout(), "set", "release", "group", "overlays")
			for _, s := range lib.Sets() {
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
	lib, err := rules.library()
	if err != nil {
		return nil, err
	}
	s, exact := lib.Find(id, release)
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
	cmd.Flags().StringVar(&release, "release", "004010", "release of the set")
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
	cmd.Flags().StringVar(&release, "release", "004010", "release of the set")
	return cmd
}
